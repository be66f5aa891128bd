// What counters that vanish, appear or go down make of an interval.
#include "model/counter_reading.hpp"

#include <gtest/gtest.h>

namespace tcpdx {
namespace {

CounterReading reading(uint64_t netns, Duration at, uint64_t opens) {
  CounterReading one;
  one.netns = netns;
  one.at = at;
  one.counters.set("Tcp.ActiveOpens", opens);
  one.counters.sort();
  return one;
}

TEST(CounterInterval, IsADifference) {
  const CounterReading before = reading(7, 1s, 100);
  const CounterReading now = reading(7, 2500ms, 130);
  const CounterInterval interval{&before, &now};
  EXPECT_EQ(interval.rise("Tcp.ActiveOpens"), 30U);
  EXPECT_DOUBLE_EQ(interval.length(), 1.5);
  EXPECT_EQ(interval.rise("Tcp.PassiveOpens"), std::nullopt) << "a counter that does not exist";
}

TEST(CounterInterval, ACounterThatWentDownIsNotKnown) {
  const CounterReading before = reading(7, 1s, 100);
  const CounterReading now = reading(7, 2s, 99);
  EXPECT_EQ((CounterInterval{&before, &now}.rise("Tcp.ActiveOpens")), std::nullopt);
}

TEST(CounterInterval, NamespacesAreJoinedByInode) {
  const std::vector<CounterReading> before{reading(7, 1s, 1), reading(8, 1s, 5), reading(9, 1s, 0)};
  const std::vector<CounterReading> now{reading(9, 2s, 3), reading(7, 2s, 2), reading(10, 2s, 4)};
  const auto intervals = intervals_between(before, now);
  ASSERT_EQ(intervals.size(), 2U) << "8 has gone, 10 is new";
  EXPECT_EQ(intervals[0].now->netns, 9U);
  EXPECT_EQ(intervals[0].rise("Tcp.ActiveOpens"), 3U);
  EXPECT_EQ(intervals[1].before->netns, 7U);
}

TEST(CounterInterval, NoTimeNoInterval) {
  const std::vector<CounterReading> once{reading(7, 1s, 1)};
  EXPECT_TRUE(intervals_between(once, once).empty());
}

}  // namespace
}  // namespace tcpdx
