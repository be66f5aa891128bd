#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "receive-buffer-prune";

Scene::Row full_row() {
  Scene::Row row{.local = at("10.0.0.1", 9000), .remote = at("10.0.0.9", 40000), .recv_q = 900};
  row.info.mem_receive = 15'900;
  row.info.mem_receive_max = 16'384;
  row.info.drops = 300;
  row.info_then = row.info;
  row.info_then.drops = 0;
  return row;
}

void throws_away(Scene& scene, uint64_t thrown, uint64_t arrived) {
  scene.count("Tcp.InSegs", 0, arrived);
  // The kernel counts one segment twice: no room by pruning, and not queued.
  scene.count("TcpExt.RcvPruned", 0, thrown);
  scene.count("TcpExt.TCPRcvQDrop", 0, thrown);
}

TEST(receive_buffer_prune, shows_segments_thrown_away) {
  Scene scene(30s);
  scene.process(41, "reader");
  scene.add(full_row());
  throws_away(scene, 90, 10'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_NE(f->headline.find("90 of 10 000"), std::string::npos) << f->headline;
}

TEST(receive_buffer_prune, shows_a_short_look_as_a_suspicion_unless_events_say_why) {
  Scene scene;
  scene.process(41, "reader");
  scene.add(full_row());
  throws_away(scene, 90, 10'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  for (int i = 0; i < 10; ++i)
    scene.event({.kind = EventKind::drop, .local = {}, .remote = {}}, "PROTO_MEM");
  f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(receive_buffer_prune, says_less_when_no_full_buffer_was_met) {
  Scene scene(30s);
  scene.process(41, "reader");
  throws_away(scene, 90, 10'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_FALSE(f->subject.pid.has_value());
}

TEST(receive_buffer_prune, shows_squeezing_as_information) {
  Scene scene(30s);
  scene.process(41, "reader");
  scene.add(full_row());
  scene.count("Tcp.InSegs", 0, 100'000);
  scene.count("TcpExt.PruneCalled", 0, 60);
  scene.count("TcpExt.TCPRcvCollapsed", 0, 900);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
}

TEST(receive_buffer_prune, stands_under_a_reader_that_does_not_read) {
  Scene scene(30s);
  scene.process(41, "reader");
  Scene::Row row = full_row();
  row.info.last_data_recv_ms = 40'000;
  row.info_then = row.info;
  scene.add(row);
  throws_away(scene, 90, 10'000);
  const Finding* cause = scene.find("zero-window-stuck-reader");
  ASSERT_NE(cause, nullptr);
  ASSERT_EQ(cause->explains.size(), 1U);
  EXPECT_EQ(cause->explains[0].fault, kFault);
}

TEST(receive_buffer_prune, silent_on_an_incast_burst) {
  Scene scene(30s);
  scene.process(41, "reader");
  scene.add(full_row());
  scene.count("Tcp.InSegs", 0, 1'000'000);
  scene.count("TcpExt.PruneCalled", 0, 20);  // fewer than one a second
  EXPECT_EQ(scene.find(kFault), nullptr);
  throws_away(scene, 99, 1'000'000);  // below 0.01 %
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(receive_buffer_prune, silent_on_few_segments_and_on_an_orderly_zero_window) {
  Scene few(30s);
  throws_away(few, 20, 999);
  EXPECT_EQ(few.find(kFault), nullptr);
  Scene orderly(30s);
  orderly.count("Tcp.InSegs", 0, 10'000);
  orderly.count("TcpExt.TCPToZeroWindowAdv", 0, 500);
  orderly.count("TcpExt.TCPZeroWindowDrop", 0, 500);
  EXPECT_EQ(orderly.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
