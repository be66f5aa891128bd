#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "half-open-idle";

Scene::Row idle_row(unsigned host, Duration quiet) {
  Scene::Row row{.local = at("10.0.0.1", 443),
                 .remote = at(fmt::format("192.0.2.{}", host + 1), 40000 + host)};
  row.info.last_data_sent_ms = static_cast<uint32_t>(milliseconds(quiet));
  row.info.last_data_recv_ms = row.info.last_data_sent_ms;
  row.info.last_ack_recv_ms = row.info.last_data_sent_ms;
  row.info_then = row.info;
  return row;
}

Scene::Row probed_row(unsigned host, uint8_t unanswered) {
  Scene::Row row = idle_row(host, 80s);
  row.timer = {.kind = TimerKind::keepalive, .retransmits = unanswered, .expires_ms = 900};
  return row;
}

void add_idle(Scene& scene, unsigned count, Duration quiet) {
  for (unsigned i = 0; i < count; ++i) scene.add(idle_row(i, quiet));
}

TEST(half_open_idle, shows_keep_alives_without_an_answer) {
  Scene scene;
  scene.process(41, "push");
  scene.add(probed_row(1, 2));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.remote, at("192.0.2.2", 40001));
}

TEST(half_open_idle, shows_many_that_hold_descriptors_as_a_warning) {
  Scene scene;
  scene.process(41, "push").fds = 100;
  for (unsigned i = 0; i < 40; ++i) scene.add(probed_row(i, 3));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U) << "one finding, not a page of them";
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_FALSE(f->subject.remote.has_value());
}

TEST(half_open_idle, shows_hours_of_silence_without_keep_alives_as_a_suspicion) {
  Scene scene;
  scene.process(41, "push").age = 72h;
  scene.listen(at("0.0.0.0", 443), 0, 128);
  add_idle(scene, 60, 3h);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 443));
  ASSERT_EQ(f->explains.size(), 1U) << "the missing keep-alives are the same matter";
  EXPECT_EQ(f->explains[0].fault, "keepalive-absent");
}

TEST(half_open_idle, stands_under_half_open_busy_to_the_same_host) {
  Scene scene;
  scene.process(41, "worker");
  scene.add(probed_row(1, 3));
  Scene::Row busy = idle_row(1, 80s);
  busy.remote.port = 5432;
  busy.send_q = 300;
  busy.timer = {.kind = TimerKind::retransmit, .retransmits = 6, .expires_ms = 900};
  busy.info.backoff = 6;
  busy.info.rto_us = 200'000U << 6U;
  busy.info_then = busy.info;
  scene.add(busy);
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* cause = scene.find("half-open-busy");
  ASSERT_NE(cause, nullptr);
  ASSERT_EQ(cause->explains.size(), 1U);
  EXPECT_EQ(cause->explains[0].fault, kFault);
}

TEST(half_open_idle, silent_on_one_lost_keep_alive) {
  Scene scene;
  scene.process(41, "push");
  scene.add(probed_row(1, 1));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(half_open_idle, silent_on_data_in_flight) {
  Scene scene;
  scene.process(41, "push");
  Scene::Row row = probed_row(1, 3);
  row.timer.kind = TimerKind::retransmit;
  row.send_q = 100;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(half_open_idle, silent_on_an_idle_pool_and_on_few) {
  Scene pool;
  pool.process(41, "app").age = 72h;
  add_idle(pool, 60, 5h);  // nobody listens on the port: these were opened here
  EXPECT_EQ(pool.find(kFault), nullptr);
  Scene shells;
  shells.process(41, "sshd").age = 72h;
  shells.listen(at("0.0.0.0", 443), 0, 128);
  add_idle(shells, 19, 5h);
  EXPECT_EQ(shells.find(kFault), nullptr);
  Scene share;
  share.process(41, "push").fds = 1000;
  share.observation().processes[0].age = 72h;
  share.listen(at("0.0.0.0", 443), 0, 128);
  add_idle(share, 60, 5h);
  EXPECT_EQ(share.find(kFault), nullptr) << "6 % of the descriptors";
}

TEST(half_open_idle, silent_on_hosts_that_speak_elsewhere) {
  Scene scene;
  scene.process(41, "database").age = 72h;
  scene.listen(at("0.0.0.0", 443), 0, 128);
  for (unsigned i = 0; i < 60; ++i) {
    Scene::Row row = idle_row(1, 5h);  // one client with a pool ...
    row.remote.port = static_cast<uint16_t>(50000 + i);
    scene.add(row);
  }
  scene.add(idle_row(1, 3s));  // ... of which one connection is in use
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(half_open_idle, silent_on_peers_on_this_machine_and_on_fields_that_count_from_boot) {
  Scene local;
  local.process(41, "push").age = 72h;
  local.listen(at("0.0.0.0", 443), 0, 128);
  for (unsigned i = 0; i < 60; ++i) {
    Scene::Row row = idle_row(1, 5h);
    row.remote = at("10.0.0.1", 50000 + i);
    local.add(row);
  }
  EXPECT_EQ(local.find(kFault), nullptr);
  Scene young;
  young.process(41, "push").age = 1h;
  young.listen(at("0.0.0.0", 443), 0, 128);
  add_idle(young, 60, 5h);
  EXPECT_EQ(young.find(kFault), nullptr) << "older than its program: the field means nothing";
}

}  // namespace
}  // namespace tcpdx::faults
