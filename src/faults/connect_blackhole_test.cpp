#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "connect-blackhole";

Scene::Row calling(unsigned port, uint8_t repeats, std::string_view to = "10.0.0.9") {
  return {.state = syn_sent,
          .local = at("10.0.0.1", port),
          .remote = at(to, 9502),
          .send_q = 1,
          .timer = {.kind = TimerKind::retransmit, .retransmits = repeats, .expires_ms = 500}};
}

TEST(connect_blackhole, shows_a_destination_that_never_answers) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.destination, at("10.0.0.9", 9502));
}

TEST(connect_blackhole, many_dead_destinations_of_one_program_are_one_finding) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 30; ++i)
    scene.add(calling(40000 + i, 4, fmt::format("10.0.0.{}", 9 + i / 3)));
  ASSERT_NE(scene.find(kFault), nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
}

TEST(connect_blackhole, silent_on_single_repeats_and_on_few_attempts) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 9; ++i) {
    Scene::Row row = calling(40000 + i, 1);
    row.fresh = true;
    scene.add(row);
  }
  scene.add(calling(41000, 6, "10.0.0.77"));
  scene.add(calling(41001, 6, "10.0.0.77"));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, silent_when_some_succeed) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4));
  scene.add({.local = at("10.0.0.1", 40009), .remote = at("10.0.0.9", 9502), .fresh = true});
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, silent_when_the_neighbour_is_known_to_be_dead) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4));
  scene.route({.netns = 0,
               .destination = at("10.0.0.9", 0).addr,
               .error = 0,
               .gateway = {},
               .interface = "eth0",
               .neighbour = NeighbourState::failed});
  EXPECT_EQ(scene.find(kFault), nullptr);
  EXPECT_NE(scene.find("host-unreachable"), nullptr);
}

TEST(connect_blackhole, folded_under_the_full_queue_of_a_listener_on_this_machine) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("127.0.0.1", 9502), 3, 2, 0, 30);
  scene.process(42, "client");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4, "127.0.0.1"));
  EXPECT_EQ(scene.find(kFault), nullptr);
  const Finding* f = scene.find("accept-queue-overflow");
  ASSERT_NE(f, nullptr);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, kFault);
}

TEST(connect_blackhole, shows_a_peer_that_died_behind_connections_of_old) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4));
  for (unsigned i = 0; i < 50; ++i) {
    scene.add({.local = at("10.0.0.1", 41000 + i), .remote = at("10.0.0.9", 9502)});
  }
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, a_single_look_holds_connections_of_old_against_the_attempts) {
  Scene scene(0s);
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 3));
  Scene::Row idle{.local = at("10.0.0.1", 41000), .remote = at("10.0.0.9", 9502)};
  idle.info.last_ack_recv_ms = 600'000;
  scene.add(idle);
  EXPECT_NE(scene.find(kFault), nullptr);
  idle.local.port = 41001;
  idle.info.last_ack_recv_ms = 1'000;
  scene.add(idle);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, shows_attempts_that_were_given_up_within_the_window) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) {
    scene.add_gone(calling(40000 + i, 5));
    Scene::Row again = calling(40100 + i, 1);
    again.fresh = true;
    scene.add(again);
  }
  EXPECT_NE(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, takes_a_mapped_address_for_the_same_destination) {
  Scene scene;
  scene.process(41, "billing");
  for (unsigned i = 0; i < 4; ++i) scene.add(calling(40000 + i, 4));
  scene.add({.local = at("::ffff:10.0.0.1", 40009),
             .remote = at("::ffff:10.0.0.9", 9502),
             .fresh = true});
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(connect_blackhole, says_when_several_programs_call) {
  Scene scene;
  for (unsigned i = 0; i < 4; ++i) {
    scene.process(41 + i, "worker");
    scene.add(calling(40000 + i, 4));
  }
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_NE(f->headline.find("4 programs"), std::string::npos) << f->headline;
}

TEST(connect_blackhole, not_folded_under_a_listener_of_another_namespace) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("127.0.0.1", 9502), 3, 2, 0, 30);
  scene.process(42, "client");
  const uint16_t blue = scene.add_namespace(4026532000, "blue");
  for (unsigned i = 0; i < 4; ++i) {
    Scene::Row row = calling(40000 + i, 4, "127.0.0.1");
    row.netns = blue;
    scene.add(row);
  }
  EXPECT_NE(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
