#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "slow-handshake-syn-retransmit";

// New connections to 10.0.0.9:443, each with so many repeats of which `bytes` octets of text.
void add_new(Scene& scene, unsigned count, uint32_t repeats, uint64_t bytes = 0,
             bool fresh = true) {
  static unsigned port = 40000;
  for (unsigned i = 0; i < count; ++i) {
    TcpInfo info;
    info.total_retrans = repeats;
    info.bytes_retrans = bytes;
    scene.add({.local = at("10.0.0.1", ++port),
               .remote = at("10.0.0.9", 443),
               .fresh = fresh,
               .info = info});
  }
}

void add_repeats(Scene& scene, unsigned count, Duration first, Duration last) {
  for (unsigned i = 0; i < count; ++i) {
    scene.event({.at = first + (last - first) * i / std::max(1U, count - 1),
                 .kind = EventKind::retransmit,
                 .retransmit = RetransmitKind::syn,
                 .local = at("10.0.0.1", 41000 + i),
                 .remote = at("10.0.0.9", 443),
                 .cookie = 5000 + i});
  }
}

TEST(slow_handshake_syn_retransmit, shows_new_connections_whose_syn_was_repeated) {
  Scene scene(30s);
  scene.process(41, "billing");
  scene.count("TcpExt.TCPSynRetrans", 0, 9);
  add_new(scene, 30, 0);
  add_new(scene, 8, 2);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 443));
}

TEST(slow_handshake_syn_retransmit, shows_only_a_suspicion_after_a_short_look) {
  Scene scene;
  scene.process(41, "billing");
  add_new(scene, 30, 0);
  add_new(scene, 8, 2);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(slow_handshake_syn_retransmit, shows_what_the_events_counted) {
  Scene scene;
  scene.process(41, "billing");
  scene.connects(at("10.0.0.9", 443), 400, 80);
  add_repeats(scene, 80, 200ms, 4800ms);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(slow_handshake_syn_retransmit, shows_a_small_share_of_many_as_a_notice) {
  Scene scene(30s);
  scene.process(41, "billing");
  scene.connects(at("10.0.0.9", 443), 1000, 30);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(slow_handshake_syn_retransmit, no_warning_for_the_burst_of_one_moment) {
  Scene scene;
  scene.process(41, "billing");
  scene.connects(at("10.0.0.9", 443), 400, 80);
  add_repeats(scene, 80, 1000ms, 1100ms);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(slow_handshake_syn_retransmit, silent_on_isolated_repeats) {
  Scene scene(30s);
  scene.process(41, "billing");
  scene.connects(at("10.0.0.9", 443), 1000, 5);
  scene.connects(at("10.0.0.10", 443), 19, 5);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(slow_handshake_syn_retransmit, silent_on_repeated_text) {
  Scene scene(30s);
  scene.process(41, "billing");
  add_new(scene, 40, 3, 4000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(slow_handshake_syn_retransmit, silent_on_connections_from_before_the_look) {
  Scene scene(30s);
  scene.process(41, "billing");
  add_new(scene, 40, 2, 0, false);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(slow_handshake_syn_retransmit, silent_on_the_serving_side) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  TcpInfo info;
  info.total_retrans = 2;
  for (unsigned i = 0; i < 40; ++i) {
    scene.add({.local = at("10.0.0.1", 80),
               .remote = at("10.0.0.9", 40000 + i),
               .fresh = true,
               .info = info});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(slow_handshake_syn_retransmit, silent_under_the_full_queue_of_a_listener_on_this_machine) {
  Scene scene;
  scene.process(40, "shop");
  scene.listen(at("127.0.0.1", 9502), 3, 2, 0, 30);
  scene.process(41, "billing");
  scene.connects(at("127.0.0.1", 9502), 100, 60);
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* f = scene.find("accept-queue-overflow");
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, kFault);
}

}  // namespace
}  // namespace tcpdx::faults
