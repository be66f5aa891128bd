// The limit is machine-wide: no test fills it, these observations are made by hand.
#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "orphan-limit";

void count_orphans(Scene& scene, uint64_t then, uint64_t now) {
  scene.sysctl("net.ipv4.tcp_max_orphans", "1000");
  scene.count("sockstat.TCP.orphan", then, now);
}

void add_orphans(Scene& scene, unsigned count, TimerKind timer, tcp::State state = fin_wait_1) {
  for (unsigned i = 0; i < count; ++i) {
    Scene::Row row{.state = state,
                   .local = at("10.0.0.1", 80),
                   .remote = at("10.0.0.9", 10000 + i),
                   .owned = false,
                   .send_q = 1,
                   .timer = {.kind = timer, .retransmits = 4, .expires_ms = 1000}};
    row.info.backoff = 4;
    row.info.rto_us = 200'000U << 4U;
    scene.add(row);
  }
}

TEST(orphan_limit, shows_half_of_the_limit) {
  Scene scene(30s);
  count_orphans(scene, 510, 600);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->headline,
            "600 closed connections of this machine wait for their peers, 60 % of "
            "tcp_max_orphans");
}

TEST(orphan_limit, shows_most_of_the_limit_and_suspects_in_a_short_look) {
  Scene scene;
  count_orphans(scene, 850, 900);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(orphan_limit, shows_resets_as_critical) {
  Scene scene;
  count_orphans(scene, 300, 310);
  scene.count("TcpExt.TCPAbortOnMemory", 5, 25);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(orphan_limit, shows_under_the_peers_that_do_not_answer) {
  Scene scene(30s);
  count_orphans(scene, 600, 600);
  add_orphans(scene, 400, TimerKind::retransmit);
  EXPECT_EQ(scene.find(kFault), nullptr);
  const auto cause = std::ranges::find(scene.found(), "fin-wait1-stuck", &Finding::fault);
  ASSERT_NE(cause, scene.found().end());
  EXPECT_EQ(cause->severity, Severity::notice);
  ASSERT_EQ(cause->explains.size(), 1U);
  EXPECT_EQ(cause->explains[0].fault, kFault);
}

TEST(orphan_limit, shows_what_they_wait_for) {
  Scene scene(30s);
  count_orphans(scene, 600, 600);
  add_orphans(scene, 30, TimerKind::persist);
  add_orphans(scene, 10, TimerKind::retransmit, last_ack);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  const auto not_reading = std::ranges::find(f->evidence, "peer does not read", &Evidence::fact);
  ASSERT_NE(not_reading, f->evidence.end());
  EXPECT_EQ(std::get<uint64_t>(not_reading->value), 30U);
}

TEST(orphan_limit, silent_on_few_and_on_a_peak) {
  Scene few;
  count_orphans(few, 90, 90);
  EXPECT_EQ(few.find(kFault), nullptr);
  Scene peak;
  count_orphans(peak, 10, 900);
  EXPECT_EQ(peak.find(kFault), nullptr) << "a server that stops; it fades within two minutes";
}

TEST(orphan_limit, silent_on_memory_pressure_without_orphans) {
  Scene scene;
  count_orphans(scene, 20, 20);
  scene.count("TcpExt.TCPAbortOnMemory", 0, 500);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(orphan_limit, silent_where_the_machine_is_not_counted) {
  Scene scene;  // a container: no tcp_max_orphans
  scene.count("sockstat.TCP.orphan", 900, 900);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
