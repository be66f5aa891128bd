#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

void table(Scene& scene, const NeighbourTable& then, const NeighbourTable& now) {
  scene.observation().neighbour_tables = {then, now};
}

TEST(neighbour_table_overflow, shows_refused_entries) {
  Scene scene;
  table(scene, {.entries = 1024, .limit = 1024, .refused = 5},
        {.at = 5s, .entries = 1000, .limit = 1024, .refused = 12});
  const Finding* f = scene.find("neighbour-table-overflow");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_NE(f->headline.find("refused 7 new ones"), std::string::npos) << f->headline;
}

TEST(neighbour_table_overflow, shows_a_table_that_is_nearly_full) {
  Scene scene;
  table(scene, {.family = Family::v6, .entries = 930, .limit = 1024},
        {.at = 5s, .family = Family::v6, .entries = 940, .limit = 1024});
  const Finding* f = scene.find("neighbour-table-overflow");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(neighbour_table_overflow, silent_on_refusals_of_the_past) {
  Scene scene;
  table(scene, {.entries = 100, .limit = 1024, .refused = 5},
        {.at = 5s, .entries = 100, .limit = 1024, .refused = 5});
  EXPECT_EQ(scene.find("neighbour-table-overflow"), nullptr);
}

TEST(neighbour_table_overflow, silent_above_the_second_threshold) {
  Scene scene;
  table(scene, {.entries = 700, .limit = 1024}, {.at = 5s, .entries = 720, .limit = 1024});
  EXPECT_EQ(scene.find("neighbour-table-overflow"), nullptr);
}

TEST(neighbour_table_overflow, silent_on_a_moment_near_the_limit) {
  Scene scene;
  table(scene, {.entries = 400, .limit = 1024}, {.at = 5s, .entries = 1000, .limit = 1024});
  EXPECT_EQ(scene.find("neighbour-table-overflow"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
