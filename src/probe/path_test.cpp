// The walk against a simulated path: what it must find is what the path was made of.
#include "probe/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <utility>

namespace tcpdx::probe {
namespace {

// Answers as a row of routers does, at once when asked, or in its time; some are silent.
struct Road {
  unsigned routers = 3;
  std::vector<unsigned> silent{};
  std::map<unsigned, unsigned> answers_only{};  // at that TTL: so many times, then no more
  bool target_silent = false;
  std::optional<unsigned> wall{};  // the router that says "prohibited"
  bool echoes = true;
  unsigned far = 255;      // from that TTL on a round trip takes 600 ms more
  Duration per_hop = 1ms;  // of a round trip
  bool in_time = false;    // by `now`, which the test sets
  Duration now{};
  std::multimap<Duration, Heard> under_way{};  // by the time at which they arrive
  std::map<unsigned, unsigned> asked{};        // by TTL

  Duration whole() const { return (routers + 1) * per_hop; }
  // Probes that came as far as the target.
  unsigned at_target() const {
    unsigned sum = 0;
    for (const auto& [ttl, count] : asked) sum += ttl > routers ? count : 0;
    return sum;
  }
};

class RoadAsker final : public Asker {
 public:
  explicit RoadAsker(Road& road) : road_(road) {}
  Result<void> send(uint64_t seq, uint8_t ttl) override {
    const unsigned asked = ++road_.asked[ttl];
    Heard heard{
        .seq = seq, .rtt = ttl * road_.per_hop, .from = {}, .ttl = 60, .words = {}, .message = {}};
    const auto limit = road_.answers_only.find(ttl);
    if (limit != road_.answers_only.end() && asked > limit->second) return {};
    if (road_.wall && ttl >= *road_.wall) {
      heard.what = Heard::What::error;
      heard.from = ipv4(10, 0, 0, static_cast<uint8_t>(*road_.wall));
      heard.words = "prohibited";
    } else if (ttl > road_.routers) {
      heard.rtt = road_.whole();
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
    if (ttl >= road_.far) heard.rtt = heard.rtt.value_or(0ms) + 600ms;
    road_.under_way.emplace(road_.now + heard.rtt.value_or(0ms), heard);
    return {};
  }
  void hear(std::vector<Heard>& into) override {
    auto& waiting = road_.under_way;
    while (!waiting.empty() && (!road_.in_time || waiting.begin()->first <= road_.now)) {
      into.push_back(waiting.extract(waiting.begin()).mapped());
    }
  }
  void forget(uint64_t seq) override {
    std::erase_if(road_.under_way, [&](const auto& one) { return one.second.seq == seq; });
  }
  void add_polls(std::vector<pollfd>&) const override {}

 private:
  Road& road_;
};

// The target's answer to an echo, with the TTL that the routers of its way back have left.
class EchoAsker final : public Asker {
 public:
  EchoAsker(Road& road, unsigned routers_back) : road_(road), routers_back_(routers_back) {}
  Result<void> send(uint64_t, uint8_t) override {
    if (road_.echoes) at_ = road_.now + road_.whole();
    return {};
  }
  void hear(std::vector<Heard>& into) override {
    if (!at_ || road_.now < *at_) return;
    Heard& heard = into.emplace_back();
    heard.ttl = static_cast<uint8_t>(64 - routers_back_);
    at_.reset();
  }
  void forget(uint64_t) override {}
  void add_polls(std::vector<pollfd>&) const override {}

 private:
  Road& road_;
  unsigned routers_back_;
  std::optional<Duration> at_;
};

struct Walked {
  PathResult result;
  Duration took{};
};

const SocketAddress kTarget{ipv4(10, 9, 9, 9), 0};

Walked walk(Road& road, PathOptions options = {}) {
  options.ask.target = kTarget;
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

// Turns the walk at each moment at which there is something to do, until then or its end.
void run_until(PathWalk& path, Road& road, Duration end) {
  while (true) {
    path.turn(road.now);
    if (path.over()) return;
    Duration next = std::max(road.now + 1us, path.next());
    next = std::min(next, road.now + 1ms);  // an echo's answer may come at any time
    if (next > end) return;
    road.now = next;
  }
}

// By SYNs, in the road's own time.
Walked walk_by_syn(Road& road, std::optional<unsigned> routers_back = {}) {
  road.in_time = true;
  PathOptions options;
  options.ask.target = kTarget;
  PathWalk path(std::make_unique<RoadAsker>(road), Method::tcp, options,
                std::make_unique<EchoAsker>(road, routers_back.value_or(road.routers)));
  run_until(path, road, 1min);
  EXPECT_TRUE(path.over());
  return {path.result(road.now), road.now};
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
  Road road{.routers = 3, .far = 3, .in_time = true};
  PathOptions options;
  options.ask.target = kTarget;
  PathWalk path(std::make_unique<RoadAsker>(road), Method::icmp, options);
  run_until(path, road, 1min);
  EXPECT_TRUE(path.over());
  const PathResult result = path.result(road.now);
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

// A loop: each end-to-end probe runs out of hops, and none arrives.
TEST(PathWalkTest, DoesNotTakeARoutersErrorForAnArrival) {
  Road road{.routers = 100};
  PathOptions options;
  options.max_ttl = 5;
  options.end_to_end = 4;
  const auto [result, took] = walk(road, options);
  EXPECT_FALSE(result.reached);
  EXPECT_EQ(result.meant, 4U);
  EXPECT_EQ(result.end_to_end_loss.value, 1);
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

// The aim: one round trip and 50 ms for 25 routers and 100 ms, and few SYNs at the target.
TEST(PathBySynTest, TakesOneRoundTripAndLittleMore) {
  Road road{.routers = 25, .per_hop = Duration(100ms) / 26};
  const auto [result, took] = walk_by_syn(road);
  EXPECT_TRUE(result.reached);
  EXPECT_EQ(result.hops.size(), 26U);
  EXPECT_LE(took, road.whole() + 40ms);
  EXPECT_LE(road.at_target(), 4U);
}

TEST(PathBySynTest, ASilentTargetHoldsItUpNoLongerThanASecond) {
  Road road{.routers = 25, .target_silent = true, .echoes = false, .per_hop = Duration(100ms) / 26};
  const auto [result, took] = walk_by_syn(road);
  EXPECT_FALSE(result.reached);
  EXPECT_EQ(result.hops.size(), 25U);
  EXPECT_EQ(result.beyond, 5U);
  EXPECT_LE(took, 1s);
}

TEST(PathBySynTest, NobodyAtAllHoldsItUpNoLongerThanASecond) {
  Road road{.routers = 3, .silent = {1, 2, 3}, .target_silent = true, .echoes = false};
  const auto [result, took] = walk_by_syn(road);
  EXPECT_TRUE(result.hops.empty());
  EXPECT_EQ(result.beyond, 30U);
  EXPECT_LE(took, 1s);
}

// One that is far gets no more than the router that answered within 30 ms speaks for.
TEST(PathBySynTest, OneSynReachesATargetThatIsNear) {
  for (const bool echoes : {true, false}) {
    Road road{.routers = 5, .echoes = echoes};
    const auto [result, took] = walk_by_syn(road);
    EXPECT_TRUE(result.reached);
    EXPECT_EQ(result.hops.size(), 6U);
    EXPECT_EQ(road.at_target(), 1U) << echoes;
  }
  Road far{.routers = 5, .per_hop = 20ms};
  EXPECT_TRUE(walk_by_syn(far).result.reached);
  EXPECT_LE(far.at_target(), 4U + 6U - far.routers);
}

// Silent routers hide what is behind them from everything but time.
TEST(PathBySynTest, GoesOnBehindSilentRouters) {
  Road road{.routers = 9, .silent = {1, 2, 3, 4, 5, 6}, .echoes = false};
  const auto [result, took] = walk_by_syn(road);
  EXPECT_TRUE(result.reached);
  EXPECT_EQ(result.hops.size(), 10U);
}

// An echo that came back a shorter way, and one that came a longer one.
TEST(PathBySynTest, DoesNotTrustTheEchoTooFar) {
  for (const unsigned back : {3U, 9U}) {
    Road road{.routers = 6};
    const auto [result, took] = walk_by_syn(road, back);
    EXPECT_TRUE(result.reached) << back;
    EXPECT_EQ(result.hops.size(), 7U) << back;
    EXPECT_LE(road.at_target(), 4U) << back;
  }
}

class EndlessWalkTest : public testing::Test {
 protected:
  PathWalk begin() {
    road_.in_time = true;
    PathOptions options;
    options.ask.target = kTarget;
    options.rounds = 0;
    options.spacing = 1s;
    return {std::make_unique<RoadAsker>(road_), Method::icmp, options};
  }

  Road road_;
};

TEST_F(EndlessWalkTest, AsksEveryHopOnceARound) {
  PathWalk path = begin();
  run_until(path, road_, 9900ms);
  EXPECT_FALSE(path.over());
  for (unsigned ttl = 1; ttl <= 4; ++ttl) EXPECT_EQ(road_.asked[ttl], 10U) << ttl;
  EXPECT_EQ(road_.asked[5], 1U);
  const PathResult result = path.result(road_.now);
  ASSERT_EQ(result.hops.size(), 4U);
  EXPECT_EQ(result.hops[3].sent, 10U);
  EXPECT_EQ(result.end_to_end_loss.value, 0);
  EXPECT_EQ(result.hops[1].recent.size(), 10U);
  EXPECT_EQ(result.hops[1].recent.back(), std::optional<Duration>(2ms));
}

TEST_F(EndlessWalkTest, WhatIsUnderWayIsNotLost) {
  road_.per_hop = 100ms;
  PathWalk path = begin();
  run_until(path, road_, 3050ms);  // of the fourth round nothing has come back
  const PathResult result = path.result(road_.now);
  for (const PathHop& hop : result.hops) {
    EXPECT_EQ(hop.sent, 3U);
    EXPECT_EQ(hop.answered, 3U);
  }
}

TEST_F(EndlessWalkTest, ShowsGapsWhereNothingCame) {
  road_.answers_only = {{2, 3}};
  PathWalk path = begin();
  run_until(path, road_, 5900ms);
  const PathHop hop = path.result(road_.now).hops[1];
  ASSERT_EQ(hop.recent.size(), 6U);
  EXPECT_TRUE(hop.recent[2]);
  EXPECT_FALSE(hop.recent[3]);
  EXPECT_EQ(hop.answered, 3U);
}

TEST_F(EndlessWalkTest, SendsNothingWhileItPauses) {
  PathWalk path = begin();
  run_until(path, road_, 1500ms);
  path.pause(true);
  run_until(path, road_, 20s);
  EXPECT_EQ(road_.asked[1], 2U);
  path.pause(false);
  run_until(path, road_, 20500ms);
  EXPECT_EQ(road_.asked[1], 3U);  // no burst for the time in between
}

TEST_F(EndlessWalkTest, BeginsAnewWhenItIsReset) {
  road_.answers_only = {{2, 1}};
  road_.per_hop = 100ms;
  PathWalk path = begin();
  run_until(path, road_, 4050ms);
  EXPECT_GT(path.result(road_.now).hops[1].node_loss.value, 0.5);
  path.reset();
  EXPECT_EQ(path.result(road_.now).hops.size(), 4U);
  EXPECT_TRUE(path.result(road_.now).reached);
  road_.answers_only.clear();
  run_until(path, road_, 6900ms);
  const PathResult result = path.result(road_.now);
  for (const PathHop& hop : result.hops) {
    EXPECT_EQ(hop.sent, 3U) << int{hop.ttl};
    EXPECT_EQ(hop.answered, 3U) << int{hop.ttl};
  }
}

TEST_F(EndlessWalkTest, FollowsAWayThatGetsLongerAndShorter) {
  PathWalk path = begin();
  run_until(path, road_, 2500ms);
  road_.routers = 5;
  run_until(path, road_, 6500ms);
  EXPECT_EQ(path.result(road_.now).hops.size(), 6U);
  EXPECT_EQ(road_.asked[30], 1U);  // one farther each round, not all again
  road_.routers = 2;
  run_until(path, road_, 8500ms);
  const PathResult result = path.result(road_.now);
  ASSERT_EQ(result.hops.size(), 3U);
  EXPECT_TRUE(result.hops[2].is_target);
}

// The router that is where the target was says nothing, so that only silence shows the change.
TEST_F(EndlessWalkTest, FindsATargetThatHasMovedBehindASilentRouter) {
  PathWalk path = begin();
  run_until(path, road_, 2500ms);
  ASSERT_EQ(path.result(road_.now).hops.size(), 4U);
  road_.routers = 5;
  road_.silent = {4};
  run_until(path, road_, 6500ms);
  EXPECT_GT(path.result(road_.now).end_to_end_loss.value, 0);
  run_until(path, road_, 12500ms);
  const PathResult result = path.result(road_.now);
  ASSERT_EQ(result.hops.size(), 6U);
  EXPECT_TRUE(result.hops[5].is_target);
  EXPECT_FALSE(result.hops[3].is_target);
}

// A target that is away for a while is found again, and its loss is told meanwhile.
TEST_F(EndlessWalkTest, TellsTheLossOfATargetThatIsAway) {
  PathWalk path = begin();
  run_until(path, road_, 3500ms);
  road_.target_silent = true;
  run_until(path, road_, 15500ms);
  const PathResult away = path.result(road_.now);
  EXPECT_EQ(away.hops.size(), 4U);
  EXPECT_TRUE(away.reached);
  EXPECT_GT(away.end_to_end_loss.value, 0.5);
  road_.target_silent = false;
  run_until(path, road_, 17500ms);
  const PathResult back = path.result(road_.now);
  ASSERT_EQ(back.hops.size(), 4U);
  EXPECT_TRUE(back.hops[3].is_target);
}

TEST_F(EndlessWalkTest, GoesOnWhenARouterNoLongerSaysNo) {
  road_.wall = 3;
  PathWalk path = begin();
  run_until(path, road_, 2500ms);
  EXPECT_EQ(path.result(road_.now).words, "prohibited");
  EXPECT_EQ(road_.asked[4], 1U);
  road_.wall.reset();
  run_until(path, road_, 5500ms);
  const PathResult result = path.result(road_.now);
  EXPECT_TRUE(result.reached);
  EXPECT_EQ(result.hops.size(), 4U);
}

// A silent target is asked for a few hops behind the last router, not for all that there may be.
TEST_F(EndlessWalkTest, AsksLittleOfASilentTarget) {
  road_.target_silent = true;
  PathWalk path = begin();
  run_until(path, road_, 9900ms);
  EXPECT_EQ(road_.asked[8], 10U);
  EXPECT_EQ(road_.asked[9], 1U);
  EXPECT_EQ(path.result(road_.now).hops.size(), 3U);
}

TEST_F(EndlessWalkTest, RemembersOnlySoMuch) {
  PathWalk path = begin();
  run_until(path, road_, 2500s + 500ms);
  const PathHop hop = path.result(road_.now).hops[0];
  EXPECT_EQ(hop.answered, 2501U);
  EXPECT_LT(hop.responders[0].rtts.size(), 2000U);
  EXPECT_GE(hop.responders[0].rtts.size(), 1000U);
  EXPECT_EQ(hop.recent.size(), 60U);
}

}  // namespace
}  // namespace tcpdx::probe
