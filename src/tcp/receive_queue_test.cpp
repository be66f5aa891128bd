// Reassembly against a naive map of octets, and the SACK blocks of RFC 2018 and RFC 2883.
#include "tcp/receive_queue.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>
#include <utility>
#include <vector>

namespace tcpdx::tcp {
namespace {

using wire::SackBlock;
using Octets = std::vector<std::byte>;

constexpr size_t kLimit = 65536;

// The octet that belongs to a sequence number.
std::byte octet_of(Seq seq) { return static_cast<std::byte>(seq.raw * 7 % 251); }

Octets text(Seq left, Seq right) {
  Octets octets;
  for (Seq seq = left; seq < right; seq += 1) octets.push_back(octet_of(seq));
  return octets;
}

uint32_t store(ReceiveQueue& queue, Seq left, Seq right) {
  return queue.store(left, text(left, right), kLimit);
}
uint32_t store(ReceiveQueue& queue, uint32_t left, uint32_t right) {
  return store(queue, Seq{left}, Seq{right});
}

std::vector<SackBlock> blocks(ReceiveQueue& queue, size_t most = wire::kMaxSackBlocks) {
  std::array<SackBlock, wire::kMaxSackBlocks> out{};
  const size_t count = queue.sack_blocks(out, most);
  return {out.begin(), out.begin() + static_cast<std::ptrdiff_t>(count)};
}

SackBlock block(uint32_t left, uint32_t right) { return {Seq{left}, Seq{right}}; }

Octets read(ReceiveQueue& queue, size_t most = kLimit) {
  Octets out(most);
  out.resize(queue.read(out));
  return out;
}

ReceiveQueue started(uint32_t first) {
  ReceiveQueue queue;
  queue.start(Seq{first});
  return queue;
}

TEST(ReceiveQueue, TakesNoMemoryUntilItHoldsSomething) {
  ReceiveQueue queue = started(1);
  EXPECT_EQ(queue.store(Seq{1}, {}, kLimit), 0U);
  EXPECT_EQ(queue.store(Seq{1}, text(Seq{1}, Seq{5}), 0), 0U);
  EXPECT_TRUE(read(queue).empty());
  EXPECT_EQ(queue.capacity(), 0U);
  EXPECT_FALSE(queue.has_sack_blocks());
}

TEST(ReceiveQueue, TextInOrderIsThereToRead) {
  ReceiveQueue queue = started(1000);
  EXPECT_EQ(store(queue, 1000, 1100), 100U);
  EXPECT_EQ(store(queue, 1100, 1150), 50U);
  EXPECT_EQ(queue.rcv_nxt(), Seq{1150});
  EXPECT_EQ(queue.room(1000), 850U);
  EXPECT_EQ(read(queue, 30), text(Seq{1000}, Seq{1030}));
  EXPECT_EQ(queue.rcv_nxt(), Seq{1150});
  EXPECT_EQ(queue.room(1000), 880U);
  EXPECT_EQ(read(queue), text(Seq{1030}, Seq{1150}));
  EXPECT_TRUE(queue.empty());
}

TEST(ReceiveQueue, AGapHoldsBackWhatFollowsIt) {
  ReceiveQueue queue = started(0);
  EXPECT_EQ(store(queue, 100, 200), 0U);
  EXPECT_EQ(queue.rcv_nxt(), Seq{0});
  EXPECT_EQ(queue.in_order(), 0U);
  EXPECT_TRUE(queue.has_gaps());
  EXPECT_TRUE(read(queue).empty());
  EXPECT_EQ(store(queue, 0, 100), 200U);
  EXPECT_FALSE(queue.has_gaps());
  EXPECT_EQ(read(queue), text(Seq{0}, Seq{200}));
}

// 0 to 2^32 - 1 is followed by 0 (RFC 9293 3.4).
TEST(ReceiveQueue, ReassemblesAcrossSequenceNumberZero) {
  ReceiveQueue queue = started(UINT32_MAX - 99);
  EXPECT_EQ(store(queue, 50, 150), 0U);
  EXPECT_EQ(store(queue, Seq{UINT32_MAX - 49}, Seq{20}), 0U);
  EXPECT_EQ(blocks(queue), (std::vector{block(UINT32_MAX - 49, 20), block(50, 150)}));
  EXPECT_EQ(store(queue, 20, 50), 0U);
  EXPECT_EQ(blocks(queue), (std::vector{block(UINT32_MAX - 49, 150)}));
  EXPECT_EQ(store(queue, Seq{UINT32_MAX - 99}, Seq{UINT32_MAX - 49}), 250U);
  EXPECT_EQ(queue.rcv_nxt(), Seq{150});
  EXPECT_EQ(read(queue), text(Seq{UINT32_MAX - 99}, Seq{150}));
}

TEST(ReceiveQueue, KeepsOnlyWhatIsNewAndWithinTheLimit) {
  ReceiveQueue queue = started(1000);
  EXPECT_EQ(queue.store(Seq{900}, text(Seq{900}, Seq{1200}), 150), 150U);
  EXPECT_EQ(queue.rcv_nxt(), Seq{1150});
  EXPECT_EQ(queue.room(150), 0U);
  EXPECT_EQ(queue.store(Seq{1150}, text(Seq{1150}, Seq{1200}), 150), 0U);
  EXPECT_EQ(queue.store(Seq{1300}, text(Seq{1300}, Seq{1400}), 300), 0U);
  EXPECT_FALSE(queue.has_gaps());  // 1300 is the first beyond the limit
  EXPECT_EQ(queue.store(Seq{1299}, text(Seq{1299}, Seq{1400}), 300), 0U);
  EXPECT_EQ(read(queue), text(Seq{1000}, Seq{1150}));
}

// What was taken in stays when the user asks for a smaller buffer.
TEST(ReceiveQueue, ALimitThatFallsTakesNothingAway) {
  ReceiveQueue queue = started(0);
  EXPECT_EQ(store(queue, 0, 5000), 5000U);
  EXPECT_EQ(store(queue, 6000, 7000), 0U);
  EXPECT_EQ(queue.room(1000), 0U);
  EXPECT_EQ(queue.store(Seq{5000}, text(Seq{5000}, Seq{6000}), 1000), 0U);
  EXPECT_EQ(read(queue), text(Seq{0}, Seq{5000}));
  EXPECT_EQ(queue.store(Seq{5000}, text(Seq{5000}, Seq{6000}), 1000), 2000U);
  EXPECT_EQ(read(queue), text(Seq{5000}, Seq{7000}));
}

// A later copy, forged perhaps, cannot change octets that SACK has told the sender we hold.
TEST(ReceiveQueue, KeepsOctetsAsTheyCameFirst) {
  ReceiveQueue queue = started(0);
  store(queue, 10, 20);
  queue.store(Seq{0}, Octets(30, std::byte{0xFF}), kLimit);
  const Octets all = read(queue);
  ASSERT_EQ(all.size(), 30U);
  EXPECT_TRUE(std::ranges::equal(std::span(all).subspan(10, 10), text(Seq{10}, Seq{20})));
  EXPECT_EQ(std::ranges::count(all, std::byte{0xFF}), 20);
}

TEST(ReceiveQueue, GapsAreBounded) {
  ReceiveQueue queue = started(0);
  for (uint32_t i = 1; i <= kMaxGaps; ++i) store(queue, 10 * i, 10 * i + 5);
  store(queue, 10'000, 10'005);
  EXPECT_EQ(blocks(queue, 1), (std::vector{block(10 * kMaxGaps, 10 * kMaxGaps + 5)}));
  EXPECT_EQ(store(queue, 15, 20), 0U);  // merging is still possible, and makes room for one more
  store(queue, 10'000, 10'005);
  EXPECT_EQ(blocks(queue, 2), (std::vector{block(10'000, 10'005), block(10, 25)}));
  store(queue, 20'000, 20'005);
  EXPECT_EQ(store(queue, 0, 10'000), 10'005U);
  EXPECT_FALSE(queue.has_gaps());
  EXPECT_EQ(read(queue), text(Seq{0}, Seq{10'005}));
}

TEST(ReceiveQueue, StartForgetsWhatWasThere) {
  ReceiveQueue queue = started(0);
  store(queue, 0, 10);
  store(queue, 20, 30);
  queue.duplicate(Seq{0}, Seq{5});
  queue.start(Seq{777});
  EXPECT_TRUE(queue.empty());
  EXPECT_FALSE(queue.has_sack_blocks());
  EXPECT_EQ(queue.rcv_nxt(), Seq{777});
}

// RFC 2018 section 4: the examples of a sender with segments of 500 octets from 5000 on.
TEST(SackBlocks, AreThoseOfRfc2018WhereTheFirstOfEightIsLost) {
  ReceiveQueue queue = started(5000);
  for (uint32_t right = 6000; right <= 9000; right += 500) {
    EXPECT_EQ(store(queue, right - 500, right), 0U);
    EXPECT_EQ(blocks(queue), (std::vector{block(5500, right)}));
  }
}

TEST(SackBlocks, AreThoseOfRfc2018WhereEverySecondIsLost) {
  ReceiveQueue queue = started(5000);
  store(queue, 5000, 5500);
  EXPECT_FALSE(queue.has_sack_blocks());
  store(queue, 6000, 6500);
  EXPECT_EQ(blocks(queue), (std::vector{block(6000, 6500)}));
  store(queue, 7000, 7500);
  EXPECT_EQ(blocks(queue), (std::vector{block(7000, 7500), block(6000, 6500)}));
  store(queue, 8000, 8500);
  EXPECT_EQ(blocks(queue), (std::vector{block(8000, 8500), block(7000, 7500), block(6000, 6500)}));
  // The fourth arrives late: 6500 to 7000.
  store(queue, 6500, 7000);
  EXPECT_EQ(blocks(queue), (std::vector{block(6000, 7500), block(8000, 8500)}));
  // Then the second: the cumulative acknowledgment passes to 7500.
  EXPECT_EQ(store(queue, 5500, 6000), 2000U);
  EXPECT_EQ(queue.rcv_nxt(), Seq{7500});
  EXPECT_EQ(blocks(queue), (std::vector{block(8000, 8500)}));
}

TEST(SackBlocks, AreNoMoreThanAskedFor) {
  ReceiveQueue queue = started(0);
  for (uint32_t i = 1; i <= 6; ++i) store(queue, 10 * i, 10 * i + 5);
  EXPECT_TRUE(blocks(queue, 0).empty());
  EXPECT_EQ(blocks(queue, 3), (std::vector{block(60, 65), block(50, 55), block(40, 45)}));
  EXPECT_EQ(blocks(queue, 9),
            (std::vector{block(60, 65), block(50, 55), block(40, 45), block(30, 35)}));
}

// RFC 2018 4: the first block holds the segment that triggered the ACK, also when it is not new.
TEST(SackBlocks, ARepeatedStretchComesFirst) {
  ReceiveQueue queue = started(0);
  store(queue, 10, 20);
  store(queue, 30, 40);
  store(queue, 12, 18);
  EXPECT_EQ(blocks(queue), (std::vector{block(12, 18), block(10, 20), block(30, 40)}));
  EXPECT_EQ(blocks(queue), (std::vector{block(10, 20), block(30, 40)}));  // reported once
}

TEST(Duplicate, BelowTheAcknowledgmentComesFirstAndOnce) {
  ReceiveQueue queue = started(3000);
  store(queue, 3000, 4000);
  store(queue, 4500, 5000);
  EXPECT_EQ(store(queue, 3000, 3500), 0U);
  EXPECT_EQ(blocks(queue), (std::vector{block(3000, 3500), block(4500, 5000)}));
  EXPECT_EQ(blocks(queue), (std::vector{block(4500, 5000)}));
  queue.duplicate(Seq{3500}, Seq{4000});
  EXPECT_EQ(blocks(queue, 1), (std::vector{block(3500, 4000)}));
  EXPECT_EQ(blocks(queue, 1), (std::vector{block(4500, 5000)}));
}

TEST(Duplicate, WaitsForAnAckThatHasRoom) {
  ReceiveQueue queue = started(100);
  queue.duplicate(Seq{50}, Seq{100});
  EXPECT_TRUE(queue.has_sack_blocks());
  EXPECT_TRUE(blocks(queue, 0).empty());
  EXPECT_EQ(blocks(queue), (std::vector{block(50, 100)}));
  EXPECT_FALSE(queue.has_sack_blocks());
}

// RFC 2883 4.2: of a segment that is a duplicate in part, that part is reported.
TEST(Duplicate, IsThePartThatWasThereBefore) {
  ReceiveQueue below = started(500);
  store(below, 500, 1500);
  EXPECT_EQ(store(below, 1000, 2000), 500U);
  EXPECT_EQ(blocks(below), (std::vector{block(1000, 1500)}));

  ReceiveQueue beyond = started(500);
  store(beyond, 2000, 2500);
  EXPECT_EQ(store(beyond, 1500, 2200), 0U);
  EXPECT_EQ(blocks(beyond), (std::vector{block(2000, 2200), block(1500, 2500)}));

  ReceiveQueue filling = started(500);
  store(filling, 1000, 1500);
  EXPECT_EQ(store(filling, 500, 2000), 1500U);
  EXPECT_EQ(blocks(filling), (std::vector{block(1000, 1500)}));
}

// RFC 2883 4.2: of two stretches that are not next to each other, the first.
TEST(Duplicate, IsTheFirstOfSeveral) {
  ReceiveQueue queue = started(500);
  store(queue, 1000, 1500);
  store(queue, 2000, 2500);
  EXPECT_EQ(store(queue, 800, 2500), 0U);
  EXPECT_EQ(blocks(queue), (std::vector{block(1000, 1500), block(800, 2500)}));

  ReceiveQueue both = started(500);
  store(both, 500, 1000);
  store(both, 1500, 2000);
  EXPECT_EQ(store(both, 800, 2000), 1000U);
  EXPECT_EQ(blocks(both), (std::vector{block(800, 1000)}));
}

// Which octets are there, one by one; everything else follows from them.
class Model {
 public:
  explicit Model(Seq first) : begin_(first), next_(first) {}

  uint32_t store(Seq seq, std::span<const std::byte> octets, size_t limit) {
    for (size_t i = 0; i < octets.size(); ++i) {
      const int32_t offset = seq + static_cast<uint32_t>(i) - begin_;
      const bool fits = std::cmp_less(offset, limit) && seq + static_cast<uint32_t>(i) >= next_;
      if (fits) there_.try_emplace(offset, octets[i]);
    }
    const Seq before = next_;
    while (there_.contains(next_ - begin_)) next_ += 1;
    return tcpdx::octets(before, next_);
  }
  Octets read(size_t most) {
    const size_t count = std::min<size_t>(most, tcpdx::octets(begin_, next_));
    Octets out;
    for (size_t i = 0; i < count; ++i) out.push_back(there_.at(static_cast<int32_t>(i)));
    std::map<int32_t, std::byte> rest;
    for (const auto& [offset, octet] : there_) {
      if (std::cmp_greater_equal(offset, count)) rest[offset - static_cast<int32_t>(count)] = octet;
    }
    there_ = rest;
    begin_ += static_cast<uint32_t>(count);
    return out;
  }
  std::vector<SackBlock> stretches() const {
    std::vector<SackBlock> out;
    for (auto at = there_.lower_bound(next_ - begin_); at != there_.end(); ++at) {
      const Seq seq = begin_ + static_cast<uint32_t>(at->first);
      if (out.empty() || out.back().right != seq) out.push_back({seq, seq});
      out.back().right += 1;
    }
    return out;
  }
  Seq next() const { return next_; }

 private:
  Seq begin_;
  Seq next_;
  std::map<int32_t, std::byte> there_;  // by distance from begin_
};

// Each octet comes with changing values, so that it shows whose came first.
TEST(ReceiveQueue, BehavesAsAMapOfOctets) {
  for (uint32_t seed = 0; seed < 20; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto upto = [&](size_t most) { return static_cast<uint32_t>(random() % (most + 1)); };
    const Seq first{UINT32_MAX - upto(4000)};
    ReceiveQueue queue;
    queue.start(first);
    Model model(first);
    for (int step = 0; step < 300; ++step) {
      const size_t limit = 1 + upto(4999);
      const Seq seq = model.next() + upto(limit) - upto(limit / 2);
      Octets octets(upto(600));
      for (std::byte& octet : octets) octet = static_cast<std::byte>(random());
      ASSERT_EQ(queue.store(seq, octets, limit), model.store(seq, octets, limit));
      ASSERT_EQ(queue.rcv_nxt(), model.next());

      const auto wanted = model.stretches();
      ASSERT_LE(wanted.size(), kMaxGaps);
      ASSERT_EQ(queue.has_gaps(), !wanted.empty());
      auto shown = blocks(queue);
      if (shown.size() > wanted.size()) shown.erase(shown.begin());  // a duplicate
      for (size_t i = 1; i < shown.size(); ++i) {
        ASSERT_NE(std::ranges::find(wanted, shown[i]), wanted.end());
      }
      const size_t most = upto(1500);
      if (random() % 3 == 0) {
        ASSERT_EQ(read(queue, most), model.read(most));
      }
    }
    EXPECT_LE(queue.capacity(), 8192U);
  }
}

}  // namespace
}  // namespace tcpdx::tcp
