#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "backlog-clamped";

// A queue that is full now and then, refuses 2 % for 30 s, and drains in between.
void overflow(Scene& scene, uint32_t limit) {
  scene.listen(at("0.0.0.0", 80), limit, limit, 0, 60, {limit + 1, 1, limit + 1, 2});
  scene.count("TcpExt.ListenOverflows", 0, 60);
  scene.count("Tcp.PassiveOpens", 0, 2940);
}

TEST(backlog_clamped, shows_the_setting_that_cut_an_overflowing_queue) {
  Scene scene(30s);
  scene.sysctl("net.core.somaxconn", "32");
  scene.process(41, "shop");
  overflow(scene, 32);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);  // of what it explains
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "accept-queue-overflow");
}

TEST(backlog_clamped, shows_a_library_default_beside_the_overflow) {
  Scene scene(30s);
  scene.process(41, "shop");
  overflow(scene, 128);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_TRUE(f->explains.empty());
  EXPECT_NE(scene.find("accept-queue-overflow"), nullptr);
}

TEST(backlog_clamped, shows_a_very_short_queue_on_a_busy_port_as_information) {
  Scene scene(10s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 8);
  scene.count("Tcp.PassiveOpens", 0, 600);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
}

TEST(backlog_clamped, silent_on_a_clamp_without_overflow) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 3, 4096);
  scene.count("Tcp.PassiveOpens", 0, 30'000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(backlog_clamped, silent_when_the_program_hangs) {
  Scene scene(30s);
  scene.sysctl("net.core.somaxconn", "32");
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 33, 32, 0, 60);
  scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 5001), .owned = false});
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(backlog_clamped, silent_on_a_short_queue_of_a_quiet_port) {
  Scene scene(10s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 8);
  scene.count("Tcp.PassiveOpens", 0, 100);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(backlog_clamped, silent_on_a_short_queue_when_other_ports_may_have_the_connections) {
  Scene scene(10s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 8);
  scene.listen(at("0.0.0.0", 81), 0, 4096);
  scene.count("Tcp.PassiveOpens", 0, 6000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
