#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "challenge-ack-or-ack-loop";

// Segments that did not fit, all on one connection unless `connections` says more.
void drop(Scene& scene, unsigned count, const std::string& reason, unsigned connections = 1) {
  for (unsigned i = 0; i < count; ++i) {
    scene.event({.at = std::chrono::milliseconds(i),
                 .kind = EventKind::drop,
                 .local = at("10.0.0.1", 80),
                 .remote = at("10.0.0.9", 40000 + i % connections)},
                reason);
  }
}

TEST(challenge_ack_or_ack_loop, shows_challenges_that_keep_coming) {
  Scene scene(30s);
  scene.count("Tcp.InSegs", 0, 5000);
  scene.count("TcpExt.TCPChallengeACK", 100, 160);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->headline, "60 segments did not fit their connections within 30 s, 1 of 83 received");
}

TEST(challenge_ack_or_ack_loop, shows_answers_held_back_as_suspected_in_a_short_look) {
  Scene scene;
  scene.count("Tcp.InSegs", 0, 500);
  scene.count("TcpExt.TCPACKSkippedSeq", 0, 12);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(challenge_ack_or_ack_loop, shows_the_connection_on_a_busy_server) {
  Scene scene;
  scene.process(300, "peer");
  scene.count("Tcp.InSegs", 0, 1'000'000);
  scene.count("TcpExt.TCPChallengeACK", 0, 12);
  drop(scene, 20, "TCP_INVALID_SEQUENCE");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("10.0.0.9", 40000));
  EXPECT_EQ(f->subject.pid, 300U);
  EXPECT_EQ(f->headline,
            "peer (pid 300)'s connection 10.0.0.1:80 with 10.0.0.9:40000 got 20 segments whose "
            "numbers do not fit within 5.0 s");
}

TEST(challenge_ack_or_ack_loop, shows_it_confirmed_by_both_sources) {
  Scene scene(30s);
  scene.count("Tcp.InSegs", 0, 5000);
  scene.count("TcpExt.TCPChallengeACK", 0, 80);
  drop(scene, 80, "TCP_ACK_UNSENT_DATA");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(challenge_ack_or_ack_loop, shows_many_connections_as_one_finding) {
  Scene scene;
  drop(scene, 100, "TCP_ACK_UNSENT_DATA", 5);
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(challenge_ack_or_ack_loop, silent_on_single_challenges) {
  Scene scene;
  scene.count("Tcp.InSegs", 0, 500);
  scene.count("TcpExt.TCPChallengeACK", 0, 3);
  drop(scene, 3, "TCP_ACK_UNSENT_DATA");
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(challenge_ack_or_ack_loop, silent_on_a_small_share) {
  Scene scene(30s);
  scene.count("Tcp.InSegs", 0, 100'000);
  scene.count("TcpExt.TCPChallengeACK", 0, 90);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

// stale-tuple-collision, and clients of a full accept queue.
TEST(challenge_ack_or_ack_loop, silent_where_they_answer_syns) {
  Scene scene;
  scene.count("Tcp.InSegs", 0, 500);
  scene.count("TcpExt.TCPChallengeACK", 0, 10);
  scene.count("TcpExt.TCPACKSkippedChallenge", 0, 50);
  scene.count("TcpExt.TCPSYNChallenge", 0, 60);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(challenge_ack_or_ack_loop, silent_on_keepalives_and_needless_repeats) {
  Scene scene;
  drop(scene, 200, "TCP_OLD_SEQUENCE");
  EXPECT_EQ(scene.find(kFault), nullptr);
  Scene repeats;
  drop(repeats, 200, "TCP_RFC7323_PAWS");
  EXPECT_EQ(repeats.find(kFault), nullptr);
  Scene resets;
  drop(resets, 200, "TCP_RESET");
  EXPECT_EQ(resets.find(kFault), nullptr);
}

// As many events, but each connection has only a few: a probe of many clients at once.
TEST(challenge_ack_or_ack_loop, silent_on_a_few_of_each_of_many) {
  Scene scene;
  drop(scene, 200, "TCP_ACK_UNSENT_DATA", 100);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(challenge_ack_or_ack_loop, silent_on_one_burst) {
  Scene scene;
  scene.count("Tcp.InSegs", 0, 500);
  scene.count("TcpExt.TCPChallengeACK", 0, 0);
  auto& samples = scene.observation().samples;
  for (size_t i = 4; i < samples.size(); ++i) {
    samples[i].counters[0].set("TcpExt.TCPChallengeACK", 40);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
