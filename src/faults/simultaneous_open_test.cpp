#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "simultaneous-open";

void add_change(Scene& scene, tcp::State from, tcp::State to, unsigned port = 179,
                std::string_view remote = "10.0.0.2") {
  scene.event({.at = 1s,
               .kind = EventKind::state,
               .from = from,
               .to = to,
               .local = at("10.0.0.1", port),
               .remote = at(remote, port),
               .cookie = port});
}

TEST(simultaneous_open, shows_crossing_syns_as_information) {
  Scene scene;
  scene.process(41, "bgpd");
  add_change(scene, syn_sent, syn_received);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.remote, at("10.0.0.2", 179));
}

TEST(simultaneous_open, shows_one_connection_once_when_both_ends_are_here) {
  Scene scene;
  add_change(scene, syn_sent, syn_received);
  scene.event({.at = 1s,
               .kind = EventKind::state,
               .from = syn_sent,
               .to = syn_received,
               .local = at("10.0.0.2", 179),
               .remote = at("10.0.0.1", 179)});
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(simultaneous_open, many_connections_are_one_finding) {
  Scene scene;
  for (unsigned i = 0; i < 9; ++i) add_change(scene, syn_sent, syn_received, 200 + i);
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(simultaneous_open, silent_on_a_client_connected_to_itself) {
  Scene scene;
  add_change(scene, syn_sent, syn_received, 40000, "10.0.0.1");
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(simultaneous_open, silent_on_other_ways_to_open) {
  Scene scene;
  add_change(scene, syn_sent, established);
  add_change(scene, listen, syn_received, 180);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
