// As a live look shows it; captures are in capture_faults_test.cpp.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "reset-peer-lost-state";

// Quiet for 20 s at the first look, gone at the last.
Scene::Row pooled(unsigned port, uint32_t quiet_ms = 20'000) {
  Scene::Row row{.local = at("10.0.0.1", 40000 + port), .remote = at("192.0.2.7", port)};
  row.info_then.last_data_sent_ms = quiet_ms;
  row.info_then.last_data_recv_ms = quiet_ms;
  row.info_then.last_ack_recv_ms = quiet_ms;
  return row;
}

void reset(Scene& scene, tcp::State state = tcp::State::established) {
  const Socket& s = scene.observation().looks.front().sockets.back();
  scene.event({.kind = EventKind::reset_received,
               .from = state,
               .to = state,
               .local = s.local,
               .remote = s.remote,
               .cookie = s.cookie});
}

void add_reset(Scene& scene, const Scene::Row& row) {
  scene.add_gone(row);
  reset(scene);
}

TEST(reset_peer_lost_state, shows_a_host_that_resets_idle_connections_of_two_services) {
  Scene scene;
  scene.process(41, "pool");
  for (const unsigned port : {5432U, 5432U, 6379U}) add_reset(scene, pooled(port));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.remote->addr, parse_address("192.0.2.7").value());
}

TEST(reset_peer_lost_state, shows_one_service_as_a_suspicion) {
  Scene scene;
  scene.process(41, "pool");
  for (int i = 0; i < 4; ++i) add_reset(scene, pooled(5432));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected) << "a program that aborts looks the same";
}

TEST(reset_peer_lost_state, shows_it_without_events_when_resets_account_for_all_that_are_gone) {
  Scene scene;
  scene.process(41, "pool");
  for (int i = 0; i < 4; ++i) scene.add_gone(pooled(5432));
  scene.count("Tcp.EstabResets", 10, 15);
  scene.count("TcpExt.TCPAbortOnData", 0, 1);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(reset_peer_lost_state, silent_on_two_and_on_resets_behind_a_fin) {
  Scene two;
  two.process(41, "pool");
  for (int i = 0; i < 2; ++i) add_reset(two, pooled(5432));
  EXPECT_EQ(two.find(kFault), nullptr);
  Scene fin;
  fin.process(41, "pool");
  for (int i = 0; i < 4; ++i) {
    fin.add_gone(pooled(5432));
    reset(fin, tcp::State::close_wait);
  }
  EXPECT_EQ(fin.find(kFault), nullptr);
}

TEST(reset_peer_lost_state, silent_on_connections_in_use) {
  Scene scene;
  scene.process(41, "worker");
  for (int i = 0; i < 4; ++i) add_reset(scene, pooled(5432, 800));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(reset_peer_lost_state, silent_on_connections_that_this_machine_closed_or_aborted) {
  Scene closed;
  closed.process(41, "pool");
  closed.watch();
  for (int i = 0; i < 4; ++i) closed.add_gone(pooled(5432));
  EXPECT_EQ(closed.find(kFault), nullptr);
  Scene aborted;
  aborted.process(41, "pool");
  for (int i = 0; i < 4; ++i) aborted.add_gone(pooled(5432));
  aborted.count("Tcp.EstabResets", 0, 4);
  aborted.count("TcpExt.TCPAbortOnData", 0, 4);
  EXPECT_EQ(aborted.find(kFault), nullptr);
}

TEST(reset_peer_lost_state, silent_on_three_in_three_minutes) {
  Scene scene(3min);
  scene.process(41, "pool");
  for (int i = 0; i < 3; ++i) {
    add_reset(scene, pooled(5432));
    scene.observation().events.events.back().at = i * 80s;
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
