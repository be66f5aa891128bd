#include "lab/impairment.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tcpdx::lab {
namespace {

using Numbers = std::vector<int>;

// Puts one datagram in at each millisecond, numbered in its only octet; tells what comes out.
Numbers run(const Impairment& impairment, int count) {
  Line line(impairment);
  Numbers out;
  const auto note = [&](std::span<const std::byte> datagram) {
    out.push_back(std::to_integer<int>(datagram[0]));
  };
  for (int i = 0; i < count; ++i) {
    const std::byte octet{static_cast<unsigned char>(i)};
    line.put(i * 1ms, std::span(&octet, 1));
    line.release(i * 1ms, note);
  }
  while (const auto next = line.next()) line.release(*next, note);
  return out;
}

TEST(Line, does_nothing_to_datagrams_unless_told) { EXPECT_EQ(run({}, 3), (Numbers{0, 1, 2})); }

TEST(Line, loses_and_doubles_all_where_it_is_certain) {
  EXPECT_TRUE(run({.loss = 1}, 3).empty());
  EXPECT_EQ(run({.duplication = 1}, 2), (Numbers{0, 0, 1, 1}));
}

TEST(Line, delays) {
  Line line({.delay = 5ms});
  const std::byte octet{};
  EXPECT_EQ(line.put(1ms, std::span(&octet, 1)), 1U);
  EXPECT_EQ(line.next(), 6ms);
  int out = 0;
  line.release(5999us, [&](std::span<const std::byte>) { ++out; });
  EXPECT_EQ(out, 0);
  line.release(6ms, [&](std::span<const std::byte>) { ++out; });
  EXPECT_EQ(out, 1);
  EXPECT_FALSE(line.next());
}

TEST(Line, lets_some_be_overtaken_and_loses_none) {
  Numbers out = run({.reordering = 0.2, .held_back = 3500us, .seed = 5}, 100);
  EXPECT_FALSE(std::ranges::is_sorted(out));
  std::ranges::sort(out);
  ASSERT_EQ(out.size(), 100U);
  EXPECT_EQ(std::ranges::adjacent_find(out), out.end());
}

TEST(Line, does_the_same_again_from_the_same_seed) {
  const Impairment bad{.loss = 0.3, .duplication = 0.3, .reordering = 0.3, .seed = 9};
  EXPECT_EQ(run(bad, 100), run(bad, 100));
  Impairment other = bad;
  other.seed = 10;
  EXPECT_NE(run(bad, 100), run(other, 100));
}

// 1,000 octets at 100,000 a second take 10 ms; the second waits for the first, the third finds the
// queue full.
TEST(Line, makes_datagrams_wait_for_their_turn) {
  Line line({.rate = 100'000, .queue = 1'500});
  const std::vector<std::byte> datagram(1'000);
  EXPECT_EQ(line.put(0ms, datagram), 1U);
  EXPECT_EQ(line.put(0ms, datagram), 1U);
  EXPECT_EQ(line.put(0ms, datagram), 0U);
  EXPECT_EQ(line.next(), 10ms);
  line.release(10ms, [](std::span<const std::byte>) {});
  EXPECT_EQ(line.next(), 20ms);
  EXPECT_EQ(line.put(20ms, datagram), 1U);
}

// One is being sent, two wait; the next ones find no room until the first has left.
TEST(Line, lets_no_more_datagrams_wait_than_told) {
  Line line({.rate = 1'000, .queue_length = 2});
  const std::vector<std::byte> datagram(100);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(line.put(0ms, datagram), 1U) << i;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(line.put(99ms, datagram), 0U) << i;
  EXPECT_EQ(line.put(100ms, datagram), 1U);
  EXPECT_EQ(line.counts().overflowed, 4U);
}

TEST(Line, counts_what_became_of_each_datagram) {
  Line line({.loss = 0.2, .duplication = 0.2, .mtu = 100, .seed = 4});
  uint64_t copies = 0;
  for (int i = 0; i < 200; ++i) copies += line.put(0ms, std::vector<std::byte>(50));
  line.put(0ms, std::vector<std::byte>(101));
  line.release(1s, [](std::span<const std::byte>) {});
  const LineCounts& counts = line.counts();
  EXPECT_EQ(counts.put, 201U);
  EXPECT_EQ(counts.too_large, 1U);
  EXPECT_GT(counts.lost, 0U);
  EXPECT_GT(counts.doubled, 0U);
  EXPECT_EQ(counts.released, copies);
  EXPECT_EQ(counts.released, 200 - counts.lost + counts.doubled);
  EXPECT_EQ(counts.octets_released, copies * 50);
}

TEST(Line, keeps_what_is_under_way_when_it_changes) {
  Line line({.delay = 5ms});
  line.put(0ms, std::vector<std::byte>(1));
  line.change({.loss = 1});
  EXPECT_EQ(line.counts(), LineCounts{});
  EXPECT_EQ(line.put(1ms, std::vector<std::byte>(1)), 0U);
  int out = 0;
  line.release(5ms, [&](std::span<const std::byte>) { ++out; });
  EXPECT_EQ(out, 1);
}

TEST(Line, jitters_without_changing_the_order) {
  const Numbers out = run({.delay = 5ms, .jitter = 20ms, .seed = 3}, 100);
  ASSERT_EQ(out.size(), 100U);
  EXPECT_TRUE(std::ranges::is_sorted(out));
}

TEST(Line, loses_what_is_longer_than_its_mtu) {
  Line line({.mtu = 100});
  EXPECT_EQ(line.put(0ms, std::vector<std::byte>(100)), 1U);
  EXPECT_EQ(line.put(0ms, std::vector<std::byte>(101)), 0U);
}

// Of 100 datagrams with a loss of 0.3, the mean is 70 and the deviation 4.6.
TEST(Line, loses_about_as_many_as_told) {
  const size_t left = run({.loss = 0.3}, 100).size();
  EXPECT_GT(left, 47U);
  EXPECT_LT(left, 93U);
}

}  // namespace
}  // namespace tcpdx::lab
