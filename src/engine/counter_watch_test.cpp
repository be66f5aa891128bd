// Readings of this machine's own counters.
#include "engine/counter_watch.hpp"

#include <gtest/gtest.h>

namespace tcpdx::engine {
namespace {

TEST(CounterWatch, ReadsOursFirstAndTimeGoesOn) {
  auto watch = CounterWatch::open({});
  ASSERT_TRUE(watch.has_value()) << watch.error().sentence;
  const auto before = watch->read();
  const auto now = watch->read();
  ASSERT_FALSE(before.empty());
  ASSERT_FALSE(now.empty());
  EXPECT_EQ(now.front().netns, watch->namespaces().front().inode);
  EXPECT_TRUE(now.front().counters.get("Tcp.ActiveOpens").has_value());
  const auto intervals = intervals_between(before, now);
  ASSERT_FALSE(intervals.empty());
  EXPECT_GT(intervals.front().length(), 0);
  EXPECT_TRUE(intervals.front().rise("Tcp.InSegs").has_value());
}

// Everywhere else the sums over the whole machine have no limit beside them.
TEST(CounterWatch, WholeMachineValuesBelongToTheInitialNamespace) {
  auto watch = CounterWatch::open({});
  ASSERT_TRUE(watch.has_value());
  for (const CounterReading& reading : watch->read()) {
    const bool initial = reading.orphan_limit.has_value();
    EXPECT_EQ(reading.counters.get("softnet.dropped").has_value(), initial);
    EXPECT_EQ(reading.counters.get("sockstat.TCP.mem").has_value(), initial);
    EXPECT_EQ(reading.memory_limit.has_value(), initial);
  }
}

}  // namespace
}  // namespace tcpdx::engine
