// The walk against a simulated path: what it must find is what the path was made of.
#include "probe/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tcpdx::probe {
namespace {

// Answers as a row of routers does, at once when asked; some are silent.
struct Road {
  unsigned routers = 3;
  std::vector<unsigned> silent{};
  std::map<unsigned, unsigned> answers_only{};  // at that TTL: so many times, then no more
  bool target_silent = false;
  std::optional<unsigned> wall{};  // the router that says "prohibited"
  unsigned far = 255;              // from that TTL on answers are kept back, in `held`
  std::vector<Heard> waiting{};
  std::vector<Heard> held{};
  std::map<unsigned, unsigned> asked{};  // by TTL
};

class RoadAsker final : public Asker {
 public:
  explicit RoadAsker(Road& road) : road_(road) {}
  Result<void> send(uint64_t seq, uint8_t ttl) override {
    const unsigned asked = ++road_.asked[ttl];
    Heard heard{.seq = seq, .rtt = ttl * 1ms, .from = {}, .ttl = 60, .words = {}, .message = {}};
    const auto limit = road_.answers_only.find(ttl);
    if (limit != road_.answers_only.end() && asked > limit->second) return {};
    if (road_.wall && ttl >= *road_.wall) {
      heard.what = Heard::What::error;
      heard.from = ipv4(10, 0, 0, static_cast<uint8_t>(*road_.wall));
      heard.words = "prohibited";
    } else if (ttl > road_.routers) {
      heard.rtt = (road_.routers + 1) * 1ms;
      heard.from = ipv4(10, 9, 9, 9);
      if (road_.target_silent) return {};
    } else {
      heard.what = Heard::What::error;
      heard.from = ipv4(10, 0, 0, ttl);
      heard.message = ErrorMessage{.origin = Origin::icmp,
                                   .type = 11,
                                   .offender = heard.from,
                                   .ttl = {},
                                   .at = {},
                                   .quoted = {},
                                   .labels = {}};
      if (std::ranges::find(road_.silent, ttl) != road_.silent.end()) return {};
    }
    (ttl >= road_.far ? road_.held : road_.waiting).push_back(heard);
    return {};
  }
  void hear(std::vector<Heard>& into) override {
    into.insert(into.end(), road_.waiting.begin(), road_.waiting.end());
    road_.waiting.clear();
  }
  void forget(uint64_t) override {}
  void add_polls(std::vector<pollfd>&) const override {}

 private:
  Road& road_;
};

struct Walked {
  PathResult result;
  Duration took{};
};

Walked walk(Road& road, PathOptions options = {}) {
  options.ask.target = {ipv4(10, 9, 9, 9), 0};
  PathWalk path(std::make_unique<RoadAsker>(road), Method::icmp, options);
  Duration now{};
  for (int turns = 0; !path.over() && turns < 10'000; ++turns) {
    path.turn(now);
    path.turn(now + 1ms);
    if (!path.over()) now = std::max(now + 1ms, path.next());
  }
  EXPECT_TRUE(path.over());
  return {path.result(now), now};
}

TEST(PathWalkTest, FindsEveryRouterInOneRound) {
  Road road;
  const auto [result, took] = walk(road);
  EXPECT_TRUE(result.reached);
  ASSERT_EQ(result.hops.size(), 4U);
  for (unsigned i = 0; i < 3; ++i) {
    ASSERT_EQ(result.hops[i].responders.size(), 1U);
    EXPECT_EQ(result.hops[i].responders[0].address, ipv4(10, 0, 0, static_cast<uint8_t>(i + 1)));
    EXPECT_FALSE(result.hops[i].is_target);
  }
  EXPECT_TRUE(result.hops[3].is_target);
  EXPECT_EQ(result.hops[3].responders[0].address, ipv4(10, 9, 9, 9));
  EXPECT_LT(took, 50ms);
}

TEST(PathWalkTest, WaitsForSilentRoutersNoLongerThanItMust) {
  Road road{.routers = 5, .silent = {2, 4}};
  const auto [result, took] = walk(road);
  ASSERT_EQ(result.hops.size(), 6U);
  EXPECT_TRUE(result.hops[1].responders.empty());
  EXPECT_EQ(took, 250ms);  // four round trips are less than a busy machine needs
}

// The near hops answer at once, the far ones after a link as long as to a satellite.
TEST(PathWalkTest, IsInNoHurryBeforeTheTargetHasAnswered) {
  Road road{.routers = 3, .far = 3};
  PathOptions options;
  options.ask.target = {ipv4(10, 9, 9, 9), 0};
  PathWalk path(std::make_unique<RoadAsker>(road), Method::icmp, options);
  for (const Duration now : {0ms, 1ms, 300ms, 599ms}) path.turn(now);
  ASSERT_FALSE(path.over());
  for (Heard& one : road.held) one.rtt = 600ms;
  road.waiting = std::exchange(road.held, {});
  path.turn(600ms);
  EXPECT_TRUE(path.over());
  const PathResult result = path.result(600ms);
  EXPECT_TRUE(result.reached);
  ASSERT_EQ(result.hops.size(), 4U);
  EXPECT_EQ(result.hops[2].answered, 1U);
}

TEST(PathWalkTest, SaysHowFarItCameToASilentTarget) {
  Road road{.routers = 4, .target_silent = true};
  const auto [result, took] = walk(road);
  EXPECT_FALSE(result.reached);
  EXPECT_EQ(result.hops.size(), 4U);
  EXPECT_EQ(result.beyond, 26U);
  EXPECT_LE(took, 1100ms);
}

TEST(PathWalkTest, EndsWhereARouterSaysNo) {
  Road road{.routers = 6, .wall = 3};
  const auto [result, took] = walk(road);
  EXPECT_FALSE(result.reached);
  EXPECT_EQ(result.words, "prohibited");
  ASSERT_EQ(result.hops.size(), 3U);
  EXPECT_EQ(result.hops[2].responders[0].words, "prohibited");
  EXPECT_EQ(result.beyond, 0U);
}

// Rounds after the first know where the target is: only one probe of each goes that far.
TEST(PathWalkTest, SendsNoMoreThanNeededToTheTarget) {
  Road road;
  PathOptions options;
  options.rounds = 5;
  walk(road, options);
  EXPECT_EQ(road.asked[4], 5U);
  EXPECT_EQ(road.asked[5], 1U);
  EXPECT_EQ(road.asked[30], 1U);
}

// Ten probes; hop 2 answers six of them and is silent then, as Linux limits ICMP errors.
TEST(PathWalkTest, TellsALimitFromALoss) {
  Road road{.routers = 3, .answers_only = {{2, 6}}};
  PathOptions options;
  options.rounds = 10;
  options.end_to_end = 100;
  const auto [result, took] = walk(road, options);
  const PathHop& limited = result.hops[1];
  EXPECT_EQ(limited.sent, 10U);
  EXPECT_EQ(limited.answered, 6U);
  EXPECT_NEAR(limited.node_loss.value, 0.4, 1e-9);
  EXPECT_TRUE(limited.rate_limited);
  EXPECT_EQ(limited.link_loss.value, 0);
  EXPECT_FALSE(result.hops[0].rate_limited);
  EXPECT_EQ(result.end_to_end_loss.value, 0);
  EXPECT_LT(result.end_to_end_loss.high, 0.04);
}

// Half of what goes to hop 3 and beyond is lost: that is the network.
TEST(PathWalkTest, TellsALossFromALimit) {
  Road road{.routers = 3, .answers_only = {{3, 5}, {4, 5}, {64, 0}}};
  PathOptions options;
  options.rounds = 10;
  const auto [result, took] = walk(road, options);
  EXPECT_NEAR(result.hops[2].link_loss.value, 0.5, 1e-9);
  EXPECT_FALSE(result.hops[2].rate_limited);
  EXPECT_EQ(result.hops[1].link_loss.value, 0);
}

}  // namespace
}  // namespace tcpdx::probe
