#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "synack-lost";

void add_server(Scene& scene, uint32_t queued = 0) {
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), queued, 128);
}

// Half-open connections that came within the window, with so many SYN-ACK repeats.
void add_half_open(Scene& scene, unsigned count, uint8_t repeats, std::string_view net = "10.7.0") {
  for (unsigned i = 0; i < count; ++i) {
    scene.add(
        {.state = syn_received,
         .local = at("10.0.0.1", 80),
         .remote = at(fmt::format("{}.{}", net, 1 + i % 200), 4000 + i),
         .owned = false,
         .fresh = true,
         .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 900}});
  }
}

void add_completed(Scene& scene, unsigned count, uint32_t repeats, std::string_view net) {
  TcpInfo info;
  info.total_retrans = repeats;
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.local = at("10.0.0.1", 80),
               .remote = at(fmt::format("{}.9", net), 20000 + i + 1000 * repeats),
               .fresh = true,
               .info = info});
  }
}

TEST(synack_lost, shows_clients_that_call_again_although_they_were_answered) {
  Scene scene;
  add_server(scene);
  add_half_open(scene, 4, 5);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
}

TEST(synack_lost, shows_a_client_on_this_machine_for_certain) {
  Scene scene;
  add_server(scene);
  scene.process(42, "caller");
  for (unsigned i = 0; i < 3; ++i) {
    scene.add({.state = syn_received,
               .local = at("10.0.0.1", 80),
               .remote = at("10.0.0.2", 4000 + i),
               .owned = false,
               .timer = {.kind = TimerKind::retransmit, .retransmits = 2, .expires_ms = 900}});
    scene.add({.state = syn_sent,
               .local = at("10.0.0.2", 4000 + i),
               .remote = at("10.0.0.1", 80),
               .timer = {.kind = TimerKind::retransmit, .retransmits = 2, .expires_ms = 900}});
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(scene.find("connect-blackhole"), nullptr);  // folded under it
}

TEST(synack_lost, shows_a_share_of_the_handshakes_of_a_network) {
  Scene scene;
  add_server(scene);
  add_half_open(scene, 3, 5);
  add_completed(scene, 20, 0, "10.7.0");
  add_completed(scene, 4, 2, "10.7.0");
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(synack_lost, silent_on_sources_that_never_call_again) {
  Scene scene;
  add_server(scene);
  add_half_open(scene, 20, 2);  // 1 s and 3 s after the first: the timer's own
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(synack_lost, silent_on_few_of_many_handshakes) {
  Scene scene;
  add_server(scene);
  add_half_open(scene, 3, 5);
  add_completed(scene, 200, 0, "10.7.0");
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(synack_lost, silent_when_only_the_last_ack_is_lost) {
  Scene scene;
  add_server(scene);
  scene.process(42, "caller");
  for (unsigned i = 0; i < 6; ++i) {
    scene.add({.state = syn_received,
               .local = at("10.0.0.1", 80),
               .remote = at("10.0.0.2", 4000 + i),
               .owned = false,
               .fresh = true,
               .timer = {.kind = TimerKind::retransmit, .retransmits = 5, .expires_ms = 900}});
    scene.add({.local = at("10.0.0.2", 4000 + i), .remote = at("10.0.0.1", 80)});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(synack_lost, silent_when_the_accept_queue_is_full) {
  Scene scene;
  add_server(scene, 129);
  add_half_open(scene, 6, 5);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(synack_lost, silent_on_deferred_accepts) {
  Scene scene;
  add_server(scene);
  add_half_open(scene, 6, 0);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
