#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kFault = "accept-queue-overflow";

TEST(accept_queue_overflow, shows_a_queue_that_is_full_all_the_time) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 3, 2, 10, 33);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
}

TEST(accept_queue_overflow, shows_sustained_refusals_in_a_long_look) {
  Scene scene(30s);
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 2, 2, 0, 60, {3, 1, 3, 2});
  scene.count("TcpExt.ListenOverflows", 0, 60);
  scene.count("Tcp.PassiveOpens", 0, 2940);  // 2 % refused
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(accept_queue_overflow, a_short_look_at_a_queue_full_now_and_then_only_suspects) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 1, 2, 0, 60, {3, 1});
  scene.count("Tcp.PassiveOpens", 0, 100);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::notice);
  EXPECT_EQ(f->confidence, Confidence::suspected);
}

TEST(accept_queue_overflow, silent_on_a_queue_at_its_limit_that_refuses_nothing) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 2, 2, 7, 7);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, silent_on_a_burst_at_the_start_of_a_server) {
  Scene scene;
  scene.process(41, "shop").age = 4s;
  scene.listen(at("0.0.0.0", 80), 3, 2, 0, 40, {3, 0, 0});
  scene.count("TcpExt.ListenOverflows", 0, 40);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, silent_on_drops_of_another_listener) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 0, 128, 0, 0);
  scene.count("TcpExt.ListenOverflows", 0, 400);
  scene.count("Tcp.PassiveOpens", 0, 100);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, silent_where_the_limit_of_the_queue_is_not_known) {
  Scene scene;
  scene.process(41, "shop");
  scene.without_cookies();  // as /proc/net/tcp gives it
  scene.listen(at("0.0.0.0", 80), 2, 0);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, silent_on_a_queue_that_its_clients_keep_full_but_is_refused_nobody) {
  Scene scene;  // five clients in turn at a server of one thread
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 3, 2, 7, 7);
  scene.count("Tcp.PassiveOpens", 0, 25);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, silent_on_a_server_that_was_started_a_moment_ago) {
  Scene scene;
  scene.process(41, "shop").age = 1s;
  scene.listen(at("0.0.0.0", 80), 9, 8, 0, 56);
  scene.opened_at(4500ms);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(accept_queue_overflow, shows_a_queue_that_fills_while_nothing_is_accepted) {
  Scene scene;
  scene.process(41, "shop").age = 8s;
  scene.listen(at("0.0.0.0", 80), 1, 2, 0, 4, {2, 3, 3});
  for (unsigned i = 0; i < 3; ++i) {
    scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 5000 + i), .owned = false});
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
}

}  // namespace
}  // namespace tcpdx::faults
