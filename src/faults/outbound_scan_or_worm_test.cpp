#include <gtest/gtest.h>

#include <cerrno>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "outbound-scan-or-worm";

void add_failed(Scene& scene, const SocketAddress& to, Duration when, int error = ECONNREFUSED) {
  scene.event({.at = when,
               .kind = EventKind::connect,
               .error = error,
               .local = at("10.0.0.1", 40000),
               .remote = to});
}

void add_port_scan(Scene& scene, unsigned ports, std::string_view host = "10.0.0.9",
                   Duration every = 50ms) {
  for (unsigned i = 0; i < ports; ++i) add_failed(scene, at(host, 1 + i), every * i);
}

void add_unanswered(Scene& scene, unsigned count, uint8_t repeats) {
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.state = syn_sent,
               .local = at("10.0.0.1", 41000 + i),
               .remote = at(fmt::format("10.3.{}.{}", i / 200, 1 + i % 200), 445),
               .fresh = true,
               .timer = {.kind = TimerKind::retransmit, .retransmits = repeats}});
  }
}

TEST(outbound_scan_or_worm, shows_many_ports_of_one_address) {
  Scene scene;
  scene.process(41, "scanner").exe = "/usr/bin/scanner";
  add_port_scan(scene, 60);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(outbound_scan_or_worm, shows_one_port_of_many_addresses_without_events) {
  Scene scene;
  scene.process(41, "worm").exe = "/usr/bin/worm";
  add_unanswered(scene, 40, 2);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(outbound_scan_or_worm, shows_a_deleted_program_as_critical) {
  Scene scene;
  scene.process(41, "kworker").exe = "/tmp/.x/kworker (deleted)";
  add_port_scan(scene, 60);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
}

TEST(outbound_scan_or_worm, shows_what_it_meets_as_its_consequence) {
  Scene scene;
  scene.process(41, "scanner");
  add_port_scan(scene, 60);
  for (unsigned i = 0; i < 20; ++i) {
    scene.event({.at = 3s + 10ms * i,
                 .kind = EventKind::reset_sent,
                 .local = at("10.0.0.9", 1 + i),
                 .remote = at("10.0.0.1", 40000)},
                "NO_SOCKET");
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "port-scan-inbound");
}

TEST(outbound_scan_or_worm, shows_only_a_suspicion_while_successes_cannot_be_placed) {
  Scene scene;
  scene.process(41, "crawler");
  add_port_scan(scene, 60);
  scene.observation().events.counted[static_cast<size_t>(EventKind::connect)] += 1000;
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(outbound_scan_or_worm, silent_on_a_crawler_that_mostly_succeeds) {
  Scene scene;
  scene.process(41, "crawler");
  add_port_scan(scene, 60);
  for (unsigned i = 0; i < 60; ++i) scene.connects(at(fmt::format("10.4.0.{}", i), 80), 1);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_one_dead_destination) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 60; ++i) add_failed(scene, at("10.0.0.9", 9000), 50ms * i);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_targets_that_have_nothing_in_common) {
  Scene scene;
  scene.process(41, "torrent");
  for (unsigned i = 0; i < 60; ++i) {
    add_failed(scene, at(fmt::format("10.5.{}.{}", i, i + 1), 10000 + 37 * i), 50ms * i, ETIMEDOUT);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_a_mesh_whose_known_targets_fail) {
  Scene scene;
  scene.process(41, "envoy");
  for (unsigned i = 0; i < 40; ++i) {
    scene.add_gone(
        {.local = at("10.0.0.1", 42000 + i), .remote = at(fmt::format("10.6.0.{}", i + 1), 8080)});
    add_failed(scene, at(fmt::format("10.6.0.{}", i + 1), 8080), 50ms * i);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_places_that_are_tried_again_and_again) {
  Scene scene;
  scene.process(41, "envoy");
  for (unsigned i = 0; i < 200; ++i) {
    add_failed(scene, at(fmt::format("10.6.0.{}", i % 40 + 1), 8080), 20ms * i);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_syns_that_may_still_be_answered) {
  Scene scene;
  scene.process(41, "crawler");
  add_unanswered(scene, 60, 0);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(outbound_scan_or_worm, silent_on_few_places_within_a_minute) {
  Scene scene(300s);
  scene.process(41, "monitor");
  add_port_scan(scene, 60, "10.0.0.9", 5s);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
