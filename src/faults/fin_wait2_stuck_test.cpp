#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "fin-wait2-stuck";

Scene::Row half_closed(unsigned port, uint32_t age_ms) {
  Scene::Row row{
      .state = fin_wait_2, .local = at("10.0.0.1", port), .remote = at("10.0.0.9", 9502)};
  row.info.last_ack_recv_ms = age_ms;
  row.info_then = row.info;
  return row;
}

TEST(fin_wait2_stuck, shows_owned_ones_that_receive_nothing) {
  Scene scene;
  scene.process(41, "client");
  for (unsigned i = 0; i < 8; ++i) scene.add(half_closed(40000 + i, 300'000));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(fin_wait2_stuck, growth_makes_it_likely) {
  Scene scene;
  scene.process(41, "client");
  for (unsigned i = 0; i < 8; ++i) scene.add(half_closed(40000 + i, 300'000));
  Scene::Row row = half_closed(41000, 100);
  row.fresh = true;
  scene.add(row);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(fin_wait2_stuck, silent_on_orphans_and_on_receive_only_connections) {
  Scene scene;
  scene.process(41, "client");
  for (unsigned i = 0; i < 500; ++i) {
    scene.add({.state = fin_wait_2,
               .local = at("10.0.0.1", 30000 + i),
               .remote = at("10.0.0.9", 9502),
               .owned = false,
               .timer = {.kind = TimerKind::time_wait, .retransmits = 0, .expires_ms = 50'000}});
  }
  for (unsigned i = 0; i < 8; ++i) {
    Scene::Row row = half_closed(40000 + i, 300'000);
    row.info.bytes_received = 70'000;
    scene.add(row);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(fin_wait2_stuck, silent_below_twice_the_fin_timeout) {
  Scene scene;
  scene.process(41, "client");
  for (unsigned i = 0; i < 8; ++i) scene.add(half_closed(40000 + i, 100'000));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(fin_wait2_stuck, folded_under_the_leak_when_the_peer_is_on_this_machine) {
  Scene scene;
  scene.process(41, "client");
  for (unsigned i = 0; i < 110; ++i) scene.add(half_closed(40000 + i, 300'000));
  scene.process(42, "leaker");
  for (unsigned i = 0; i < 110; ++i) {
    Scene::Row row{
        .state = close_wait, .local = at("10.0.0.9", 9502), .remote = at("10.0.0.1", 40000 + i)};
    row.info.last_ack_recv_ms = 300'000;
    row.info_then = row.info;
    scene.add(row);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* f = scene.find("close-wait-leak");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->explains.front().fault, kFault);
}

}  // namespace
}  // namespace tcpdx::faults
