// The window after each kind of news, against sums done by hand from RFC 5681, 3465, 6582 and 9438.
#include "tcp/congestion.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace tcpdx::tcp {
namespace {

constexpr uint32_t kMss = 1000;  // makes octets easy to read as segments
constexpr Duration kRtt = 100ms;

Congestion reno(uint32_t window) { return {CongestionLaw::new_reno, window}; }
Congestion cubic(uint32_t window) { return {CongestionLaw::cubic, window}; }

void acknowledge(Congestion& c, uint32_t octets, Duration now = 1s) {
  c.acknowledged(octets, kMss, true, now, kRtt);
}

TEST(Congestion, BeginsInSlowStart) {
  const Congestion c = reno(10 * kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
  EXPECT_TRUE(c.slow_start());
  EXPECT_LE(sizeof(Congestion), 40U);
}

TEST(Congestion, SlowStartCountsOctetsUpToTwoSegments) {
  // RFC 3465 2.2: cwnd grows by what was acknowledged, by 2 * SMSS at the most.
  Congestion c = reno(10 * kMss);
  acknowledge(c, 300);
  EXPECT_EQ(c.cwnd(), 10'300U);
  acknowledge(c, 2 * kMss);
  EXPECT_EQ(c.cwnd(), 12'300U);
  acknowledge(c, 5 * kMss);
  EXPECT_EQ(c.cwnd(), 14'300U);
}

TEST(Congestion, WindowThatIsNotUsedDoesNotGrow) {
  Congestion c = reno(10 * kMss);
  c.acknowledged(kMss, kMss, false, 1s, kRtt);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
}

TEST(Congestion, AvoidanceAddsOneSegmentForEachWindow) {
  Congestion c = reno(20 * kMss);
  c.enter_recovery(20 * kMss, kMss);
  c.leave_recovery(20 * kMss, kMss);
  // RFC 5681 3.1, equation 4: ssthresh = max(FlightSize / 2, 2 * SMSS) = 10 segments.
  EXPECT_EQ(c.ssthresh(), 10 * kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
  EXPECT_FALSE(c.slow_start());
  for (int i = 0; i < 9; ++i) acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
  acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 11 * kMss);
  // 11 segments more, some of them by one acknowledgment for two.
  for (int i = 0; i < 5; ++i) acknowledge(c, 2 * kMss);
  EXPECT_EQ(c.cwnd(), 11 * kMss);
  acknowledge(c, 2 * kMss);
  EXPECT_EQ(c.cwnd(), 12 * kMss);
  // RFC 3465 2.1: the twelfth segment was one more than needed and counts for the next window.
  for (int i = 0; i < 10; ++i) acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 12 * kMss);
  acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 13 * kMss);
}

TEST(Congestion, ThresholdIsTwoSegmentsAtLeast) {
  Congestion c = reno(10 * kMss);
  c.enter_recovery(2 * kMss, kMss);
  EXPECT_EQ(c.ssthresh(), 2 * kMss);
}

TEST(Congestion, LeavingRecoveryDoesNotBurst) {
  // RFC 6582 3.2, step 3: min(ssthresh, max(FlightSize, SMSS) + SMSS).
  Congestion c = reno(20 * kMss);
  c.enter_recovery(20 * kMss, kMss);
  c.leave_recovery(4 * kMss, kMss);
  EXPECT_EQ(c.cwnd(), 5 * kMss);
  c.leave_recovery(0, kMss);
  EXPECT_EQ(c.cwnd(), 2 * kMss);
  c.leave_recovery(15 * kMss, kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
}

TEST(Congestion, TimeoutStartsOver) {
  Congestion c = reno(20 * kMss);
  c.timed_out(16 * kMss, kMss, true);
  EXPECT_EQ(c.ssthresh(), 8 * kMss);
  EXPECT_EQ(c.cwnd(), kMss);
  // RFC 5681 3.1: the same segment again does not change ssthresh.
  c.timed_out(kMss, kMss, false);
  EXPECT_EQ(c.ssthresh(), 8 * kMss);
  // RFC 3465 2.3: after a timeout one segment for each ACK.
  acknowledge(c, 3 * kMss);
  EXPECT_EQ(c.cwnd(), 2 * kMss);
}

TEST(Congestion, SlowStartAfterTimeoutEndsAtTheThreshold) {
  Congestion c = reno(8 * kMss);
  c.timed_out(8 * kMss, kMss, true);
  for (int i = 0; i < 3; ++i) acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 4 * kMss);
  EXPECT_FALSE(c.slow_start());
  for (int i = 0; i < 4; ++i) acknowledge(c, kMss);
  EXPECT_EQ(c.cwnd(), 5 * kMss);
}

TEST(Congestion, IdleConnectionRestartsWithTheRestartWindow) {
  // RFC 5681 4.1: RW = min(IW, cwnd); ssthresh stays.
  Congestion c = reno(40 * kMss);
  c.enter_recovery(40 * kMss, kMss);
  c.leave_recovery(40 * kMss, kMss);
  c.restart_after_idle(10 * kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
  EXPECT_EQ(c.ssthresh(), 20 * kMss);
  EXPECT_TRUE(c.slow_start());
  c.restart_after_idle(30 * kMss);
  EXPECT_EQ(c.cwnd(), 10 * kMss);
}

TEST(Congestion, WindowStaysWithinWhatHeadersCanSay) {
  Congestion c = reno(kLargestWindow - 500);
  acknowledge(c, 2 * kMss);
  EXPECT_EQ(c.cwnd(), kLargestWindow);
}

// ---- CUBIC

TEST(Cubic, ReducesToSevenTenths) {
  // RFC 9438 4.6.
  Congestion c = cubic(100 * kMss);
  c.enter_recovery(100 * kMss, kMss);
  EXPECT_EQ(c.ssthresh(), 70 * kMss);
  EXPECT_EQ(c.cwnd(), 70 * kMss);
}

// A window of 100 segments after its first loss: W_max = 100, cwnd_epoch = 70,
// K = cbrt((100 - 70) / 0.4) = 4.2172 s (RFC 9438 4.2, equation 2).
Congestion after_loss() {
  Congestion c = cubic(100 * kMss);
  c.enter_recovery(100 * kMss, kMss);
  c.leave_recovery(100 * kMss, kMss);
  return c;
}

TEST(Cubic, FirstStepsFollowTheTarget) {
  Congestion c = after_loss();
  // At t = 0 equation 1 is 70 segments, less than W_est = 70 + 0.529 / 70 (4.3): 70.0076.
  acknowledge(c, kMss, 10s);
  EXPECT_EQ(c.cwnd(), 70'007U);
  // At t = 0.1 it is 100 - 0.4 * 4.1172^3 = 72.08, more than W_est. The target is a round trip
  // ahead: 100 - 0.4 * 4.0172^3 = 74.068. One ACK adds (74.068 - 70.007) / 70.007 = 0.0580.
  acknowledge(c, kMss, 10s + 100ms);
  EXPECT_NEAR(c.cwnd(), 70'065, 1.0);
}

TEST(Cubic, FollowsTheCurveToThePlateauAndBeyond) {
  // One round trip of 400 ms after the other; W_est stays far below (0.529 for each). Each takes
  // 1 - 1/e of the way to the target, so the window trails it by less than a step: concave
  // first, flat around K, convex then.
  Congestion c = after_loss();
  const double k = std::cbrt(30 / 0.4);
  for (int rounds = 0; rounds < 20; ++rounds) {
    const double t = rounds * 0.4;
    for (uint32_t left = c.cwnd() / kMss; left > 0; --left) {
      c.acknowledged(kMss, kMss, true, 10s + rounds * 400ms, 400ms);
    }
    if (rounds < 3) continue;
    const double target = 0.4 * std::pow(t + 0.4 - k, 3) + 100;
    const double step = target - (0.4 * std::pow(t - k, 3) + 100);
    EXPECT_NEAR(c.cwnd() / 1000.0, target, std::max(step, 1.0)) << t;
  }
  EXPECT_GT(c.cwnd(), 115 * kMss);  // at t = 7.6 the curve is at 0.4 * 3.383^3 + 100 = 115.5
}

TEST(Cubic, SmallWindowsGrowAsReno) {
  // Four segments after a loss at 6: W_est = 4.2 + 0.529 per round trip (RFC 9438 4.3), and from
  // cwnd_prior = 6 on 1 per round trip. K = cbrt(1.8 / 0.4) = 1.65 s; with an RTT of 10 ms the
  // cubic curve stays far below: after 0.05 s 6 - 0.4 * 1.6^3 = 4.36.
  Congestion c = cubic(6 * kMss);
  c.enter_recovery(6 * kMss, kMss);
  c.leave_recovery(6 * kMss, kMss);
  EXPECT_EQ(c.cwnd(), 4'200U);
  double w_est = 4200;
  for (int ack = 0; ack < 20; ++ack) {
    const double alpha = w_est < 6000 ? 3 * 0.3 / 1.7 : 1.0;
    w_est += alpha * kMss * kMss / std::floor(w_est);
    c.acknowledged(kMss, kMss, true, 10s + ack * 2ms, 10ms);
    EXPECT_EQ(c.cwnd(), static_cast<uint32_t>(w_est)) << ack;
  }
  EXPECT_GT(w_est, 6000);
}

TEST(Cubic, FastConvergenceGivesWayToNewFlows) {
  // RFC 9438 4.7: a loss below W_max = 100 at cwnd = 70 makes W_max = 70 * 1.7 / 2 = 59.5, so
  // with cwnd_epoch = 49 K = cbrt(10.5 / 0.4) = 2.972 s. The first ACK follows W_est:
  // 49 + 0.529 / 49 = 49.0108. At t = 0.1 the target is 59.5 - 0.4 * (2.972 - 0.2)^3 = 50.980:
  // one ACK adds (50.980 - 49.011) / 49.011 = 0.0402.
  Congestion c = after_loss();
  c.enter_recovery(70 * kMss, kMss);
  c.leave_recovery(70 * kMss, kMss);
  EXPECT_EQ(c.cwnd(), 49 * kMss);
  acknowledge(c, kMss, 20s);
  EXPECT_EQ(c.cwnd(), 49'010U);
  acknowledge(c, kMss, 20s + 100ms);
  EXPECT_NEAR(c.cwnd(), 49'051, 1.0);
}

TEST(Cubic, AfterATimeoutThePlateauIsWhereAvoidanceBegins) {
  // RFC 9438 4.8: ssthresh = 0.7 * 10 = 7 segments; K = 0 and W_max = cwnd at the beginning.
  Congestion c = cubic(10 * kMss);
  c.timed_out(10 * kMss, kMss, true);
  EXPECT_EQ(c.ssthresh(), 7 * kMss);
  EXPECT_EQ(c.cwnd(), kMss);
  for (int i = 0; i < 6; ++i) acknowledge(c, kMss, 1s);
  EXPECT_EQ(c.cwnd(), 7 * kMss);
  // At t = 0 equation 1 is 7 segments; W_est = 7 + 0.529 / 7 = 7.0756 is more.
  acknowledge(c, kMss, 2s);
  EXPECT_EQ(c.cwnd(), 7'075U);
  // Five seconds later it is 0.4 * 125 + 7 = 57: the target is at most 1.5 * cwnd (4.4), so one
  // ACK for one segment adds half a segment.
  acknowledge(c, kMss, 7s);
  EXPECT_NEAR(c.cwnd(), 7'575, 1.0);
}

TEST(Cubic, TimeWithoutUseDoesNotCount) {
  // RFC 9438 5.8: t leaves out the time in which the application was the limit.
  Congestion busy = after_loss();
  Congestion idle = after_loss();
  for (int i = 0; i < 10; ++i) {
    acknowledge(busy, kMss, 10s + i * 10ms);
    acknowledge(idle, kMss, 10s + i * 10ms);
  }
  idle.acknowledged(kMss, kMss, false, 3600s, kRtt);
  acknowledge(busy, kMss, 10s + 100ms);
  acknowledge(idle, kMss, 3600s + 10ms);
  EXPECT_EQ(idle.cwnd(), busy.cwnd());
  // The same where nothing was acknowledged in between and the window is below the restart window.
  busy.acknowledged(kMss, kMss, false, 10s + 200ms, kRtt);
  idle.restart_after_idle(200 * kMss);
  acknowledge(busy, kMss, 10s + 200ms);
  acknowledge(idle, kMss, 7200s);
  EXPECT_EQ(idle.cwnd(), busy.cwnd());
}

TEST(Cubic, WeeksWithoutLossStayInRange) {
  Congestion c = after_loss();
  Duration now = 10s;
  for (int day = 0; day < 60; ++day, now += std::chrono::hours(24)) acknowledge(c, kMss, now);
  EXPECT_GT(c.cwnd(), 70 * kMss);
  EXPECT_LE(c.cwnd(), kLargestWindow);
}

}  // namespace
}  // namespace tcpdx::tcp
