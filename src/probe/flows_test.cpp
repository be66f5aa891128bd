// Flows made by hand, and the branches that must be read from them.
#include "probe/flows.hpp"

#include <gtest/gtest.h>

namespace tcpdx::probe {
namespace {

constexpr uint8_t kTarget = 99;

// A flow that met these routers, 0 for one that was silent; the last is the target.
Flow flow(uint16_t port, std::vector<uint8_t> met) {
  Flow made{.source_port = port, .path = {}};
  for (size_t i = 0; i < met.size(); ++i) {
    PathHop hop{.ttl = static_cast<uint8_t>(i + 1), .responders = {}, .sent = 1};
    hop.is_target = met[i] == kTarget;
    made.path.reached = made.path.reached || hop.is_target;
    if (met[i] != 0) {
      hop.answered = 1;
      Responder& one = hop.responders.emplace_back();
      one.address = ipv4(10, 0, 0, met[i]);
      one.rtts = {met[i] * 1ms};
    }
    made.path.hops.push_back(hop);
  }
  return made;
}

using Ports = std::vector<uint16_t>;

TEST(FlowsTest, FindsOneWayWhereAllMeetTheSameRouters) {
  const auto found = join_flows({flow(1, {1, 2, 99}), flow(2, {1, 2, 99}), flow(3, {0, 2, 99})});
  ASSERT_EQ(found.branches.size(), 1U);
  EXPECT_EQ(found.branches[0].source_ports, (Ports{1, 2, 3}));
  EXPECT_EQ(found.branches[0].unanswered.value, 0);
  EXPECT_TRUE(found.undecided.empty());
  EXPECT_TRUE(found.reached);
  EXPECT_EQ(found.hops[1].sent, 3U);
}

TEST(FlowsTest, PartsTheWaysWhereRoutersDiffer) {
  const auto found =
      join_flows({flow(1, {1, 2, 4, 99}), flow(2, {1, 3, 4, 99}), flow(3, {1, 3, 4, 99})});
  ASSERT_EQ(found.branches.size(), 2U);
  EXPECT_EQ(found.branches[0].source_ports, (Ports{2, 3}));  // most flows first
  EXPECT_EQ(found.branches[1].source_ports, (Ports{1}));
  EXPECT_EQ(found.hops[1].responders.size(), 2U);
  EXPECT_EQ(found.hops[2].responders.size(), 1U);
  EXPECT_EQ(found.branches[1].hops[1].responders[0].rtts, std::vector<Duration>{2ms});
}

TEST(FlowsTest, PartsTheWaysOfDifferentLength) {
  const auto found = join_flows({flow(1, {1, 2, 99}), flow(2, {1, 2, 3, 99})});
  ASSERT_EQ(found.branches.size(), 2U);
  EXPECT_TRUE(found.branches[0].reached && found.branches[1].reached);
}

// As far away as the target of one branch is a router of the other, which loses a probe.
TEST(FlowsTest, TellsWhatCameOfTheTargetNotOfRoutersAsFarAway) {
  const auto found =
      join_flows({flow(1, {1, 2, 99}), flow(2, {1, 3, 4, 99}), flow(3, {1, 3, 0, 99})});
  ASSERT_EQ(found.branches.size(), 2U);
  EXPECT_EQ(found.end_to_end_loss.value, 0);
  ASSERT_TRUE(found.end_to_end);
  EXPECT_EQ(found.end_to_end->min, 99ms);
  EXPECT_EQ(found.end_to_end->samples, 3U);
}

// Nobody answered where the ways part: it would be a guess.
TEST(FlowsTest, LeavesUndecidedWhatFitsBoth) {
  const auto found =
      join_flows({flow(1, {1, 0, 4, 99}), flow(2, {1, 3, 4, 99}), flow(3, {1, 2, 4, 99})});
  EXPECT_EQ(found.branches.size(), 2U);
  EXPECT_EQ(found.undecided, (Ports{1}));
}

TEST(FlowsTest, TellsTheLossOfEachBranch) {
  const auto found = join_flows({flow(1, {1, 2, 99}), flow(2, {1, 3, 99}), flow(3, {1, 3, 0})});
  ASSERT_EQ(found.branches.size(), 2U);
  EXPECT_EQ(found.branches[0].source_ports, (Ports{2, 3}));
  EXPECT_EQ(found.branches[0].unanswered.value, 0.5);
  EXPECT_EQ(found.branches[1].unanswered.value, 0);
  EXPECT_EQ(found.branches[1].rtt->median, 99ms);
}

// The second flow's answer of hop 3 was lost, and hop 4 is the target once more.
TEST(FlowsTest, EndsABranchAtTheNearestAnswerOfTheTarget) {
  const auto found = join_flows({flow(1, {1, 2, 99}), flow(2, {1, 2, 0, 99})});
  ASSERT_EQ(found.branches.size(), 1U);
  EXPECT_EQ(found.branches[0].hops.size(), 3U);
  EXPECT_EQ(found.hops.size(), 3U);
  EXPECT_EQ(found.branches[0].unanswered.value, 0.5);
}

TEST(FlowsTest, SaysHowFarAllCame) {
  const auto found = join_flows({flow(1, {1, 2, 0, 0, 0}), flow(2, {1, 3, 4, 0, 0})});
  EXPECT_FALSE(found.reached);
  EXPECT_EQ(found.hops.size(), 3U);
  EXPECT_EQ(found.beyond, 2U);
  ASSERT_EQ(found.branches.size(), 2U);
  EXPECT_FALSE(found.branches[0].rtt);
}

}  // namespace
}  // namespace tcpdx::probe
