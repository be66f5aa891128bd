#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

void waits(Scene& scene, uint8_t repeats = 2) {
  scene.process(7, "client");
  scene.add({.state = tcp::State::syn_sent,
             .local = at("10.1.0.1", 40000),
             .remote = at("10.9.0.9", 443),
             .send_q = 1,
             .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 500}});
}

TEST(asymmetric_route_rpfilter, shows_a_suspicion_without_asking) {
  Scene scene;
  waits(scene);
  scene.count("TcpExt.IPReversePathFilter", 0, 4);
  const Finding* f = scene.find("asymmetric-route-rpfilter");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_EQ(f->subject.destination, at("10.9.0.9", 443));
}

TEST(asymmetric_route_rpfilter, shows_it_surely_where_answers_to_echoes_are_filtered) {
  Scene scene;
  waits(scene);
  scene.count("TcpExt.IPReversePathFilter", 0, 1);
  scene.asks("10.9.0.9").reverse_path_filtered = 8;
  const Finding* f = scene.find("asymmetric-route-rpfilter");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 7U);
}

// Somebody else's forged packets are filtered; the destination gives no answer that could be.
TEST(asymmetric_route_rpfilter, silent_where_asking_brought_nothing) {
  Scene scene;
  waits(scene);
  scene.count("TcpExt.IPReversePathFilter", 0, 40);
  scene.asks("10.9.0.9").reverse_path_filtered = 1;
  EXPECT_EQ(scene.find("asymmetric-route-rpfilter"), nullptr);
}

TEST(asymmetric_route_rpfilter, silent_where_echoes_come_back) {
  Scene scene;
  waits(scene);
  scene.count("TcpExt.IPReversePathFilter", 0, 40);
  ProbedHost& host = scene.asks("10.9.0.9");
  host.rtts = {10ms};
  host.reverse_path_filtered = 30;
  EXPECT_EQ(scene.find("asymmetric-route-rpfilter"), nullptr);
}

TEST(asymmetric_route_rpfilter, silent_where_nothing_waits) {
  Scene scene;
  scene.count("TcpExt.IPReversePathFilter", 0, 400);
  EXPECT_EQ(scene.find("asymmetric-route-rpfilter"), nullptr);
}

TEST(asymmetric_route_rpfilter, silent_on_a_first_syn) {
  Scene scene;
  waits(scene, 0);
  scene.count("TcpExt.IPReversePathFilter", 0, 400);
  EXPECT_EQ(scene.find("asymmetric-route-rpfilter"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
