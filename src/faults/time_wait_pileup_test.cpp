#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "time-wait-pileup";

void add_time_wait(Scene& scene, unsigned count) {
  scene.sysctl("net.ipv4.ip_local_port_range", "40000 40099");
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.state = time_wait,
               .local = at("10.0.0.1", 40000 + i),
               .remote = at("10.0.0.9", 80),
               .owned = false,
               .timer = {.kind = TimerKind::time_wait, .retransmits = 0, .expires_ms = 30000}});
  }
}

TEST(time_wait_pileup, shows_half_of_the_ports_held) {
  Scene scene;
  add_time_wait(scene, 60);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 80));
}

TEST(time_wait_pileup, never_beside_the_exhaustion_only_inside_it) {
  Scene scene;
  add_time_wait(scene, 99);
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* f = scene.find("ephemeral-port-exhaustion");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->explains.front().fault, kFault);
}

TEST(time_wait_pileup, silent_on_many_that_hold_few_ports) {
  Scene scene;
  for (unsigned i = 0; i < 20000; ++i) {
    scene.add({.state = time_wait,
               .local = at("10.0.0.1", 80),
               .remote = at("10.0.0.9", 1024 + i),
               .owned = false});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
