// The send queue against a plain string of octets, across the ring's end and across sequence number
// 0.
#include "tcp/send_queue.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <random>
#include <vector>

namespace tcpdx::tcp {
namespace {

std::vector<std::byte> counted(size_t from, size_t count) {
  std::vector<std::byte> octets;
  for (size_t i = from; i < from + count; ++i)
    octets.push_back(static_cast<std::byte>(i * 7 % 251));
  return octets;
}

std::vector<std::byte> read(const SendQueue& queue, Seq seq, size_t length) {
  std::vector<std::byte> scratch(length);
  const auto found = queue.at(seq, length, scratch);
  return {found.begin(), found.end()};
}

TEST(SendQueue, TakesNoMemoryUntilItHoldsSomething) {
  SendQueue queue;
  queue.start(Seq{1});
  EXPECT_EQ(queue.append({}, 1000), 0U);
  EXPECT_EQ(queue.append(counted(0, 10), 0), 0U);
  EXPECT_EQ(queue.capacity(), 0U);
  EXPECT_TRUE(read(queue, Seq{1}, 0).empty());
}

TEST(SendQueue, TakesWhatFitsBelowTheLimit) {
  SendQueue queue;
  queue.start(Seq{100});
  EXPECT_EQ(queue.append(counted(0, 3000), 5000), 3000U);
  EXPECT_EQ(queue.append(counted(3000, 3000), 5000), 2000U);
  EXPECT_EQ(queue.append(counted(5000, 1), 5000), 0U);
  EXPECT_EQ(queue.append(counted(5000, 1), 4000), 0U);  // the limit fell meanwhile
  EXPECT_EQ(queue.size(), 5000U);
  EXPECT_EQ(queue.end(), Seq{5100});
  EXPECT_EQ(read(queue, Seq{100}, 5000), counted(0, 5000));
}

TEST(SendQueue, MemoryGrowsByDoublingToTheLimit) {
  SendQueue queue;
  queue.start(Seq{0});
  constexpr size_t kLimit = 65536;
  std::vector<size_t> sizes;
  while (queue.append(counted(queue.size(), 100), kLimit) != 0) {
    if (sizes.empty() || sizes.back() != queue.capacity()) sizes.push_back(queue.capacity());
  }
  EXPECT_EQ(sizes, (std::vector<size_t>{2048, 4096, 8192, 16384, 32768, 65536}));
  EXPECT_EQ(read(queue, Seq{0}, kLimit), counted(0, kLimit));
}

TEST(SendQueue, AcknowledgingAFinLeavesTheEndWhereItIs) {
  SendQueue queue;
  queue.start(Seq{UINT32_MAX - 4});
  queue.append(counted(0, 10), 100);
  queue.acknowledge(Seq{UINT32_MAX - 4});  // nothing new
  queue.acknowledge(Seq{UINT32_MAX - 10});
  EXPECT_EQ(queue.size(), 10U);
  EXPECT_EQ(queue.end(), Seq{5});
  queue.acknowledge(Seq{6});
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.begin(), Seq{5});
  EXPECT_EQ(queue.end(), Seq{5});
}

TEST(SendQueue, StartForgetsWhatWasThere) {
  SendQueue queue;
  queue.start(Seq{0});
  queue.append(counted(0, 10), 100);
  queue.start(Seq{5000});
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(queue.begin(), Seq{5000});
}

// Nothing is copied but where the ring wraps.
TEST(SendQueue, ShowsTheRingItselfWhereItDoesNotWrap) {
  SendQueue queue;
  queue.start(Seq{0});
  queue.append(counted(0, 2048), 2048);
  std::vector<std::byte> scratch(2048);
  EXPECT_NE(queue.at(Seq{0}, 2048, scratch).data(), scratch.data());
  queue.acknowledge(Seq{1500});
  queue.append(counted(2048, 1000), 2048);
  ASSERT_EQ(queue.capacity(), 2048U);
  EXPECT_NE(queue.at(Seq{1500}, 548, scratch).data(), scratch.data());
  EXPECT_EQ(queue.at(Seq{1500}, 549, scratch).data(), scratch.data());
  EXPECT_NE(queue.at(Seq{2048}, 1000, scratch).data(), scratch.data());
  EXPECT_EQ(read(queue, Seq{1500}, 1548), counted(1500, 1548));
}

TEST(SendQueue, BehavesAsAStringOfOctets) {
  for (uint32_t seed = 0; seed < 40; ++seed) {
    SCOPED_TRACE(seed);
    std::mt19937 random(seed);
    const auto upto = [&](size_t most) { return static_cast<size_t>(random() % (most + 1)); };
    SendQueue queue;
    std::deque<std::byte> model;
    Seq begin{UINT32_MAX - static_cast<uint32_t>(upto(20'000))};
    queue.start(begin);
    const size_t limit = 1 + upto(9000);
    size_t written = 0;
    for (int step = 0; step < 400; ++step) {
      const auto octets = counted(written, upto(2000));
      const size_t taken = queue.append(octets, limit);
      ASSERT_EQ(taken, std::min(octets.size(), limit - model.size()));
      model.insert(model.end(), octets.begin(),
                   octets.begin() + static_cast<std::ptrdiff_t>(taken));
      written += taken;

      const size_t offset = upto(model.size());
      const size_t length = upto(model.size() - offset);
      const auto first = model.begin() + static_cast<std::ptrdiff_t>(offset);
      ASSERT_EQ(read(queue, begin + static_cast<uint32_t>(offset), length),
                std::vector<std::byte>(first, first + static_cast<std::ptrdiff_t>(length)));

      const size_t gone = upto(model.size());
      begin += static_cast<uint32_t>(gone);
      model.erase(model.begin(), model.begin() + static_cast<std::ptrdiff_t>(gone));
      queue.acknowledge(begin);
      ASSERT_EQ(queue.size(), model.size());
      ASSERT_EQ(queue.begin(), begin);
    }
    EXPECT_LE(queue.capacity(), 16384U);
  }
}

}  // namespace
}  // namespace tcpdx::tcp
