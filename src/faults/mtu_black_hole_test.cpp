// The live side; captures are in capture_faults_test.cpp.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

struct Stuck {
  unsigned number = 0;
  uint32_t heard_ms = 500;  // since the last text; the timer has run for 1.4 s
  uint32_t send_q = 20'000;
  uint32_t mss = 1448;
};

// The timer began with 200 ms and has doubled three times.
void hangs(Scene& scene, const Stuck& stuck) {
  TcpInfo info;
  info.backoff = 3;
  info.retransmits = 3;
  info.rto_us = 1'600'000;
  info.snd_mss = stuck.mss;
  info.options = 1;  // TCPI_OPT_TIMESTAMPS
  info.unacked = 10;
  info.bytes_acked = 300;
  info.last_ack_recv_ms = 20'000;
  info.last_data_recv_ms = stuck.heard_ms;
  scene.add({.state = established,
             .local = at("10.0.0.1", 40000 + stuck.number),
             .remote = at("10.0.1.2", 443),
             .send_q = stuck.send_q,
             .timer = {.kind = TimerKind::retransmit, .retransmits = 3, .expires_ms = 900},
             .info = info,
             .info_then = info});
}

void answers(Scene& scene) {
  TcpInfo info;
  info.last_ack_recv_ms = 100;
  scene.add({.state = established,
             .local = at("10.0.0.1", 50000),
             .remote = at("10.0.1.2", 443),
             .info = info,
             .info_then = info});
}

TEST(mtu_black_hole, shows_two_flows_that_hang_on_full_segments) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1});
  hangs(scene, {.number = 2});
  const Finding* f = scene.find("mtu-black-hole");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_TRUE(f->gains_from_probing);
  EXPECT_EQ(f->subject.pid, 7U);
}

TEST(mtu_black_hole, shows_a_single_flow_once_the_network_was_asked) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.heard_ms = 20'000});
  scene.asks("10.0.1.2").sizes = {
      .largest = 1400, .told_mtu = {}, .told_by = {}, .large_vanish = true};
  const Finding* f = scene.find("mtu-black-hole");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(mtu_black_hole, shows_no_more_than_a_suspicion_for_one_flow) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {});
  const Finding* f = scene.find("mtu-black-hole");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(mtu_black_hole, silent_on_a_host_that_is_gone) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1, .heard_ms = 20'000});
  hangs(scene, {.number = 2, .heard_ms = 20'000});
  EXPECT_EQ(scene.find("mtu-black-hole"), nullptr);
}

// Small segments vanish as well: the host, or a box between, forgot these connections.
TEST(mtu_black_hole, silent_where_small_segments_hang_too) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1, .heard_ms = 20'000});
  hangs(scene, {.number = 2, .heard_ms = 20'000, .send_q = 100});
  answers(scene);
  EXPECT_EQ(scene.find("mtu-black-hole"), nullptr);
}

TEST(mtu_black_hole, silent_where_packets_of_that_size_come_back) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1});
  hangs(scene, {.number = 2});
  scene.asks("10.0.1.2").sizes = {
      .largest = 1500, .told_mtu = {}, .told_by = {}, .large_vanish = false};
  EXPECT_EQ(scene.find("mtu-black-hole"), nullptr);
}

TEST(mtu_black_hole, silent_where_a_router_tells_the_mtu) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1});
  hangs(scene, {.number = 2});
  scene.asks("10.0.1.2").sizes = {.largest = 1400,
                                  .told_mtu = 1400,
                                  .told_by = at("10.0.0.254", 0).addr,
                                  .large_vanish = false};
  EXPECT_EQ(scene.find("mtu-black-hole"), nullptr);
}

// The MSS was clamped: what vanishes is larger than anything that TCP sends.
TEST(mtu_black_hole, silent_where_tcp_sends_less_than_what_vanishes) {
  Scene scene;
  scene.process(7, "uploader");
  hangs(scene, {.number = 1, .mss = 1300});
  hangs(scene, {.number = 2, .mss = 1300});
  scene.asks("10.0.1.2").sizes = {
      .largest = 1400, .told_mtu = {}, .told_by = {}, .large_vanish = true};
  EXPECT_EQ(scene.find("mtu-black-hole"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
