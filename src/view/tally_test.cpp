// Bounded counting.
#include "view/tally.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace tcpdx::view {
namespace {

using Counts = Heaviest<int, std::hash<int>>;

TEST(Tally, TheHeaviestComeFirst) {
  Counts counts;
  for (const auto& [key, weight] : {std::pair(1, 5), {2, 9}, {3, 5}, {1, 1}, {4, 0}}) {
    counts.add(key, static_cast<uint64_t>(weight));
  }
  const std::vector<std::pair<int, uint64_t>> wanted{{2, 9}, {1, 6}, {3, 5}};
  EXPECT_EQ(counts.top(10), wanted);
  EXPECT_EQ(counts.top(1).size(), 1U);
  EXPECT_TRUE(counts.exact());
}

TEST(Tally, AHeavyKeySurvivesAHundredThousandLightOnes) {
  Counts counts(100);
  for (int i = 0; i < 100'000; ++i) {
    counts.add(i + 10, 1);
    if (i % 10 == 0) counts.add(7, 1);
  }
  EXPECT_LE(counts.keys(), 200U);
  EXPECT_FALSE(counts.exact());
  EXPECT_EQ(counts.top(1).front(), std::pair(7, uint64_t{10'000}));
}

TEST(Tally, QuantilesAreExactBelow64AndWithinTwoPercentAbove) {
  Quantiles few;
  EXPECT_EQ(few.at(0.5), 0U);
  for (const uint64_t value : {3U, 1U, 2U}) few.add(value);
  EXPECT_EQ(few.at(0.5), 2U);
  EXPECT_EQ(few.at(0.99), 3U);
  EXPECT_EQ(few.count(), 3U);
  Quantiles many;
  for (uint64_t value = 1; value <= 100'000; ++value) many.add(value);
  EXPECT_NEAR(static_cast<double>(many.at(0.5)), 50'000, 1'000);
  EXPECT_NEAR(static_cast<double>(many.at(0.99)), 99'000, 2'000);
  Quantiles one;
  one.add(~uint64_t{0});
  EXPECT_NEAR(static_cast<double>(one.at(1)), 1.8446744e19, 1.8446744e19 * 0.02);
}

}  // namespace
}  // namespace tcpdx::view
