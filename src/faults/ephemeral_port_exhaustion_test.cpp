#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "ephemeral-port-exhaustion";

// `count` TIME-WAIT with `left_ms` to go, from a range of 20 ports.
void add_time_wait(Scene& scene, unsigned count, uint32_t left_ms, std::string_view to,
                   std::string_view from = "10.0.0.1") {
  scene.sysctl("net.ipv4.ip_local_port_range", "40000 40019");
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.state = time_wait,
               .local = at(from, 40000 + i),
               .remote = at(to, 80),
               .owned = false,
               .timer = {.kind = TimerKind::time_wait, .retransmits = 0, .expires_ms = left_ms}});
  }
}

TEST(ephemeral_port_exhaustion, shows_and_explains_the_time_wait) {
  Scene scene;
  add_time_wait(scene, 20, 30000, "10.0.0.9");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 80));
  ASSERT_EQ(scene.found().size(), 1U);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "time-wait-pileup");
}

TEST(ephemeral_port_exhaustion, shows_open_connections_with_their_program) {
  Scene scene;
  scene.process(41, "crawler");
  scene.sysctl("net.ipv4.ip_local_port_range", "40000 40019");
  for (unsigned i = 0; i < 17; ++i)
    scene.add({.local = at("10.0.0.1", 40000 + i), .remote = at("10.0.0.9", 80)});
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice) << "85 % is a warning shot, not the end";
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(ephemeral_port_exhaustion, reserved_ports_are_not_available) {
  Scene scene;
  scene.sysctl("net.ipv4.ip_local_reserved_ports", "39990-40004,40019,50000");  // 6 of the range
  add_time_wait(scene, 14, 30000, "10.0.0.9");
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(ephemeral_port_exhaustion, silent_on_time_wait_over_many_destinations) {
  Scene scene;
  for (unsigned host = 2; host < 100; ++host)
    add_time_wait(scene, 9, 30000, fmt::format("10.0.0.{}", host));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(ephemeral_port_exhaustion, silent_on_reusable_time_wait) {
  Scene loopback;
  add_time_wait(loopback, 20, 30000, "127.0.0.1", "127.0.0.1");  // tcp_tw_reuse 2
  EXPECT_EQ(loopback.find(kFault), nullptr);
  Scene reuse;
  reuse.sysctl("net.ipv4.tcp_tw_reuse", "1");
  add_time_wait(reuse, 20, 30000, "10.0.0.9");
  EXPECT_EQ(reuse.find(kFault), nullptr);
  Scene no_timestamps;
  no_timestamps.sysctl("net.ipv4.tcp_tw_reuse", "1");
  no_timestamps.sysctl("net.ipv4.tcp_timestamps", "0");
  add_time_wait(no_timestamps, 20, 30000, "10.0.0.9");
  EXPECT_NE(no_timestamps.find(kFault), nullptr);
}

TEST(ephemeral_port_exhaustion, silent_on_the_serving_side) {
  Scene scene;
  scene.process(41, "shop");
  scene.sysctl("net.ipv4.ip_local_port_range", "40000 40019");
  scene.listen(at("0.0.0.0", 40001), 0, 128);
  for (unsigned i = 0; i < 5000; ++i) {
    scene.add({.state = time_wait,
               .local = at("10.0.0.1", 40001),
               .remote = at("10.0.0.9", 1024 + i),
               .owned = false});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(ephemeral_port_exhaustion, silent_on_a_range_that_is_reserved_as_a_whole) {
  Scene scene;
  scene.process(41, "client");
  scene.sysctl("net.ipv4.ip_local_reserved_ports", "32768-60999");
  scene.add({.state = tcp::State::time_wait,
             .local = at("10.0.0.1", 40000),
             .remote = at("10.0.0.9", 80),
             .owned = false,
             .timer = {.kind = TimerKind::time_wait, .retransmits = 0, .expires_ms = 59'000}});
  EXPECT_TRUE(scene.findings().empty());
}

}  // namespace
}  // namespace tcpdx::faults
