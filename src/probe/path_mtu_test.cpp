// What a row of links with an MTU each answers, and what must be read from it.
#include "probe/path_mtu.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace tcpdx::probe {
namespace {

using Fate = SizeAnswer::Fate;

// links[0] is this host's own; links[k] is behind router k; the last router's leads to the target.
struct Road {
  std::vector<unsigned> links;
  std::vector<unsigned> hides{};           // routers that throw large packets away without a word
  std::vector<unsigned> silent{};          // that never say "TTL exceeded"; the target is one, too
  std::vector<unsigned> old{};             // that say "fragmentation needed" with MTU 0 (RFC 792)
  std::map<unsigned, int> answers_left{};  // TTL exceeded of that router, as long as they last
  unsigned asked = 0;
};

IpAddress router(unsigned ttl) { return ipv4(10, 0, 0, static_cast<uint8_t>(ttl)); }

bool has(const std::vector<unsigned>& list, unsigned ttl) {
  return std::ranges::find(list, ttl) != list.end();
}

SizeAnswer answer_of(Road& road, const SizeQuestion& question) {
  for (unsigned at = 0; at < question.ttl; ++at) {
    if (question.size <= road.links[at]) continue;
    if (has(road.hides, at)) return {.by = {}};
    return {.fate = Fate::too_big, .mtu = has(road.old, at) ? 0 : road.links[at], .by = router(at)};
  }
  if (has(road.silent, question.ttl)) return {.by = {}};
  const auto left = road.answers_left.find(question.ttl);
  if (left != road.answers_left.end() && left->second-- <= 0) return {.by = {}};
  return {.fate = Fate::passed, .by = router(question.ttl)};
}

PathMtu measure(Road& road) {
  return measure_path_mtu(road.links[0], static_cast<unsigned>(road.links.size()),
                          [&](const auto& questions) {
                            std::vector<SizeAnswer> answers;
                            for (const SizeQuestion& one : questions)
                              answers.push_back(answer_of(road, one));
                            road.asked += static_cast<unsigned>(questions.size());
                            return answers;
                          });
}

using Mtus = std::vector<std::optional<unsigned>>;

TEST(PathMtuTest, IsTheInterfacesWhereNothingIsSmaller) {
  Road road{.links = {1500, 1500, 9000, 1500}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, Mtus(4, 1500));
  EXPECT_TRUE(found.steps.empty());
  EXPECT_EQ(road.asked, 4U);  // each hop, once
}

TEST(PathMtuTest, NamesEveryRouterThatLowersIt) {
  Road road{.links = {9000, 1500, 1500, 1400, 1300}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{9000, 1500, 1500, 1400, 1300}));
  ASSERT_EQ(found.steps.size(), 3U);
  EXPECT_EQ(found.steps[1].behind, 3U);
  EXPECT_EQ(found.steps[1].before, 1500U);
  EXPECT_EQ(found.steps[1].mtu, 1400U);
  EXPECT_EQ(found.steps[1].told_by, router(3));
  EXPECT_EQ(found.steps[2].told_by, router(4));
}

TEST(PathMtuTest, FindsABlackHoleAndItsSize) {
  Road road{.links = {1500, 1500, 1436, 1500}, .hides = {2}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{1500, 1500, 1436, 1436}));
  ASSERT_EQ(found.steps.size(), 1U);
  EXPECT_EQ(found.steps[0].behind, 2U);
  EXPECT_EQ(found.steps[0].mtu, 1436U);
  EXPECT_FALSE(found.steps[0].told_by);
}

TEST(PathMtuTest, FindsABlackHoleBehindARouterThatSpeaks) {
  Road road{.links = {1500, 1400, 1300, 1200}, .hides = {2}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{1500, 1400, 1300, 1200}));
  ASSERT_EQ(found.steps.size(), 3U);
  EXPECT_EQ(found.steps[0].told_by, router(1));
  EXPECT_FALSE(found.steps[1].told_by);
  EXPECT_EQ(found.steps[2].told_by, router(3));
}

TEST(PathMtuTest, TakesSilenceForNoHole) {
  Road road{.links = {1500, 1500, 1500, 1500}, .silent = {2, 4}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{1500, 1500, 1500, std::nullopt}));
  EXPECT_TRUE(found.steps.empty());
}

// Linux answers six times at once, then once a second: what it no longer answers is no hole.
TEST(PathMtuTest, TakesALimitForNoHole) {
  for (int left = 0; left < 4; ++left) {
    Road road{.links = {1500, 1500, 1500}, .silent = {3}, .answers_left = {{2, left}}};
    EXPECT_TRUE(measure(road).steps.empty()) << left;
  }
}

TEST(PathMtuTest, SearchesWhereARouterDoesNotSayHowMuch) {
  Road road{.links = {1500, 1500, 1006, 1500}, .old = {2}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{1500, 1500, 1006, 1006}));
  ASSERT_EQ(found.steps.size(), 1U);
  EXPECT_EQ(found.steps[0].told_by, router(2));
}

// A silent router that lowers the MTU is placed by the distance from which it is heard.
TEST(PathMtuTest, PlacesARouterThatNeverSaysTtlExceeded) {
  Road road{.links = {1500, 1500, 1500, 1400, 1400}, .silent = {2, 3}};
  const PathMtu found = measure(road);
  EXPECT_EQ(found.hops, (Mtus{1500, 1500, 1500, 1400, 1400}));
  ASSERT_EQ(found.steps.size(), 1U);
  EXPECT_EQ(found.steps[0].behind, 3U);
}

}  // namespace
}  // namespace tcpdx::probe
