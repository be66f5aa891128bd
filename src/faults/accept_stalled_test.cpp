#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "accept-stalled";

Scene::Row waiting(unsigned port, tcp::State state = established) {
  return {.state = state,
          .local = at("10.0.0.1", 80),
          .remote = at("10.0.0.9", port),
          .owned = false,
          .recv_q = 40};
}

TEST(accept_stalled, shows_connections_that_nobody_accepts) {
  Scene scene(12s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 2, 128);
  scene.add(waiting(5001));
  scene.add(waiting(5002, close_wait));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
}

TEST(accept_stalled, one_look_knows_the_age_from_the_last_ack) {
  Scene scene(0s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 1, 128);
  Scene::Row row = waiting(5001);
  row.info.last_ack_recv_ms = 4000;
  scene.add(row);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(accept_stalled, without_a_visible_owner_it_is_less_sure) {
  Scene scene;
  scene.listen(at("0.0.0.0", 80), 1, 128);
  scene.add(waiting(5001));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_FALSE(f->subject.pid);
}

TEST(accept_stalled, silent_on_a_queue_that_drains) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 1, 128);
  Scene::Row row = waiting(5001);
  row.fresh = true;
  row.info.last_ack_recv_ms = 200;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_stalled, silent_when_the_program_has_the_descriptors) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  Scene::Row row = waiting(5001, close_wait);
  row.owned = true;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_stalled, names_the_stopped_service_and_not_the_manager_that_opened_its_socket) {
  Scene scene;
  scene.process(1, "systemd");
  scene.process(41, "service").state = 'T';
  scene.listen(at("0.0.0.0", 80), 1, 128);
  scene.also_owned_by(0);
  scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 5000), .owned = false});
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(accept_stalled, names_the_stuck_worker_of_a_group_and_not_the_busiest) {
  Scene scene;
  scene.process(41, "stuck");
  scene.listen(at("0.0.0.0", 80), 2, 128);
  scene.process(42, "busy");
  scene.listen(at("0.0.0.0", 80), 0, 128, 0, 0, {9});
  for (unsigned i = 0; i < 2; ++i) {
    scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 5000 + i), .owned = false});
  }
  const Finding* f = scene.find("reuseport-stuck-worker");  // which explains it
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, kFault);
  EXPECT_EQ(f->explains.front().subject.pid, 41U);
}

}  // namespace
}  // namespace tcpdx::faults
