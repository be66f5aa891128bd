// SYNs go no farther than what is known, or the time, asks for.
#include "probe/reach.hpp"

#include <gtest/gtest.h>

namespace tcpdx::probe {
namespace {

constexpr unsigned kFarthest = 30;

unsigned allowed(const Reach& reach) {
  unsigned ttl = 0;
  while (reach.allows(ttl + 1)) ++ttl;
  return ttl;
}

TEST(ReachTest, TheNextHostMayBeTheTarget) {
  Reach reach(kFarthest);
  EXPECT_EQ(allowed(reach), 0U);
  reach.turn(0ms);
  EXPECT_EQ(allowed(reach), 1U);
  EXPECT_EQ(reach.next(), 3ms);
  reach.tell_distance(1, 1ms);
  reach.turn(249ms);
  EXPECT_EQ(allowed(reach), 1U);
  EXPECT_EQ(reach.next(), 250ms);
}

TEST(ReachTest, AnEchoTellsHowFar) {
  Reach reach(kFarthest);
  reach.turn(0ms);
  reach.tell_distance(12, 100ms);
  EXPECT_EQ(allowed(reach), 12U);
  reach.turn(299ms);
  EXPECT_EQ(allowed(reach), 12U);
  EXPECT_EQ(reach.next(), 300ms);
}

// The way back of the echo was shorter than the way there, and the router that is as far away as
// the echo said is silent: a SYN left at the latest when the echo's answer came.
TEST(ReachTest, WhereNobodyAnswersAFewMoreGoThanTheEchoSaid) {
  Reach reach(kFarthest);
  reach.turn(0ms);
  reach.tell_distance(10, 100ms);
  for (unsigned ttl = 1; ttl < 10; ++ttl) reach.tell_router(ttl);
  reach.turn(299ms);
  EXPECT_EQ(allowed(reach), 10U);
  reach.turn(300ms);
  EXPECT_EQ(allowed(reach), 15U);
  EXPECT_FALSE(reach.next());
  reach.turn(5s);
  EXPECT_EQ(allowed(reach), 15U);
}

// Behind a router there is at least one more host: that never reaches the target twice.
TEST(ReachTest, ARouterLetsOneMoreGo) {
  Reach reach(kFarthest);
  reach.turn(0ms);
  for (unsigned ttl = 1; ttl <= 8; ++ttl) {
    reach.tell_router(ttl);
    EXPECT_EQ(allowed(reach), ttl + 1);
  }
}

// The speed aim: of 25 routers evenly spread over 100 ms four have answered after 30 ms, and a SYN
// must go to the 26th host then. A short way by a slow link gets few.
TEST(ReachTest, WhatAnsweredInTimeSaysHowMuchMoreIsGuessed) {
  Reach dense(kFarthest);
  dense.turn(3ms);
  for (unsigned ttl = 1; ttl <= 4; ++ttl) dense.tell_router(ttl);
  dense.turn(29ms);
  EXPECT_EQ(allowed(dense), 5U);
  dense.turn(30ms);
  EXPECT_EQ(allowed(dense), 28U);
  dense.tell_router(5);
  dense.turn(31ms);
  EXPECT_EQ(allowed(dense), 28U);

  Reach slow(kFarthest);
  slow.turn(3ms);
  slow.tell_router(1);
  slow.turn(30ms);
  EXPECT_EQ(allowed(slow), 10U);
}

TEST(ReachTest, ATargetWithoutEchoesIsLookedForEverywhereInTheEnd) {
  Reach reach(kFarthest);
  reach.turn(30ms);
  EXPECT_EQ(allowed(reach), 4U);
  EXPECT_EQ(reach.next(), 250ms);
  reach.turn(250ms);
  EXPECT_EQ(allowed(reach), kFarthest);
  EXPECT_FALSE(reach.next());
}

// The way back of the echo was shorter than the way there.
TEST(ReachTest, ARouterDisprovesTheEcho) {
  Reach reach(kFarthest);
  reach.turn(0ms);
  reach.tell_distance(5, 10ms);
  reach.tell_router(4);
  EXPECT_EQ(allowed(reach), 5U);
  reach.tell_router(5);
  EXPECT_EQ(allowed(reach), 6U);
  reach.turn(250ms);
  EXPECT_EQ(allowed(reach), kFarthest);
}

TEST(ReachTest, AnEchoThatIsAlreadyDisprovedTellsNothing) {
  Reach reach(kFarthest);
  reach.turn(0ms);
  reach.tell_router(5);
  reach.tell_distance(5, 10ms);
  EXPECT_EQ(allowed(reach), 6U);
}

TEST(ReachTest, NeverGoesFartherThanWanted) {
  Reach reach(3);
  reach.turn(250ms);
  EXPECT_EQ(allowed(reach), 3U);
  reach.tell_distance(9, 10ms);
  EXPECT_EQ(allowed(reach), 3U);
  EXPECT_FALSE(reach.next());
}

}  // namespace
}  // namespace tcpdx::probe
