#include "probe/ping.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <utility>

namespace tcpdx::probe {
namespace {

// A host that answers as the test says.
struct Host {
  std::vector<uint64_t> asked;
  std::deque<Heard> waiting;
  std::string refuses;

  void answer(uint64_t seq, Duration rtt = 10ms, uint8_t ttl = 60) {
    waiting.push_back({.seq = seq,
                       .rtt = rtt,
                       .from = ipv4(10, 0, 0, 1),
                       .ttl = ttl,
                       .words = {},
                       .message = {}});
  }
};

class FakeAsker final : public Asker {
 public:
  explicit FakeAsker(Host& host) : host_(host) {}
  Result<void> send(uint64_t seq, uint8_t) override {
    if (!host_.refuses.empty()) return fail("{}", host_.refuses);
    host_.asked.push_back(seq);
    return {};
  }
  void hear(std::vector<Heard>& into) override {
    into.insert(into.end(), host_.waiting.begin(), host_.waiting.end());
    host_.waiting.clear();
  }
  void forget(uint64_t) override {}
  void add_polls(std::vector<pollfd>&) const override {}

 private:
  Host& host_;
};

class PingTest : public testing::Test {
 protected:
  Ping ping(uint64_t count, Duration interval = 100ms) {
    PingOptions options;
    options.count = count;
    options.interval = interval;
    return {std::make_unique<FakeAsker>(host_), Method::icmp, options};
  }
  std::vector<ProbeReport> turn(Ping& ping, Duration now) {
    std::vector<ProbeReport> reports;
    ping.turn(now, reports);
    return reports;
  }

  Host host_;
};

TEST_F(PingTest, SendsAtItsIntervalAndEndsWhenAllIsKnown) {
  Ping p = ping(2);
  EXPECT_TRUE(turn(p, 0ms).empty());
  EXPECT_EQ(host_.asked, (std::vector<uint64_t>{0}));
  EXPECT_EQ(p.next(), 100ms);
  host_.answer(0);
  const auto first = turn(p, 10ms);
  ASSERT_EQ(first.size(), 1U);
  EXPECT_EQ(first[0].status, ProbeStatus::reply);
  EXPECT_EQ(first[0].rtt, 10ms);
  EXPECT_FALSE(p.over());
  turn(p, 100ms);
  host_.answer(1, 20ms);
  turn(p, 120ms);
  EXPECT_TRUE(p.over());
  const PingSummary summary = p.summary();
  EXPECT_EQ(summary.sent, 2U);
  EXPECT_EQ(summary.received, 2U);
  EXPECT_EQ(summary.loss.value, 0);
  EXPECT_GT(summary.loss.high, 0.6);  // two answers say little
  EXPECT_EQ(summary.hops->hops, 4U);
  EXPECT_EQ(summary.jitter, 625us);  // 10 ms / 16
}

TEST_F(PingTest, CallsAProbeLostAfterItsPatienceAndLateWhenItComes) {
  Ping p = ping(1);
  turn(p, 0ms);
  EXPECT_EQ(p.next(), 1s);  // nothing is known of the host yet
  EXPECT_TRUE(turn(p, 999ms).empty());
  const auto lost = turn(p, 1s);
  ASSERT_EQ(lost.size(), 1U);
  EXPECT_EQ(lost[0].status, ProbeStatus::lost);
  EXPECT_FALSE(lost[0].rtt);
  EXPECT_TRUE(p.over());
  EXPECT_EQ(p.summary().loss.value, 1);
  host_.answer(0, 1500ms);
  const auto late = turn(p, 1500ms);
  ASSERT_EQ(late.size(), 1U);
  EXPECT_EQ(late[0].status, ProbeStatus::late);
  EXPECT_EQ(p.summary().loss.value, 0);
  EXPECT_EQ(p.summary().late, 1U);
}

TEST_F(PingTest, IsNeverMoreImpatientThanABusyMachineNeeds) {
  Ping p = ping(0);
  turn(p, 0ms);
  host_.answer(0, 1ms);
  turn(p, 1ms);
  EXPECT_EQ(p.patience(), 250ms);
  turn(p, 100ms);
  host_.answer(1, 100ms);
  turn(p, 200ms);
  EXPECT_EQ(p.patience(), 400ms);
}

TEST_F(PingTest, TellsDuplicatesAndOvertakenAnswers) {
  Ping p = ping(2);
  turn(p, 0ms);
  turn(p, 100ms);
  host_.answer(1);
  host_.answer(0, 110ms);
  host_.answer(1);
  const auto reports = turn(p, 111ms);
  ASSERT_EQ(reports.size(), 3U);
  EXPECT_FALSE(reports[0].reordered);
  EXPECT_TRUE(reports[1].reordered);
  EXPECT_EQ(reports[2].status, ProbeStatus::duplicate);
  const PingSummary summary = p.summary();
  EXPECT_EQ(summary.received, 2U);
  EXPECT_EQ(summary.duplicates, 1U);
  EXPECT_EQ(summary.reordered, 1U);
}

TEST_F(PingTest, CountsErrorsAsNotAnswered) {
  Ping p = ping(2);
  host_.refuses = "no route";
  const auto local = turn(p, 0ms);
  ASSERT_EQ(local.size(), 1U);
  EXPECT_EQ(local[0].status, ProbeStatus::error);
  EXPECT_EQ(local[0].words, "no route");
  host_.refuses.clear();
  turn(p, 100ms);
  host_.waiting.push_back({.seq = 1,
                           .what = Heard::What::error,
                           .rtt = 3ms,
                           .from = ipv4(10, 0, 0, 9),
                           .ttl = {},
                           .words = "host unreachable",
                           .message = {}});
  const auto remote = turn(p, 110ms);
  ASSERT_EQ(remote.size(), 1U);
  EXPECT_EQ(remote[0].status, ProbeStatus::error);
  EXPECT_TRUE(p.over());
  EXPECT_EQ(p.summary().errors, 2U);
  EXPECT_EQ(p.summary().loss.value, 1);
}

TEST_F(PingTest, DoesNotCatchUpWithABurst) {
  Ping p = ping(0);
  turn(p, 0ms);
  turn(p, 5s);
  EXPECT_EQ(host_.asked.size(), 2U);
  EXPECT_EQ(p.next(), 5100ms);
}

TEST_F(PingTest, StopsWhenTold) {
  Ping p = ping(0);
  turn(p, 0ms);
  p.stop();
  turn(p, 100ms);
  EXPECT_EQ(host_.asked.size(), 1U);
  EXPECT_FALSE(p.over());
  turn(p, 1s);
  EXPECT_TRUE(p.over());
}

}  // namespace
}  // namespace tcpdx::probe
