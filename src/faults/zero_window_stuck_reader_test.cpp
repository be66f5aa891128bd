#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "zero-window-stuck-reader";

Scene::Row sender() {
  Scene::Row row{.local = at("10.0.0.1", 40000),
                 .remote = at("10.0.0.9", 9000),
                 .send_q = 382'272,
                 .timer = {.kind = TimerKind::persist, .retransmits = 0, .expires_ms = 3000}};
  row.info.backoff = 4;
  row.info.last_data_sent_ms = 12'000;
  row.info.last_ack_recv_ms = 800;
  row.info.notsent_bytes = 382'272;
  row.info_then = row.info;
  return row;
}

Scene::Row reader() {
  Scene::Row row{.local = at("10.0.0.9", 9000), .remote = at("10.0.0.1", 40000), .recv_q = 127'000};
  row.info.last_data_recv_ms = 12'000;
  row.info.bytes_received = 127'000;
  row.info_then = row.info;
  return row;
}

TEST(zero_window_stuck_reader, shows_a_remote_reader) {
  Scene scene;
  scene.process(41, "feeder");
  scene.add(sender());
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.remote, at("10.0.0.9", 9000));
}

TEST(zero_window_stuck_reader, names_the_reader_when_it_is_on_this_machine) {
  Scene scene;
  scene.process(41, "feeder");
  scene.add(sender());
  scene.process(42, "sleeper");
  scene.add(reader());
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.pid, 42U);
  EXPECT_EQ(scene.found().size(), 1U) << "one flow, one finding";
}

TEST(zero_window_stuck_reader, shows_a_local_reader_of_a_remote_sender) {
  Scene scene;
  scene.process(42, "sleeper");
  scene.add(reader());
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.pid, 42U);
}

TEST(zero_window_stuck_reader, silent_on_a_window_that_opens_again) {
  Scene scene;
  scene.process(41, "feeder");
  Scene::Row row = sender();
  row.info.last_data_sent_ms = 900;
  row.info.bytes_acked = 5000;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(zero_window_stuck_reader, silent_on_a_peer_that_does_not_answer_probes) {
  Scene scene;
  scene.process(41, "feeder");
  Scene::Row row = sender();
  row.info.last_data_sent_ms = 200'000;
  row.info.last_ack_recv_ms = 20'000;
  row.info.probes = 2;
  row.info_then = row.info;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(zero_window_stuck_reader, silent_on_a_reader_that_takes_a_little_at_a_time) {
  Scene scene;
  scene.process(41, "feeder");
  scene.add(sender());
  scene.process(42, "slow");
  scene.add(reader());
  scene.recv_q_then(190'000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(zero_window_stuck_reader, silent_on_a_connection_that_was_never_accepted) {
  Scene scene;
  scene.process(41, "feeder");
  scene.add(sender());
  Scene::Row row = reader();
  row.owned = false;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(zero_window_stuck_reader, does_not_blame_an_equal_connection_of_another_namespace) {
  Scene scene;
  const uint16_t blue = scene.add_namespace(4026532000, "blue");
  const uint16_t red = scene.add_namespace(4026532001, "red");
  scene.process(41, "feeder");
  for (const uint16_t netns : {blue, red}) {
    Scene::Row row = sender();
    row.netns = netns;
    scene.add(row);
  }
  scene.process(42, "innocent");
  Scene::Row other = reader();
  other.netns = scene.add_namespace(4026532002, "green");
  other.info.last_data_recv_ms = 10;
  scene.add(other);
  for (const Finding& f : scene.findings()) EXPECT_NE(f.subject.pid, 42U) << f.headline;
}

TEST(zero_window_stuck_reader, many_hosts_that_one_program_waits_for_are_one_finding) {
  Scene scene;
  scene.process(41, "feeder");
  for (unsigned i = 0; i < 40; ++i) {
    Scene::Row row = sender();
    row.remote = at(fmt::format("192.0.2.{}", i + 1), 40000);
    scene.add(row);
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  EXPECT_NE(f->headline.find("40 hosts"), std::string::npos) << f->headline;
}

}  // namespace
}  // namespace tcpdx::faults
