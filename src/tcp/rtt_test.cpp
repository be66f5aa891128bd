// The retransmission timeout against sums done by hand from RFC 6298 2.
#include "tcp/rtt.hpp"

#include <gtest/gtest.h>

namespace tcpdx::tcp {
namespace {

constexpr RtoLimits kNoLimits{.initial = 1s, .min = 0us, .max = 120s};

TEST(Rtt, BeforeTheFirstSampleTheTimeoutIsTheInitialOne) {
  const RttEstimator rtt;
  EXPECT_FALSE(rtt.measured());
  EXPECT_EQ(rtt.rto(kNoLimits), 1s);  // RFC 6298 2.1
  EXPECT_EQ(rtt.rto(kNoLimits, 3), 8s);
}

TEST(Rtt, FirstSampleSetsBoth) {
  RttEstimator rtt;
  rtt.sample(100ms);
  // 2.2: SRTT = R, RTTVAR = R/2, RTO = 100 + 4 * 50 = 300 ms.
  EXPECT_TRUE(rtt.measured());
  EXPECT_EQ(rtt.srtt(), 100ms);
  EXPECT_EQ(rtt.rttvar(), 50ms);
  EXPECT_EQ(rtt.rto(kNoLimits), 300ms);
}

TEST(Rtt, LaterSamplesAreSmoothed) {
  RttEstimator rtt;
  rtt.sample(100ms);
  rtt.sample(200ms);
  // 2.3: RTTVAR = 3/4 * 50 + 1/4 * |100 - 200| = 62.5 ms, with the SRTT of before;
  // SRTT = 7/8 * 100 + 1/8 * 200 = 112.5 ms; RTO = 112.5 + 250 = 362.5 ms.
  EXPECT_EQ(rtt.rttvar(), 62'500us);
  EXPECT_EQ(rtt.srtt(), 112'500us);
  EXPECT_EQ(rtt.rto(kNoLimits), 362'500us);
  rtt.sample(40ms);
  // RTTVAR = 46.875 + |112.5 - 40| / 4 = 65 ms; SRTT = 98.4375 + 5 = 103.4375 ms, rounded.
  EXPECT_EQ(rtt.rttvar(), 65ms);
  EXPECT_EQ(rtt.srtt(), 103'438us);
}

TEST(Rtt, VarianceCountsAtLeastTheGranularity) {
  RttEstimator rtt;
  for (int i = 0; i < 100; ++i) rtt.sample(10ms);
  // 2.3: RTO = SRTT + max(G, K * RTTVAR). RTTVAR = 5 ms * (3/4)^n: some octaves below G / 4.
  EXPECT_LT(rtt.rttvar(), 10us);
  EXPECT_EQ(rtt.srtt(), 10ms);
  EXPECT_EQ(rtt.rto(kNoLimits), 11ms);
}

TEST(Rtt, LimitsHold) {
  RttEstimator rtt;
  rtt.sample(1ms);
  const RtoLimits linux_limits{.initial = 1s, .min = 200ms, .max = 120s};
  EXPECT_EQ(rtt.rto(linux_limits), 200ms);
  EXPECT_EQ(rtt.rto(linux_limits, 1), 400ms);  // 5.5: doubled
  EXPECT_EQ(rtt.rto(linux_limits, 9), 102'400ms);
  EXPECT_EQ(rtt.rto(linux_limits, 10), 120s);  // 2.5
  EXPECT_EQ(rtt.rto(linux_limits, 4'000'000'000), 120s);
}

TEST(Rtt, MinimumIsTheSmallestEver) {
  RttEstimator rtt;
  for (const auto sample : {30ms, 20ms, 50ms, 25ms}) rtt.sample(sample);
  EXPECT_EQ(rtt.min_rtt(), 20ms);
}

TEST(Rtt, ImmediateAndEndlessAnswersStayInRange) {
  RttEstimator rtt;
  rtt.sample(0us);
  EXPECT_TRUE(rtt.measured());
  EXPECT_EQ(rtt.srtt(), 1us);
  rtt.sample(-5us);
  EXPECT_EQ(rtt.min_rtt(), 1us);
  rtt.sample(std::chrono::hours(24 * 365));
  EXPECT_LE(rtt.srtt(), 10min);
  EXPECT_EQ(rtt.rto(kNoLimits), 120s);
}

TEST(Rtt, StaysSmall) { EXPECT_LE(sizeof(RttEstimator), 12U); }

}  // namespace
}  // namespace tcpdx::tcp
