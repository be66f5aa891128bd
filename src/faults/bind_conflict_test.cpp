#include <gtest/gtest.h>

#include <cerrno>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "bind-conflict";

void add_failure(Scene& scene, int error = EADDRINUSE,
                 const SocketAddress& place = at("0.0.0.0", 80), Duration when = 1s) {
  scene.event(
      {.at = when, .kind = EventKind::bind_failed, .error = error, .local = place, .remote = {}});
}

TEST(bind_conflict, shows_the_listener_that_has_the_port) {
  Scene scene;
  scene.process(41, "apache2");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  scene.process(42, "nginx");
  add_failure(scene);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 42U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
  EXPECT_EQ(f->cause, "apache2 (pid 41) listens on 0.0.0.0:80");
}

TEST(bind_conflict, shows_time_wait_of_the_instance_before) {
  Scene scene;
  for (unsigned i = 0; i < 3; ++i) {
    scene.add({.state = time_wait,
               .local = at("10.0.0.1", 80),
               .remote = at("10.0.0.9", 4000 + i),
               .owned = false});
  }
  scene.process(42, "shop");
  add_failure(scene);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->cause.find("the instance before left 3 connections"), std::string::npos) << f->cause;
  EXPECT_NE(f->remedy.front().find("SO_REUSEADDR"), std::string::npos);
}

TEST(bind_conflict, shows_a_client_that_took_the_port_as_its_own) {
  Scene scene;
  scene.process(41, "billing");
  scene.add({.local = at("10.0.0.1", 40080), .remote = at("10.0.0.9", 443)});
  scene.process(42, "shop");
  add_failure(scene, EADDRINUSE, at("0.0.0.0", 40080));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->cause.find("billing (pid 41)"), std::string::npos) << f->cause;
  EXPECT_NE(f->remedy.front().find("ip_local_reserved_ports"), std::string::npos);
}

TEST(bind_conflict, shows_a_client_that_is_connected_to_itself) {
  Scene scene;
  scene.process(41, "agent");
  scene.add({.local = at("127.0.0.1", 40080), .remote = at("127.0.0.1", 40080)});
  scene.process(42, "shop");
  add_failure(scene, EADDRINUSE, at("0.0.0.0", 40080));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->cause.find("connected to itself"), std::string::npos) << f->cause;
}

TEST(bind_conflict, shows_a_foreign_address_and_a_privileged_port) {
  Scene scene;
  scene.process(42, "shop");
  add_failure(scene, EADDRNOTAVAIL, at("192.0.2.1", 80));
  add_failure(scene, EACCES, at("0.0.0.0", 81));
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 2U);
}

TEST(bind_conflict, shows_a_program_that_is_started_again_and_again_once) {
  Scene scene;
  scene.process(41, "apache2");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  for (unsigned i = 0; i < 5; ++i) {
    scene.process(50 + i, "nginx");
    add_failure(scene, EADDRINUSE, at("0.0.0.0", 80), 1s * i);
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  EXPECT_NE(f->headline.find("5 times"), std::string::npos) << f->headline;
}

TEST(bind_conflict, shows_a_second_instance_as_a_warning) {
  Scene scene;
  scene.process(41, "nginx");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  scene.process(42, "nginx");
  add_failure(scene);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(bind_conflict, shows_a_program_that_took_another_port_as_a_notice) {
  Scene scene;
  scene.process(41, "apache2");
  scene.listen(at("0.0.0.0", 3000), 0, 511);
  scene.process(42, "devserver");
  scene.listen(at("0.0.0.0", 3001), 0, 511);
  scene.opened_at(2s);
  add_failure(scene, EADDRINUSE, at("0.0.0.0", 3000));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(bind_conflict, shows_one_that_fails_at_many_ports_once_and_as_a_notice) {
  Scene scene;
  scene.process(42, "unhide");
  for (unsigned i = 0; i < 12; ++i) add_failure(scene, EADDRINUSE, at("0.0.0.0", 80 + i));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(bind_conflict, silent_without_the_event) {
  Scene scene;
  scene.process(41, "shop");
  for (unsigned i = 0; i < 300; ++i) {
    scene.add({.state = time_wait,
               .local = at("10.0.0.1", 80),
               .remote = at("10.0.0.9", 4000 + i),
               .owned = false});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(bind_conflict, silent_when_the_program_has_the_port_in_the_end) {
  Scene scene;
  scene.process(42, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  scene.opened_at(3s);
  add_failure(scene);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(bind_conflict, silent_when_it_was_started_again_and_has_the_port) {
  Scene scene;
  scene.process(42, "shop");
  add_failure(scene);
  scene.process(43, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  scene.opened_at(3s);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(bind_conflict, silent_on_a_second_family_of_a_port_that_it_serves) {
  Scene scene;
  scene.process(42, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 511);
  add_failure(scene, EADDRINUSE, at("::", 80));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(bind_conflict, silent_on_any_port_and_on_mistakes_in_the_call) {
  Scene scene;
  scene.process(42, "shop");
  add_failure(scene, EADDRINUSE, at("10.0.0.1", 0));
  add_failure(scene, EINVAL);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
