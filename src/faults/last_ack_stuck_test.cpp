#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "last-ack-stuck";

void add_rows(Scene& scene, unsigned count, uint8_t repeats) {
  for (unsigned i = 0; i < count; ++i) {
    Scene::Row row{
        .state = last_ack,
        .local = at("10.0.0.1", 80),
        .remote = at("10.0.0.9", 40000 + i),
        .owned = false,
        .send_q = 1,
        .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 1000}};
    row.info.backoff = repeats;
    row.info.rto_us = 200'000U << repeats;
    scene.add(row);
  }
}

TEST(last_ack_stuck, shows_peers_that_vanished) {
  Scene scene;
  add_rows(scene, 25, 4);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::info);
  EXPECT_EQ(f->subject.local, at("10.0.0.1", 80));
}

TEST(last_ack_stuck, silent_on_few_and_on_passage) {
  Scene few;
  add_rows(few, 19, 4);
  EXPECT_EQ(few.find(kFault), nullptr);
  Scene passage;
  add_rows(passage, 300, 1);
  EXPECT_EQ(passage.find(kFault), nullptr);
}

TEST(last_ack_stuck, silent_below_a_twentieth_of_the_closes) {
  Scene scene;
  add_rows(scene, 25, 4);
  scene.count("TcpExt.TW", 0, 1000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

// Closes by the peer first enter no TIME-WAIT here; only the balance of the counters tells them.
TEST(last_ack_stuck, silent_below_a_twentieth_of_the_closes_by_peers) {
  Scene scene;
  add_rows(scene, 25, 4);
  scene.count("Tcp.PassiveOpens", 500, 1500);
  scene.count("Tcp.CurrEstab", 40, 40);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
