// Counts by state: every state, and what sockets have in common.
#include "view/state_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include <nlohmann/json.hpp>

#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

using testing::small_observation;

const std::vector<uint32_t> kAll{0, 1, 2, 3, 4};

nlohmann::json json_of(std::optional<GroupBy> by) {
  const Observation observation = small_observation();
  std::ostringstream out;
  write_states_json(out, observation, count_states(observation, kAll, by));
  return nlohmann::json::parse(out.str());
}

std::string text_of(std::optional<GroupBy> by) {
  const Observation observation = small_observation();
  std::ostringstream out;
  write_state_table(out, {.colour = false, .width = 0}, count_states(observation, kAll, by));
  return out.str();
}

// The number of sockets in a state of the group with this key.
uint64_t in_group(GroupBy by, std::string_view key, std::string_view state) {
  const auto json = json_of(by);
  for (const auto& group : json.at("by")) {
    if (group.at("key") == key) return group.at("states").at(std::string(state));
  }
  ADD_FAILURE() << "no group " << key << " in " << json.at("by").dump();
  return 0;
}

TEST(StatesJson, HasAllElevenStatesZeroIncluded) {
  const auto json = json_of(std::nullopt);
  EXPECT_EQ(json.at("schema"), "tcpdx/1");
  EXPECT_EQ(json.at("total"), 5);
  EXPECT_EQ(json.at("states").size(), 11U);
  EXPECT_EQ(json.at("states").at("ESTABLISHED"), 2);
  EXPECT_EQ(json.at("states").at("LAST-ACK"), 0);
  EXPECT_FALSE(json.contains("by"));
}

TEST(StatesJson, GroupsHaveAllElevenToo) {
  const auto json = json_of(GroupBy::peer);
  for (const auto& group : json.at("by")) {
    EXPECT_EQ(group.at("states").size(), 11U);
  }
}

TEST(States, ByProcessCountsASharedSocketForEachThatHoldsIt) {
  EXPECT_EQ(in_group(GroupBy::process, "billing-api (pid 2210)", "LISTEN"), 1U);
  EXPECT_EQ(in_group(GroupBy::process, "worker (pid 2211)", "LISTEN"), 1U);
  EXPECT_EQ(in_group(GroupBy::process, "billing-api (pid 2210)", "CLOSE-WAIT"), 1U);
}

TEST(States, ByProcessSaysWhyThereIsNoProcess) {
  EXPECT_EQ(in_group(GroupBy::process, "(not accepted yet)", "ESTABLISHED"), 1U);
  EXPECT_EQ(in_group(GroupBy::process, "(owner not seen)", "ESTABLISHED"), 1U);
  EXPECT_EQ(in_group(GroupBy::process, "(closed by its program)", "TIME-WAIT"), 1U);
}

TEST(States, ByPortTakesTheServedPortHereElseTheOneThere) {
  EXPECT_EQ(in_group(GroupBy::port, "9502", "CLOSE-WAIT"), 1U);
  EXPECT_EQ(in_group(GroupBy::port, "9502", "LISTEN"), 1U);
  EXPECT_EQ(in_group(GroupBy::port, "443", "TIME-WAIT"), 1U);
  EXPECT_EQ(json_of(GroupBy::port).at("by").size(), 2U);
}

TEST(States, ByPeerNamespaceAndCgroup) {
  EXPECT_EQ(in_group(GroupBy::peer, "198.51.100.7", "ESTABLISHED"), 2U);
  EXPECT_EQ(in_group(GroupBy::netns, "4026531840", "LISTEN"), 1U);
  // Both holders of the listener are in one cgroup: it counts once.
  EXPECT_EQ(in_group(GroupBy::cgroup, "/system.slice/billing.service", "LISTEN"), 1U);
}

TEST(States, GroupsComeGreatestFirst) {
  const auto groups = json_of(GroupBy::port).at("by");
  EXPECT_TRUE(std::ranges::is_sorted(groups, std::ranges::greater{},
                                     [](const auto& group) { return group.at("total"); }));
}

TEST(StateTable, ShowsTheStatesThatAreThereAndTheTotal) {
  EXPECT_EQ(text_of(std::nullopt),
            "LISTEN        1\n"
            "ESTABLISHED   2\n"
            "CLOSE-WAIT    1\n"
            "TIME-WAIT     1\n"
            "total         5\n");
}

TEST(StateTable, GroupsHaveOneLineEach) {
  EXPECT_EQ(text_of(GroupBy::port),
            "total  LISTEN  ESTABLISHED  CLOSE-WAIT  TIME-WAIT  port\n"
            "    3       1            1           1          0  9502\n"
            "    2       0            1           0          1  443\n"
            "    5       1            2           1          1  all sockets\n");
}

TEST(StateTable, ANameCannotForgeALine) {
  Observation observation = small_observation();
  observation.namespaces[0].name = "x\n99 forged";
  std::ostringstream out;
  write_state_table(out, {.colour = false, .width = 0},
                    count_states(observation, kAll, GroupBy::netns));
  EXPECT_EQ(out.str().find("\n99"), std::string::npos) << out.str();
}

TEST(GroupWords, AreTheFiveOfTheCommand) {
  for (const std::string_view word : {"process", "port", "peer", "netns", "cgroup"}) {
    EXPECT_TRUE(parse_group_by(word).has_value()) << word;
  }
  EXPECT_FALSE(parse_group_by("colour").has_value());
}

}  // namespace
}  // namespace tcpdx::view
