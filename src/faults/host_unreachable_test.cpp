#include <gtest/gtest.h>

#include <cerrno>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "host-unreachable";

Scene::Row calling(unsigned port, uint8_t repeats) {
  return {.state = syn_sent,
          .local = at("10.0.0.1", port),
          .remote = at("10.0.0.9", 22),
          .fresh = true,
          .send_q = 1,
          .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 500}};
}

Route route_with(NeighbourState neighbour) {
  return {.netns = 0,
          .destination = at("10.0.0.9", 0).addr,
          .error = 0,
          .gateway = {},
          .interface = "eth0",
          .neighbour = neighbour};
}

TEST(host_unreachable, shows_a_neighbour_that_does_not_answer) {
  Scene scene;
  scene.process(41, "backup");
  scene.add_gone(calling(40000, 1));
  scene.add(calling(40001, 1));
  scene.route(route_with(NeighbourState::incomplete));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 22));
}

TEST(host_unreachable, one_attempt_is_likely) {
  Scene scene;
  scene.process(41, "backup");
  scene.add(calling(40001, 0));
  scene.route(route_with(NeighbourState::failed));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(host_unreachable, shows_a_route_that_refuses) {
  Scene scene;
  scene.process(41, "backup");
  scene.add(calling(40001, 2));
  Route route = route_with(NeighbourState::none);
  route.error = ENETUNREACH;
  route.neighbour.reset();
  scene.route(route);
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(host_unreachable, packets_without_a_route_are_a_suspicion) {
  Scene scene;
  scene.count("Ip.OutNoRoutes", 100, 110);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(host_unreachable, silent_on_a_first_resolution_and_on_an_answering_neighbour) {
  Scene scene;
  scene.process(41, "backup");
  scene.add(calling(40001, 0));
  scene.route(route_with(NeighbourState::incomplete));
  EXPECT_EQ(scene.find(kFault), nullptr);
  Scene other;
  other.process(41, "backup");
  other.add(calling(40001, 3));
  other.route(route_with(NeighbourState::reachable));
  EXPECT_EQ(other.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
