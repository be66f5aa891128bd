#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

struct Flow {
  uint32_t rtt_ms = 540;
  uint32_t least_ms = 20;
  uint32_t rtt_then_ms = 540;
  uint32_t quiet_ms = 50;
  std::string_view to = "192.0.2.7";
};

TcpInfo info_of(uint32_t rtt_ms, const Flow& flow) {
  TcpInfo info;
  info.rtt_us = rtt_ms * 1000;
  info.min_rtt_us = flow.least_ms * 1000;
  info.last_ack_recv_ms = flow.quiet_ms;
  info.last_data_sent_ms = flow.quiet_ms;
  return info;
}

void flows(Scene& scene, unsigned count, const Flow& flow) {
  scene.process(7, "backup");
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.state = tcp::State::established,
               .local = at("10.0.0.1", 40000 + i),
               .remote = at(flow.to, 443),
               .info = info_of(flow.rtt_ms, flow),
               .info_then = info_of(flow.rtt_then_ms, flow)});
  }
}

TEST(bufferbloat_rtt_inflation, shows_three_flows_behind_a_full_queue) {
  Scene scene;
  flows(scene, 3, {});
  const Finding* f = scene.find("bufferbloat-rtt-inflation");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("192.0.2.7", 443));
}

TEST(bufferbloat_rtt_inflation, shows_one_flow_over_half_a_minute) {
  Scene scene(30s);
  flows(scene, 1, {});
  EXPECT_NE(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, shows_it_surely_where_echoes_are_late_too) {
  Scene scene;
  flows(scene, 3, {});
  scene.asks("192.0.2.7").rtts = {500ms, 520ms, 560ms};
  const Finding* f = scene.find("bufferbloat-rtt-inflation");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(bufferbloat_rtt_inflation, silent_where_echoes_are_quick) {
  Scene scene;
  flows(scene, 3, {});
  scene.asks("192.0.2.7").rtts = {20ms, 21ms, 25ms};
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, silent_on_a_long_path) {
  Scene scene;
  flows(scene, 3, {.rtt_ms = 560, .least_ms = 540, .rtt_then_ms = 550});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, silent_on_a_short_path_that_is_five_times_as_long) {
  Scene scene;
  flows(scene, 3, {.rtt_ms = 10, .least_ms = 1, .rtt_then_ms = 10});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, silent_on_a_moment) {
  Scene scene;
  flows(scene, 3, {.rtt_then_ms = 25});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, silent_on_two_flows_for_a_moment) {
  Scene scene;
  flows(scene, 2, {});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

// The round-trip time is that of when they last sent.
TEST(bufferbloat_rtt_inflation, silent_on_flows_that_are_idle) {
  Scene scene;
  flows(scene, 3, {.quiet_ms = 5000});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

TEST(bufferbloat_rtt_inflation, silent_where_the_loopback_is_slow_as_well) {
  Scene scene;
  flows(scene, 3, {});
  flows(scene, 1, {.rtt_ms = 300, .least_ms = 1, .rtt_then_ms = 300, .to = "127.0.0.1"});
  EXPECT_EQ(scene.find("bufferbloat-rtt-inflation"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
