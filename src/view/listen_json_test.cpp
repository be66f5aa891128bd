#include "view/listen_json.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

#include "view/test_observation.hpp"

namespace tcpdx::view {
namespace {

nlohmann::json json_of(const Observation& observation, const Comparison* comparison = nullptr) {
  std::ostringstream out;
  write_listen_json(out, observation, listening_sockets(observation), comparison);
  return nlohmann::json::parse(out.str());
}

TEST(ListenJson, HasTheFieldsOfTheContract) {
  Observation observation = testing::small_observation();
  observation.looks[0].sockets[0].cookie = 7;
  observation.looks[0].sockets[0].send_q = 128;
  observation.processes[0].exe = "/usr/bin/billing";
  observation.processes[0].unit = "billing.service";
  observation.processes[0].age = 10s;
  const auto json = json_of(observation);
  EXPECT_EQ(json.at("schema"), "tcpdx/1");
  ASSERT_EQ(json.at("listeners").size(), 1U);  // the listening one of five sockets
  const auto& one = json.at("listeners").at(0);
  EXPECT_EQ(one.at("netns"), 4026531840);
  EXPECT_EQ(one.at("local"), (nlohmann::json{{"addr", "0.0.0.0"}, {"port", 9502}}));
  EXPECT_EQ(one.at("exposure"), "any");
  EXPECT_EQ(one.at("owners").size(), 2U);
  EXPECT_EQ(one.at("owners").at(0),
            (nlohmann::json{{"pid", 2210}, {"comm", "billing-api"}, {"fd", 3}}));
  EXPECT_EQ(one.at("exe"), "/usr/bin/billing");
  EXPECT_EQ(one.at("unit"), "billing.service");
  EXPECT_EQ(one.at("uid"), 0);
  EXPECT_EQ(one.at("backlog").at("queued"), 0);
  EXPECT_EQ(one.at("backlog").at("limit"), 128);
  EXPECT_TRUE(one.at("backlog").at("drops").is_null());
  EXPECT_TRUE(one.at("signs").empty());
  EXPECT_EQ(one.at("since").at("at"), "2023-11-14T22:13:10.000000Z");
  EXPECT_EQ(one.at("since").at("of"), "program start");
}

TEST(ListenJson, WhatWasNotAskedIsNull) {
  const auto json = json_of(testing::small_observation());
  EXPECT_TRUE(json.at("changes").is_null());
  EXPECT_TRUE(json.at("not_compared").is_null());
  EXPECT_TRUE(json.at("hidden").is_null());
  const auto& one = json.at("listeners").at(0);
  EXPECT_TRUE(one.at("exe").is_null());
  EXPECT_TRUE(one.at("since").is_null());
  EXPECT_TRUE(one.at("firewall").is_null());
  EXPECT_TRUE(one.at("reuseport").is_null());
  EXPECT_TRUE(one.at("backlog").at("limit").is_null());  // without a cookie
  EXPECT_TRUE(one.at("backlog").at("full_share").is_null());
}

TEST(ListenJson, TellsSignsHiddenPortsAndChanges) {
  Observation observation = testing::small_observation();
  observation.processes[0].exe = "/dev/shm/x";
  observation.processes[0].program.writable_by_all = "/dev/shm";
  observation.closer.hidden = {{.netns = 0, .port = 31337, .answers = false}};
  observation.closer.firewall = {{.netns = 0,
                                  .local = observation.looks[0].sockets[0].local,
                                  .passage = Passage::dropped,
                                  .words = "dropped by inet t input"}};
  const Comparison comparison = compare({}, observation);
  const auto json = json_of(observation, &comparison);
  const auto& one = json.at("listeners").at(0);
  EXPECT_EQ(one.at("signs").at(0).at("sign"), "exe-writable");
  EXPECT_EQ(one.at("signs").at(0).at("critical"), true);
  EXPECT_EQ(one.at("firewall"),
            (nlohmann::json{{"verdict", "dropped"}, {"text", "dropped by inet t input"}}));
  EXPECT_EQ(json.at("hidden").at(0).at("sign"), "held-unlisted");
  EXPECT_EQ(json.at("hidden").at(0).at("port"), 31337);
  ASSERT_EQ(json.at("changes").size(), 1U);
  EXPECT_EQ(json.at("changes").at(0).at("change"), "new");
  EXPECT_EQ(json.at("changes").at(0).at("namespace"), "host");
  EXPECT_EQ(json.at("changes").at(0).at("exe"), "/dev/shm/x");
}

}  // namespace
}  // namespace tcpdx::view
