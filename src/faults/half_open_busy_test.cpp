#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "half-open-busy";

// Fifteen seconds after the peer vanished, base RTO 200 ms (measured: backoff 6, silent 15 s).
Scene::Row void_row() {
  Scene::Row row{.local = at("10.0.0.1", 40000),
                 .remote = at("10.0.0.9", 5432),
                 .send_q = 300,
                 .timer = {.kind = TimerKind::retransmit, .retransmits = 6, .expires_ms = 9000}};
  row.info.backoff = 6;
  row.info.rto_us = 200'000 << 6;
  row.info.unacked = 1;
  row.info.last_ack_recv_ms = 15'000;
  row.info.bytes_acked = 1000;
  row.info_then = row.info;
  return row;
}

TEST(half_open_busy, shows_data_repeated_into_the_void) {
  Scene scene;
  scene.process(41, "worker");
  scene.add(void_row());
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.remote, at("10.0.0.9", 5432));
}

TEST(half_open_busy, shows_one_vanished_client_of_many_as_a_notice) {
  Scene scene;
  scene.process(41, "server");
  scene.listen(at("0.0.0.0", 40000), 0, 128);
  scene.add(void_row());
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.find(kFault)->severity, Severity::warning) << "its only client";
  for (unsigned i = 0; i < 30; ++i) {
    scene.add({.local = at("10.0.0.1", 40000), .remote = at("10.0.0.8", 6000 + i)});
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(half_open_busy, silent_on_loss_with_acknowledgments) {
  Scene scene;
  scene.process(41, "worker");
  Scene::Row row = void_row();
  row.info.last_ack_recv_ms = 300;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(half_open_busy, silent_on_progress_and_on_few_repeats) {
  Scene progress;
  progress.process(41, "worker");
  Scene::Row row = void_row();
  row.info_then.bytes_acked = 500;
  progress.add(row);
  EXPECT_EQ(progress.find(kFault), nullptr);
  Scene roaming;
  roaming.process(41, "worker");
  row = void_row();
  row.info.backoff = 4;
  roaming.add(row);
  EXPECT_EQ(roaming.find(kFault), nullptr);
}

TEST(half_open_busy, silent_on_a_zero_window) {
  Scene scene;
  scene.process(41, "worker");
  Scene::Row row = void_row();
  row.timer.kind = TimerKind::persist;
  row.info.last_ack_recv_ms = 15'000;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(half_open_busy, many_vanished_clients_of_one_server_are_one_finding) {
  Scene scene;
  scene.process(41, "push");
  for (unsigned i = 0; i < 40; ++i) {
    Scene::Row row{.local = at("10.0.0.1", 443),
                   .remote = at(fmt::format("192.0.2.{}", i + 1), 40000),
                   .send_q = 1000,
                   .timer = {.kind = TimerKind::retransmit, .retransmits = 6, .expires_ms = 900}};
    row.info.backoff = 6;
    row.info.rto_us = 200'000U << 6U;
    row.info.last_ack_recv_ms = 16'000;
    row.info_then = row.info;
    scene.add(row);
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  EXPECT_FALSE(f->subject.remote.has_value());
}

}  // namespace
}  // namespace tcpdx::faults
