#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "port-scan-inbound";

// A segment to each of `count` ports from `first` on, which met no socket.
void add_resets(Scene& scene, unsigned count, std::string_view source, unsigned first = 20,
                Duration every = 100ms, const std::string& reason = "NO_SOCKET") {
  for (unsigned i = 0; i < count; ++i) {
    scene.event({.at = every * i,
                 .kind = EventKind::reset_sent,
                 .local = at("10.0.0.1", first + i),
                 .remote = at(source, 50000 + i)},
                reason);
  }
}

TEST(port_scan_inbound, shows_resets_of_many_closed_ports) {
  Scene scene;
  add_resets(scene, 20, "10.9.0.66");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.remote, at("10.9.0.66", 0));
}

TEST(port_scan_inbound, shows_a_source_on_the_internet_as_information) {
  Scene scene;
  add_resets(scene, 20, "198.51.100.7");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
}

TEST(port_scan_inbound, shows_it_on_kernels_that_give_no_reasons) {
  Scene scene;
  add_resets(scene, 20, "10.9.0.66", 20, 100ms, "");
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_on_one_wrong_port) {
  Scene scene;
  for (unsigned i = 0; i < 40; ++i) add_resets(scene, 1, "10.9.0.66", 81);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_on_noise_of_a_few_ports_per_source) {
  Scene scene;
  for (unsigned i = 0; i < 20; ++i) add_resets(scene, 3, fmt::format("198.51.100.{}", i));
  std::ranges::sort(scene.observation().events.events, {}, &TcpEvent::at);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_when_the_ports_are_tried_over_a_long_time) {
  Scene scene(300s);
  add_resets(scene, 20, "10.9.0.66", 20, 10s);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_on_a_server_that_sends_to_closed_connections) {
  Scene scene;
  for (unsigned i = 0; i < 40; ++i) {
    scene.event({.at = 100ms * i,
                 .kind = EventKind::reset_sent,
                 .local = at("10.0.0.1", 40000 + i),
                 .remote = at("10.0.0.9", 443)},
                "NO_SOCKET");
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_on_resets_of_connections) {
  Scene scene;
  add_resets(scene, 20, "10.9.0.66", 20, 100ms, "TCP_ABORT_ON_CLOSE");
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(port_scan_inbound, silent_on_a_client_that_mostly_succeeds) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  add_resets(scene, 16, "10.9.0.66");
  for (unsigned i = 0; i < 16; ++i) {
    scene.add({.local = at("10.0.0.1", 80), .remote = at("10.9.0.66", 30000 + i), .fresh = true});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
