// Not reproduced on a live machine: it takes a real flood, or queues that all its programs share.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "host-receive-drop";

void receive(Scene& scene, uint64_t taken, uint64_t dropped, uint64_t squeezed) {
  scene.observation().softnet = {
      {.processed = 1'000'000, .dropped = 5000, .squeezed = 70},
      {.processed = 1'000'000 + taken, .dropped = 5000 + dropped, .squeezed = 70 + squeezed}};
}

TEST(host_receive_drop, shows_packets_dropped_before_tcp) {
  Scene scene(30s);
  receive(scene, 1'000'000, 400, 10);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_NE(f->headline.find("0.04 %"), std::string::npos) << f->headline;
}

TEST(host_receive_drop, shows_a_short_look_as_a_suspicion_unless_events_say_why) {
  Scene scene;
  receive(scene, 1'000'000, 400, 10);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  scene.event({.kind = EventKind::drop, .local = {}, .remote = {}}, "CPU_BACKLOG");
  f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(host_receive_drop, silent_on_old_drops_and_on_squeezes) {
  Scene scene(30s);
  receive(scene, 1'000'000, 0, 500);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(host_receive_drop, silent_on_a_small_share_and_on_few_packets) {
  Scene share(30s);
  receive(share, 1'000'000, 99, 0);
  EXPECT_EQ(share.find(kFault), nullptr);
  Scene few(30s);
  receive(few, 9'000, 9, 0);
  EXPECT_EQ(few.find(kFault), nullptr);
}

TEST(host_receive_drop, silent_on_counts_that_went_down) {
  Scene scene(30s);
  scene.observation().softnet = {{.processed = 2'000'000, .dropped = 5000, .squeezed = 0},
                                 {.processed = 1'000'000, .dropped = 4000, .squeezed = 0}};
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
