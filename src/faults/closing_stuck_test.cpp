#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "closing-stuck";

Scene::Row repeating(tcp::State state, uint8_t repeats) {
  Scene::Row row{
      .state = state,
      .local = at("10.0.0.1", 80),
      .remote = at("10.0.0.9", 40000),
      .owned = false,
      .send_q = 1,
      .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 1000}};
  row.info.backoff = repeats;
  row.info.rto_us = 200'000U << repeats;
  return row;
}

TEST(closing_stuck, shows_a_single_one_that_repeats_its_fin) {
  Scene scene;
  scene.add(repeating(closing, 4));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("10.0.0.9", 40000));
  EXPECT_EQ(f->headline,
            "1 connection to 10.0.0.9 stays in CLOSING, the oldest for at least 5.0 s");
}

TEST(closing_stuck, shows_it_confirmed_in_a_long_look) {
  Scene scene(30s);
  scene.add(repeating(closing, 7));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(closing_stuck, silent_on_passage) {
  Scene scene;
  for (int i = 0; i < 50; ++i) scene.add(repeating(closing, 2));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(closing_stuck, silent_on_other_states) {
  Scene scene;
  scene.add(repeating(fin_wait_1, 5));
  scene.add(repeating(last_ack, 5));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

// The same peer no longer answers data either: one cause.
TEST(closing_stuck, silent_beside_a_peer_into_the_void) {
  Scene scene(30s);
  scene.process(300, "client");
  Scene::Row row = repeating(established, 7);
  row.owned = true;
  row.info.last_ack_recv_ms = 60'000;
  scene.add(row);
  scene.add(repeating(closing, 5));
  EXPECT_EQ(scene.find(kFault), nullptr);
  ASSERT_EQ(scene.found().size(), 1U);
  EXPECT_EQ(scene.found()[0].fault, "half-open-busy");
  ASSERT_EQ(scene.found()[0].explains.size(), 1U);
}

}  // namespace
}  // namespace tcpdx::faults
