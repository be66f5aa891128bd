#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "syn-flood";

// Half-open connections from `nets` networks, `repeats` SYN-ACK repeats each.
void add_half_open(Scene& scene, unsigned count, unsigned nets, uint8_t repeats) {
  for (unsigned i = 0; i < count; ++i) {
    const std::string source = fmt::format("10.77.{}.{}", i % nets, 1 + i / nets);
    scene.add(
        {.state = syn_received,
         .local = at("10.0.0.1", 80),
         .remote = at(source, 4000 + i),
         .owned = false,
         .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 900}});
  }
}

TEST(syn_flood, shows_with_cookies_as_a_notice) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  add_half_open(scene, 129, 100, 2);
  scene.count("TcpExt.SyncookiesSent", 0, 471);
  scene.count("TcpExt.SyncookiesRecv", 0, 2);
  scene.count("Tcp.PassiveOpens", 0, 5);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
}

TEST(syn_flood, shows_without_cookies_as_critical) {
  Scene scene;
  scene.process(41, "shop");
  scene.sysctl("net.ipv4.tcp_syncookies", "0");
  scene.listen(at("0.0.0.0", 80), 0, 128, 0, 471);
  add_half_open(scene, 129, 100, 2);
  scene.count("TcpExt.TCPReqQFullDrop", 0, 471);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
}

TEST(syn_flood, silent_on_honest_load_that_completes) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  add_half_open(scene, 129, 100, 0);
  scene.count("TcpExt.SyncookiesSent", 0, 400);
  scene.count("TcpExt.SyncookiesRecv", 0, 380);
  scene.count("Tcp.PassiveOpens", 0, 4000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(syn_flood, silent_on_one_path_that_loses_the_syn_acks) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  add_half_open(scene, 129, 1, 3);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(syn_flood, silent_on_deferred_accepts) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 32);
  add_half_open(scene, 33, 33, 0);
  scene.count("TcpExt.TCPDeferAcceptDrop", 0, 33);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(syn_flood, silent_when_the_accept_queue_is_what_is_full) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 33, 32, 0, 50);
  add_half_open(scene, 33, 33, 2);
  EXPECT_EQ(scene.find(kFault), nullptr);
  EXPECT_NE(scene.find("accept-queue-overflow"), nullptr);
}

TEST(syn_flood, silent_on_half_open_connections_spread_over_the_queues_of_a_group) {
  Scene scene;
  for (unsigned worker = 0; worker < 8; ++worker) {
    scene.process(41 + worker, "shop");
    scene.listen(at("0.0.0.0", 80), 0, 128);
  }
  add_half_open(scene, 160, 100, 2);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
