#include "probe/statistics.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace tcpdx::probe {
namespace {

// The figures of Wilson's interval as tables of it have them (Newcombe 1998, method 3).
TEST(ShareOf, IsWilsonsInterval) {
  struct Row {
    uint64_t hits;
    uint64_t total;
    double low;
    double high;
  };
  for (const Row row : {Row{0, 10, 0.0, 0.2775}, Row{0, 100, 0.0, 0.0370}, Row{0, 300, 0.0, 0.0126},
                        Row{21, 50, 0.2938, 0.5577}, Row{10, 10, 0.7225, 1.0},
                        Row{81, 263, 0.2553, 0.3662}, Row{15, 148, 0.0624, 0.1605}}) {
    const Share share = share_of(row.hits, row.total);
    EXPECT_NEAR(share.low, row.low, 0.00015) << row.hits << " of " << row.total;
    EXPECT_NEAR(share.high, row.high, 0.00015) << row.hits << " of " << row.total;
    EXPECT_LE(share.low, share.value);
    EXPECT_GE(share.high, share.value);
  }
}

TEST(ShareOf, NothingSaysNothing) {
  EXPECT_EQ(share_of(0, 0).low, 0);
  EXPECT_EQ(share_of(0, 0).high, 1);
}

TEST(Summarize, TakesRanksThatOccurred) {
  std::vector<Duration> samples;
  for (int i = 100; i >= 1; --i) samples.emplace_back(i * 10);
  const auto summary = summarize(samples);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->samples, 100U);
  EXPECT_EQ(summary->min, 10us);
  EXPECT_EQ(summary->median, 500us);
  EXPECT_EQ(summary->mean, 505us);
  EXPECT_EQ(summary->p95, 950us);
  EXPECT_EQ(summary->p99, 990us);
  EXPECT_EQ(summary->max, 1000us);
  EXPECT_NEAR(summary->stddev_us, 288.66, 0.01);  // sqrt((100^2 - 1) / 12) * 10
}

TEST(Summarize, OfOneIsThatOne) {
  const std::array one{7us};
  const auto summary = summarize(one);
  ASSERT_TRUE(summary);
  EXPECT_EQ(summary->median, 7us);
  EXPECT_EQ(summary->p99, 7us);
  EXPECT_EQ(summary->stddev_us, 0);
  EXPECT_FALSE(summarize({}));
}

// RFC 3550 6.4.1: J = J + (|D| - J) / 16.
TEST(JitterOf, FollowsRfc3550) {
  Jitter jitter;
  EXPECT_FALSE(jitter.value());
  jitter.add(1000us);
  EXPECT_FALSE(jitter.value());
  jitter.add(1160us);
  EXPECT_EQ(jitter.value(), 10us);  // 160 / 16
  jitter.add(1000us);
  EXPECT_EQ(jitter.value(), 19us);  // 10 + (160 - 10) / 16 = 19.375
}

TEST(JitterOf, DoesNotCompareAcrossALoss) {
  Jitter jitter;
  jitter.add(1000us);
  jitter.lost();
  jitter.add(9000us);
  EXPECT_FALSE(jitter.value());
}

TEST(GuessHops, TakesTheNextUsualStart) {
  EXPECT_EQ(guess_hops(64).hops, 0U);
  EXPECT_EQ(guess_hops(57).hops, 7U);
  EXPECT_EQ(guess_hops(57).assumed_start, 64U);
  EXPECT_EQ(guess_hops(117).hops, 11U);
  EXPECT_EQ(guess_hops(240).hops, 15U);
  EXPECT_EQ(guess_hops(240).assumed_start, 255U);
  EXPECT_EQ(guess_hops(30).assumed_start, 32U);
}

}  // namespace
}  // namespace tcpdx::probe
