#include <gtest/gtest.h>

#include <cerrno>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "connection-refused";

// `count` calls that end so, spread evenly from `first` to `last`.
void add_calls(Scene& scene, const SocketAddress& to, int error, unsigned count,
               Duration first = 100ms, Duration last = 4900ms) {
  for (unsigned i = 0; i < count; ++i) {
    scene.event({.at = first + (last - first) * i / std::max(1U, count - 1),
                 .kind = EventKind::connect,
                 .error = error,
                 .local = at("10.0.0.1", 40000 + i),
                 .remote = to});
  }
}

TEST(connection_refused, shows_a_destination_that_refuses_every_call) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 9000));
}

TEST(connection_refused, shows_a_share_that_is_most_of_many) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25);
  scene.connects(at("10.0.0.9", 9000), 10, 0, 25);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(connection_refused, shows_less_certainty_where_the_caller_is_not_visible) {
  Scene scene;
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.pid, std::nullopt);
}

TEST(connection_refused, shows_only_a_suspicion_while_successes_cannot_be_placed) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25);
  // A thousand connects that came and went between the looks, to wherever.
  scene.observation().events.counted[static_cast<size_t>(EventKind::connect)] += 1000;
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(connection_refused, shows_where_the_service_listens_instead) {
  Scene scene;
  scene.process(40, "shop");
  scene.listen(at("127.0.0.1", 9000), 0, 128);
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.1", 9000), ECONNREFUSED, 25);
  scene.event({.at = 4950ms,
               .kind = EventKind::reset_sent,
               .local = at("10.0.0.1", 9000),
               .remote = at("10.0.0.1", 40001)},
              "NO_SOCKET");
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->cause.find("127.0.0.1:9000 only"), std::string::npos) << f->cause;
}

TEST(connection_refused, shows_only_a_suspicion_by_counters_alone) {
  Scene scene;
  scene.count("Tcp.ActiveOpens", 100, 140);
  scene.count("Tcp.AttemptFails", 10, 48);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_EQ(f->subject.destination, std::nullopt);
}

TEST(connection_refused, shows_a_brief_refusal_as_a_notice) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25, 1s, 2s);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(connection_refused, many_destinations_of_one_program_are_one_finding) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 9; ++i) {
    add_calls(scene, at(fmt::format("10.0.1.{}", i), 9000), ECONNREFUSED, 10);
  }
  std::ranges::sort(scene.observation().events.events, {}, &TcpEvent::at);
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(connection_refused, silent_on_one_optional_probe) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 2);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_when_most_calls_succeed) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25);
  scene.connects(at("10.0.0.9", 9000), 400, 0, 25);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_on_a_brief_share_around_a_restart) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ECONNREFUSED, 25, 1s, 2s);
  scene.connects(at("10.0.0.9", 9000), 10, 0, 25);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_when_the_service_of_this_machine_has_started_meanwhile) {
  Scene scene;
  scene.process(40, "shop");
  scene.listen(at("127.0.0.1", 9000), 0, 128);
  scene.opened_at(4900ms);
  scene.process(41, "billing");
  add_calls(scene, at("127.0.0.1", 9000), ECONNREFUSED, 25, 100ms, 4800ms);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_on_a_name_whose_other_address_answers) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("::1", 9000), ECONNREFUSED, 25);
  scene.connects(at("::1", 9000), 0, 0, 25);
  scene.connects(at("127.0.0.1", 9000), 25);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_on_timeouts_and_unreachable_hosts) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("10.0.0.9", 9000), ETIMEDOUT, 10);
  add_calls(scene, at("10.0.0.9", 9000), EHOSTUNREACH, 10);
  std::ranges::sort(scene.observation().events.events, {}, &TcpEvent::at);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connection_refused, silent_without_events_on_failures_that_have_another_reason) {
  Scene timeouts;
  timeouts.count("Tcp.ActiveOpens", 0, 40);
  timeouts.count("Tcp.AttemptFails", 0, 38);
  timeouts.count("TcpExt.TCPAbortOnTimeout", 0, 38);
  EXPECT_EQ(timeouts.find(kFault), nullptr);
  Scene scanned;
  scanned.count("Tcp.ActiveOpens", 0, 40);
  scanned.count("Tcp.AttemptFails", 0, 38);
  scanned.count("TcpExt.EmbryonicRsts", 0, 38);
  EXPECT_EQ(scanned.find(kFault), nullptr);
}

TEST(connection_refused, silent_under_a_program_that_could_not_take_its_port) {
  Scene scene;
  scene.process(41, "billing");
  add_calls(scene, at("127.0.0.1", 9000), ECONNREFUSED, 25);
  scene.process(42, "shop");
  scene.event({.at = 4950ms,
               .kind = EventKind::bind_failed,
               .error = EADDRINUSE,
               .local = at("0.0.0.0", 9000),
               .remote = {}});
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* f = scene.find("bind-conflict");
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, kFault);
}

}  // namespace
}  // namespace tcpdx::faults
