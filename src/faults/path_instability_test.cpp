#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

std::vector<std::optional<IpAddress>> hops(std::string_view second) {
  return {at("10.0.0.254", 0).addr,
          second.empty() ? std::nullopt : std::optional(at(second, 0).addr),
          at("192.0.2.7", 0).addr};
}

// Three hops, of which the second answered each walk as given; empty: it did not.
void walks(Scene& scene, std::initializer_list<std::string_view> second) {
  ProbedHost& host = scene.asks("192.0.2.7");
  for (const std::string_view one : second) host.ways.push_back({hops(one), true});
}

void flows(Scene& scene, unsigned count, uint32_t variation_ms) {
  scene.process(7, "client");
  TcpInfo info;
  info.rtt_us = 100'000;
  info.min_rtt_us = 60'000;
  info.rttvar_us = variation_ms * 1000;
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.state = tcp::State::established,
               .local = at("10.0.0.1", 40000 + i),
               .remote = at("192.0.2.7", 443),
               .info = info,
               .info_then = info});
  }
}

TEST(path_instability, shows_a_route_that_flaps) {
  Scene scene;
  walks(scene, {"10.0.1.2", "10.0.2.2", "10.0.1.2", "10.0.1.2", "10.0.1.2"});
  const Finding* f = scene.find("path-instability");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_NE(f->headline.find("changed 2 times in 5 walks, from hop 2 on"), std::string::npos);
}

TEST(path_instability, shows_round_trips_that_vary_for_long) {
  Scene scene(60s);
  flows(scene, 3, 60);
  const Finding* f = scene.find("path-instability");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(path_instability, silent_on_one_change_of_route) {
  Scene scene;
  walks(scene, {"10.0.1.2", "10.0.1.2", "10.0.2.2", "10.0.2.2", "10.0.2.2"});
  EXPECT_EQ(scene.find("path-instability"), nullptr);
}

TEST(path_instability, silent_on_a_router_that_answers_some_walks_only) {
  Scene scene;
  walks(scene, {"10.0.1.2", "", "10.0.1.2", "", "10.0.1.2"});
  EXPECT_EQ(scene.find("path-instability"), nullptr);
}

TEST(path_instability, silent_on_varying_round_trips_in_a_short_look) {
  Scene scene;
  flows(scene, 3, 60);
  EXPECT_EQ(scene.find("path-instability"), nullptr);
}

TEST(path_instability, silent_on_varying_round_trips_of_a_way_that_stays) {
  Scene scene(60s);
  flows(scene, 3, 60);
  walks(scene, {"10.0.1.2", "10.0.1.2", "10.0.1.2"});
  EXPECT_EQ(scene.find("path-instability"), nullptr);
}

TEST(path_instability, silent_on_steady_round_trips) {
  Scene scene(60s);
  flows(scene, 3, 20);
  EXPECT_EQ(scene.find("path-instability"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
