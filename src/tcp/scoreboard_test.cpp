// The scoreboard: cases by hand from RFC 2018, 2883, 6675 and 8985, and long random runs beside a
// plain model that follows the RFCs' pseudo-code without any index.
#include "tcp/scoreboard.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <optional>
#include <random>
#include <vector>

namespace tcpdx::tcp {
namespace {

using wire::SackBlock;

constexpr uint32_t kMss = 1000;
constexpr unsigned kDupThresh = 3;
constexpr Seq kFirst{0xffff'f000};  // wraps after four segments

Seq at(uint32_t segment) { return kFirst + segment * kMss; }
SackBlock block(uint32_t from, uint32_t to) { return {at(from), at(to)}; }

// `count` segments, one each millisecond from 0 on.
Scoreboard sent(uint32_t count) {
  Scoreboard board(4096);
  for (uint32_t i = 0; i < count; ++i) board.sent(at(i), kMss, i * 1ms);
  return board;
}

AckedSegments ack(Scoreboard& board, uint32_t una, uint32_t to, std::vector<SackBlock> blocks,
                  Duration now) {
  return board.acknowledge(at(una), at(to), blocks, now);
}

std::vector<uint32_t> lost(const Scoreboard& board) {
  std::vector<uint32_t> found;
  for (size_t i = 0; i < board.size(); ++i) {
    if (board[i].lost) found.push_back(octets(kFirst, board[i].seq) / kMss);
  }
  return found;
}

RttEstimator rtt_of(Duration rtt) {
  RttEstimator estimator;
  estimator.sample(rtt);
  return estimator;
}

using Segments = std::vector<uint32_t>;

TEST(Scoreboard, CumulativeAcknowledgmentDropsSegments) {
  Scoreboard board = sent(10);
  EXPECT_EQ(board.pipe(), 10 * kMss);
  const auto acked = ack(board, 0, 3, {}, 100ms);
  EXPECT_EQ(acked.acked, 3 * kMss);
  EXPECT_EQ(acked.rtt, 98ms);  // of the third, sent at 2 ms
  EXPECT_EQ(board.size(), 7U);
  EXPECT_EQ(board[0].seq, at(3));
  EXPECT_EQ(board.pipe(), 7 * kMss);
  EXPECT_EQ(ack(board, 3, 10, {}, 110ms).acked, 7 * kMss);
  EXPECT_TRUE(board.empty());
  EXPECT_EQ(board.pipe(), 0U);
}

TEST(Scoreboard, PartOfASegmentIsTrimmed) {
  Scoreboard board = sent(2);
  const auto acked = board.acknowledge(at(0), at(0) + 400, {}, 50ms);
  EXPECT_EQ(acked.acked, 400U);
  EXPECT_FALSE(acked.rtt);
  EXPECT_EQ(board[0].seq, at(0) + 400);
  EXPECT_EQ(board[0].length, 600U);
  EXPECT_EQ(board.pipe(), 1600U);
}

TEST(Scoreboard, BlocksMarkWholeSegmentsOnly) {
  // RFC 2018 5: segments wholly contained within a block.
  Scoreboard board = sent(10);
  const auto acked = ack(board, 0, 0, {{at(2) + 1, at(5) + 999}}, 50ms);
  EXPECT_EQ(acked.sacked, 2 * kMss);
  EXPECT_FALSE(board[2].sacked);
  EXPECT_TRUE(board[3].sacked);
  EXPECT_TRUE(board[4].sacked);
  EXPECT_FALSE(board[5].sacked);
  EXPECT_EQ(board.pipe(), 8 * kMss);
  EXPECT_EQ(board.sacked(), 2 * kMss);
}

TEST(Scoreboard, SenselessBlocksAreIgnored) {
  Scoreboard board = sent(10);
  EXPECT_EQ(ack(board, 0, 0, {block(9, 11)}, 50ms).sacked, 0U);  // never sent
  EXPECT_EQ(ack(board, 0, 0, {block(5, 5)}, 50ms).sacked, 0U);   // empty
  EXPECT_EQ(ack(board, 0, 0, {block(6, 5)}, 50ms).sacked, 0U);   // backwards
  EXPECT_EQ(ack(board, 0, 0, {block(0, 3)}, 50ms).sacked, 0U);   // what the ACK asks for
  EXPECT_EQ(board.pipe(), 10 * kMss);
}

TEST(Scoreboard, DuplicateReportsAreTold) {
  // RFC 2883 4.1: below the acknowledgment number; 4.2: within the second block.
  Scoreboard board = sent(10);
  EXPECT_TRUE(ack(board, 0, 3, {block(0, 1)}, 50ms).dsack);
  EXPECT_TRUE(ack(board, 3, 3, {block(5, 6), block(4, 8)}, 50ms).dsack);
  EXPECT_FALSE(ack(board, 3, 3, {block(4, 9), block(5, 6)}, 50ms).dsack);
  EXPECT_FALSE(ack(board, 3, 3, {}, 50ms).dsack);
}

TEST(Scoreboard, ThreeSegmentsAboveMakeALoss) {
  // RFC 6675 4: more than (DupThresh - 1) * SMSS octets, or DupThresh separate stretches, above.
  Scoreboard board = sent(10);
  ack(board, 0, 0, {block(1, 3)}, 50ms);
  EXPECT_FALSE(board.mark_lost_by_count(kMss, kDupThresh));
  ack(board, 0, 0, {block(1, 4)}, 51ms);
  EXPECT_TRUE(board.mark_lost_by_count(kMss, kDupThresh));
  EXPECT_EQ(lost(board), Segments{0});
  EXPECT_EQ(board.pipe(), 6 * kMss);
  ASSERT_NE(board.next_lost(), nullptr);
  EXPECT_EQ(board.next_lost()->seq, at(0));
  EXPECT_FALSE(board.mark_lost_by_count(kMss, kDupThresh));
}

TEST(Scoreboard, ThreeSmallStretchesMakeALoss) {
  Scoreboard board(64);
  for (uint32_t i = 0; i < 7; ++i) board.sent(kFirst + i * 10, 10, 0ms);
  const auto small = [](uint32_t i) { return SackBlock{kFirst + i * 10, kFirst + i * 10 + 10}; };
  const std::vector<SackBlock> blocks{small(6), small(4), small(2)};
  board.acknowledge(kFirst, kFirst, blocks, 50ms);
  EXPECT_TRUE(board.mark_lost_by_count(kMss, kDupThresh));
  // Above 0 and 1 lie three stretches, above 3 two, above 5 one.
  EXPECT_TRUE(board[0].lost);
  EXPECT_TRUE(board[1].lost);
  EXPECT_FALSE(board[3].lost);
  EXPECT_FALSE(board[5].lost);
}

TEST(Scoreboard, WhatWasSentAgainIsInTheNetworkAgain) {
  Scoreboard board = sent(10);
  ack(board, 0, 0, {block(2, 6)}, 50ms);
  board.mark_lost_by_count(kMss, kDupThresh);
  EXPECT_EQ(lost(board), (Segments{0, 1}));
  board.sent_again(at(0), 51ms);
  EXPECT_EQ(lost(board), Segments{1});
  EXPECT_EQ(board.next_lost()->seq, at(1));
  EXPECT_EQ(board.pipe(), 5 * kMss);
  // Karn (RFC 6298 3): what it delivers is no measure, nor what may have waited for it.
  EXPECT_FALSE(ack(board, 0, 1, {}, 100ms).rtt);
  // A block does tell.
  EXPECT_EQ(ack(board, 1, 1, {block(2, 7)}, 100ms).rtt, 94ms);
}

TEST(Scoreboard, WhatWaitedBehindARepeatIsNoMeasure) {
  // Segments 1 and 2 arrived long ago and were held back by 0: the time is that of the repair.
  Scoreboard board = sent(3);
  board.mark_first_lost();
  board.sent_again(at(0), 1s);
  EXPECT_FALSE(ack(board, 0, 3, {}, 1100ms).rtt);
}

TEST(Scoreboard, FirstLostIsWhatDuplicatesPointAt) {
  Scoreboard board = sent(3);
  EXPECT_TRUE(board.mark_first_lost());
  EXPECT_FALSE(board.mark_first_lost());
  EXPECT_EQ(lost(board), Segments{0});
  EXPECT_EQ(board.pipe(), 2 * kMss);
}

TEST(Scoreboard, TimeoutForgetsWhatWasSacked) {
  // RFC 2018 8 and RFC 6298 5.4.
  Scoreboard board = sent(5);
  ack(board, 0, 0, {block(2, 4)}, 50ms);
  board.mark_all_lost();
  EXPECT_EQ(lost(board), (Segments{0, 1, 2, 3, 4}));
  EXPECT_EQ(board.pipe(), 0U);
  EXPECT_EQ(board.sacked(), 0U);
  board.sent_again(at(0), 1s);
  EXPECT_EQ(board.pipe(), kMss);
  EXPECT_EQ(ack(board, 0, 4, {}, 2s).acked, 4 * kMss);
  EXPECT_EQ(lost(board), Segments{4});
}

TEST(Scoreboard, SplitMakesTwoOfOne) {
  Scoreboard board = sent(8);
  ack(board, 0, 0, {block(3, 6)}, 50ms);
  board.mark_lost_by_count(kMss, kDupThresh);
  EXPECT_EQ(lost(board), (Segments{0, 1, 2}));
  EXPECT_EQ(board.split(at(1), 300).length, 300U);
  ASSERT_EQ(board.size(), 9U);
  EXPECT_EQ(board[1].end(), at(1) + 300);
  EXPECT_EQ(board[2].seq, at(1) + 300);
  EXPECT_EQ(board[2].length, 700U);
  EXPECT_TRUE(board[2].lost);
  board.sent_again(at(0), 60ms);
  board.sent_again(at(1), 60ms);
  EXPECT_EQ(board.next_lost()->seq, at(1) + 300);
  EXPECT_EQ(board.pipe(), 2 * kMss + kMss + 300);
  board.split(at(7), 500);  // in the network
  EXPECT_EQ(ack(board, 0, 8, {}, 100ms).acked, 8 * kMss);
  EXPECT_EQ(board.pipe(), 0U);
}

TEST(Scoreboard, LimitHolds) {
  Scoreboard board(2);
  board.sent(at(0), kMss, 0ms);
  EXPECT_FALSE(board.full());
  board.sent(at(1), kMss, 0ms);
  EXPECT_TRUE(board.full());
  board.clear();
  EXPECT_TRUE(board.empty());
  EXPECT_FALSE(board.full());
  EXPECT_EQ(board.pipe(), 0U);
}

// ---- RFC 8985

TEST(Rack, WaitsAQuarterOfARoundTripForReordering) {
  // 6.2: outside of recovery with fewer than DupThresh segments sacked reo_wnd = min_RTT / 4.
  // Segment 1 (sent at 1 ms) is delivered at 101 ms: RACK.rtt = 100 ms. Segment 0 (sent at 0) is
  // lost at 0 + 100 + 25 = 125 ms.
  Scoreboard board = sent(4);
  ack(board, 0, 0, {block(1, 2)}, 101ms);
  const RttEstimator rtt = rtt_of(100ms);
  const auto early = board.mark_lost_by_time(101ms, rtt, false, kDupThresh);
  EXPECT_FALSE(early.newly_lost);
  EXPECT_EQ(early.wait, 24ms);
  EXPECT_FALSE(board.mark_lost_by_time(125ms - 1us, rtt, false, kDupThresh).newly_lost);
  const auto late = board.mark_lost_by_time(125ms, rtt, false, kDupThresh);
  EXPECT_TRUE(late.newly_lost);
  EXPECT_FALSE(late.wait);
  EXPECT_EQ(lost(board), Segments{0});
}

TEST(Rack, DoesNotWaitOnceThreeAreSackedOrInRecovery) {
  Scoreboard counted = sent(5);
  ack(counted, 0, 0, {block(1, 4)}, 103ms);
  EXPECT_TRUE(counted.mark_lost_by_time(103ms, rtt_of(100ms), false, kDupThresh).newly_lost);
  Scoreboard recovering = sent(5);
  ack(recovering, 0, 0, {block(1, 2)}, 101ms);
  EXPECT_TRUE(recovering.mark_lost_by_time(101ms, rtt_of(100ms), true, kDupThresh).newly_lost);
}

TEST(Rack, SeenReorderingKeepsTheWindow) {
  // Step 3: 0 arrives after 1 without having been sent twice; from then on the window stays.
  Scoreboard board = sent(9);
  ack(board, 0, 0, {block(1, 2)}, 101ms);
  ack(board, 0, 2, {}, 102ms);
  ack(board, 2, 2, {block(3, 8)}, 107ms);
  // Segment 7 (sent at 7 ms) gives RACK.rtt = 100 ms: 2 is lost at 2 + 100 + 25 = 127 ms.
  const auto result = board.mark_lost_by_time(107ms, rtt_of(100ms), true, kDupThresh);
  EXPECT_FALSE(result.newly_lost);
  EXPECT_EQ(result.wait, 20ms);
}

TEST(Rack, FindsLostRetransmissions) {
  Scoreboard board = sent(6);
  ack(board, 0, 0, {block(1, 4)}, 103ms);
  board.mark_lost_by_time(103ms, rtt_of(100ms), false, kDupThresh);
  board.sent_again(at(0), 104ms);
  board.sent(at(6), kMss, 110ms);
  // 6 was sent after the retransmission and arrives: that is lost again.
  ack(board, 0, 0, {block(6, 7), block(1, 4)}, 210ms);
  EXPECT_TRUE(board.mark_lost_by_time(210ms, rtt_of(100ms), true, kDupThresh).newly_lost);
  EXPECT_EQ(lost(board), (Segments{0, 4, 5}));
}

TEST(Rack, AnswerFasterThanAnyIsOfTheFirstSending) {
  // Step 2: min_RTT is 99 ms (segment 3); an ACK 10 ms after the retransmission proves nothing
  // about it, so what was sent shortly before is not taken for lost.
  Scoreboard board = sent(6);
  ack(board, 0, 0, {block(1, 4)}, 102ms);
  board.mark_lost_by_time(102ms, rtt_of(99ms), false, kDupThresh);
  board.sent(at(6), kMss, 103ms);
  board.sent_again(at(0), 104ms);
  ack(board, 0, 4, {}, 114ms);
  const auto result = board.mark_lost_by_time(114ms, rtt_of(99ms), true, kDupThresh);
  EXPECT_FALSE(result.newly_lost);
  EXPECT_FALSE(result.wait);
}

TEST(Rack, DuplicateReportsWidenTheWindowForSixteenRecoveries) {
  Scoreboard board = sent(20);
  const RttEstimator rtt = rtt_of(100ms);
  ack(board, 0, 2, {block(0, 1)}, 101ms);  // reo_wnd_mult = 2
  ack(board, 2, 2, {block(0, 1)}, 101ms);  // the same round: no more
  ack(board, 2, 2, {block(3, 4)}, 103ms);
  // 2 is lost at 2 + 100 + 2 * 100 / 4 = 152 ms.
  EXPECT_EQ(board.mark_lost_by_time(103ms, rtt, false, kDupThresh).wait, 49ms);
  for (int recovery = 0; recovery < 15; ++recovery) {
    board.mark_lost_by_time(0ms, rtt, true, kDupThresh);
    board.mark_lost_by_time(0ms, rtt, false, kDupThresh);
  }
  EXPECT_EQ(board.mark_lost_by_time(103ms, rtt, false, kDupThresh).wait, 49ms);
  board.mark_lost_by_time(0ms, rtt, true, kDupThresh);
  EXPECT_EQ(board.mark_lost_by_time(103ms, rtt, false, kDupThresh).wait, 24ms);
}

// ---- Beside a plain model

struct Model {
  std::vector<SentSegment> segments;
  Duration rack_sent{};
  Duration rack_rtt{};
  Duration min_rtt{};
  Seq rack_end;
  Seq fack = kFirst;
  bool reordering = false;

  uint32_t sum(auto wanted) const {
    uint32_t octets = 0;
    for (const auto& s : segments) octets += std::invoke(wanted, s) ? s.length : 0;
    return octets;
  }
  uint32_t pipe() const {
    return sum([](const auto& s) { return !s.sacked && !s.lost; });
  }

  std::optional<Duration> acknowledge(Seq ack, std::vector<SackBlock> blocks, Duration now) {
    std::vector<SentSegment> delivered;
    std::optional<SentSegment> once;
    bool twice = false;
    for (const auto& s : segments) {
      if (s.end() > ack) continue;
      twice |= s.retransmitted;
      if (!s.sacked) delivered.push_back(s);
    }
    const size_t by_ack = delivered.size();
    std::erase_if(segments, [&](const auto& s) { return s.end() <= ack; });
    if (!segments.empty() && segments[0].seq < ack) {
      segments[0].length -= octets(segments[0].seq, ack);
      segments[0].seq = ack;
    }
    for (auto& s : segments) {
      for (const auto& b : blocks) {
        const bool valid = b.left > segments[0].seq && b.right <= segments.back().end();
        if (!valid || s.sacked || s.seq < b.left || s.end() > b.right) continue;
        delivered.push_back(s);
        s.sacked = true;
        s.lost = false;
      }
    }
    const auto later = [](const SentSegment& a, const SentSegment& b) {
      return sent_after(a.sent_at, a.end(), b.sent_at, b.end());
    };
    for (size_t i = 0; i < delivered.size(); ++i) {  // ascending by sequence number: step 3
      const auto& s = delivered[i];
      if (s.end() > fack)
        fack = s.end();
      else if (s.end() < fack && !s.retransmitted)
        reordering = true;
      const bool measures = !s.retransmitted && (i >= by_ack || !twice);
      if (measures && (!once || later(s, *once))) once = s;
    }
    std::ranges::sort(delivered, [&](const auto& a, const auto& b) { return later(b, a); });
    for (const auto& s : delivered) {  // step 2, by time of sending
      const Duration rtt = now - s.sent_at;
      if (s.retransmitted && rtt < min_rtt) continue;
      rack_rtt = std::max(rtt, Duration{1});
      if (!sent_after(s.sent_at, s.end(), rack_sent, rack_end)) continue;
      rack_sent = s.sent_at;
      rack_end = s.end();
    }
    if (!once) return std::nullopt;
    const Duration rtt = std::max(now - once->sent_at, Duration{1});
    min_rtt = min_rtt == Duration{} ? rtt : std::min(min_rtt, rtt);
    return now - once->sent_at;
  }

  void mark_by_count() {
    for (auto s = segments.begin(); s != segments.end(); ++s) {
      uint32_t above = 0;
      unsigned stretches = 0;
      for (auto o = s + 1; o != segments.end(); ++o) {
        if (!o->sacked) continue;
        above += o->length;
        if (!(o - 1)->sacked) ++stretches;
      }
      const bool is_lost = stretches >= kDupThresh || above > (kDupThresh - 1) * kMss;
      if (is_lost && !s->sacked && !s->retransmitted) s->lost = true;
    }
  }

  std::optional<Duration> mark_by_time(Duration now, const RttEstimator& rtt, bool recovery) {
    std::optional<Duration> wait;
    if (rack_rtt == Duration{}) return wait;
    const auto sacked = std::ranges::count_if(segments, &SentSegment::sacked);
    Duration window = std::min(rtt.min_rtt() / 4, rtt.srtt());
    if (!reordering && (recovery || sacked >= kDupThresh)) window = Duration{};
    for (auto& s : segments) {
      if (s.sacked || s.lost) continue;
      if (!sent_after(rack_sent, rack_end, s.sent_at, s.end())) continue;
      const Duration remaining = s.sent_at + rack_rtt + window - now;
      if (remaining <= Duration{})
        s.lost = true;
      else
        wait = std::max(wait.value_or(Duration{}), remaining);
    }
    return wait;
  }
};

class BesideModel : public testing::TestWithParam<unsigned> {
 protected:
  uint32_t pick(uint32_t below) { return static_cast<uint32_t>(random_() % below); }

  void compare() {
    ASSERT_EQ(board_.size(), model_.segments.size());
    const SentSegment* lowest = nullptr;
    for (size_t i = 0; i < board_.size(); ++i) {
      const SentSegment& wanted = model_.segments[i];
      ASSERT_EQ(board_[i].seq, wanted.seq);
      ASSERT_EQ(board_[i].length, wanted.length);
      ASSERT_EQ(board_[i].sent_at, wanted.sent_at);
      ASSERT_EQ(board_[i].sacked, wanted.sacked) << i;
      ASSERT_EQ(board_[i].lost, wanted.lost) << i;
      ASSERT_EQ(board_[i].retransmitted, wanted.retransmitted) << i;
      if (wanted.lost && lowest == nullptr) lowest = &board_[i];
    }
    ASSERT_EQ(board_.next_lost(), lowest);
    ASSERT_EQ(board_.pipe(), model_.pipe());
    ASSERT_EQ(board_.sacked(), model_.sum(&SentSegment::sacked));
  }

  void send() {
    for (uint32_t n = pick(6); n > 0 && !board_.full(); --n) {
      const uint32_t length = pick(4) == 0 ? 1 + pick(50) : kMss;
      board_.sent(nxt_, length, now_);
      if (model_.segments.empty()) model_.fack = nxt_;
      model_.segments.push_back({.seq = nxt_, .length = length, .sent_at = now_});
      nxt_ += length;
    }
  }

  void acknowledge() {
    if (model_.segments.empty()) return;
    const auto count = static_cast<uint32_t>(model_.segments.size());
    const Seq una = model_.segments[0].seq;
    Seq ack = una;
    if (pick(3) == 0) ack = model_.segments[pick(count)].seq + (pick(8) == 0 ? 1 : 0);
    std::vector<SackBlock> blocks;
    for (uint32_t n = pick(5); n > 0; --n) {
      const uint32_t from = pick(count);
      const uint32_t to = std::min(from + pick(8), count - 1);
      blocks.push_back({model_.segments[from].seq, model_.segments[to].end() - pick(2)});
    }
    std::erase_if(blocks,
                  [&](const auto& b) { return b.left <= ack; });  // no reports of duplicates
    std::ranges::shuffle(blocks, random_);
    if (blocks.size() > 1 && blocks[0].left >= blocks[1].left) std::swap(blocks[0], blocks[1]);
    if (blocks.size() > 1 && blocks[0].left == blocks[1].left) blocks.pop_back();
    if (blocks.size() > 1 && blocks[0].left == blocks[1].left) blocks.clear();
    const auto acked = board_.acknowledge(una, ack, blocks, now_);
    ASSERT_FALSE(acked.dsack);
    ASSERT_EQ(acked.rtt, model_.acknowledge(ack, blocks, now_));
  }

  void repeat() {
    for (uint32_t n = pick(4); n > 0 && board_.any_lost(); --n) {
      const Seq seq = board_.next_lost()->seq;
      board_.sent_again(seq, now_);
      for (auto& s : model_.segments) {
        if (s.seq != seq) continue;
        s.lost = false;
        s.retransmitted = true;
        s.sent_at = now_;
      }
    }
  }

  void split() {
    if (model_.segments.empty()) return;
    const auto i = pick(static_cast<uint32_t>(model_.segments.size()));
    const auto place = model_.segments.begin() + i;
    if (place->length < 2) return;
    const uint32_t length = 1 + pick(place->length - 1);
    board_.split(place->seq, length);
    SentSegment one = *place;
    one.length = length;
    place->seq += length;
    place->length -= length;
    model_.segments.insert(place, one);
  }

  void time_out() {
    board_.mark_all_lost();
    for (auto& s : model_.segments) {
      s.sacked = false;
      s.lost = true;
    }
    if (!model_.segments.empty()) model_.fack = model_.segments[0].seq;
  }

  std::mt19937 random_{GetParam()};
  Scoreboard board_{64};
  Model model_;
  Seq nxt_ = kFirst;
  Duration now_{};
};

TEST_P(BesideModel, LongRandomRunsAgree) {
  const RttEstimator rtt = rtt_of(20ms);
  for (int step = 0; step < 1000; ++step) {
    now_ += pick(3) * 1ms;  // often none: what is sent at the same time has an order too
    switch (pick(32)) {
      case 0: time_out(); break;
      case 1: split(); break;
      case 2:
      case 3: repeat(); break;
      default: pick(2) == 0 ? send() : acknowledge();
    }
    if (pick(2) == 0) {
      board_.mark_lost_by_count(kMss, kDupThresh);
      model_.mark_by_count();
    }
    if (pick(2) == 0) {
      const bool recovery = pick(2) == 0;
      const auto found = board_.mark_lost_by_time(now_, rtt, recovery, kDupThresh);
      ASSERT_EQ(found.wait, model_.mark_by_time(now_, rtt, recovery)) << step;
    }
    if (pick(2) == 0) repeat();
    compare();
    if (HasFatalFailure()) FAIL() << "step " << step;
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, BesideModel, testing::Range(0U, 50U));

}  // namespace
}  // namespace tcpdx::tcp
