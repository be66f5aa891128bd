#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

constexpr MacAddress kOne{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress kOther{{2, 0, 0, 0, 0, 2}};

// The neighbour entry of 10.0.0.9 had these one after the other.
void moves(Scene& scene, std::initializer_list<MacAddress> macs) {
  Duration when{};
  for (const MacAddress& mac : macs) {
    scene.observation().neighbour_moves.push_back({.at = when,
                                                   .netns = 0,
                                                   .interface = "eth0",
                                                   .address = at("10.0.0.9", 0).addr,
                                                   .mac = mac});
    when += 1s;
  }
}

void answer(Scene& scene, std::vector<MacAddress> macs) {
  scene.asks("10.0.0.9").arp = {
      .address = at("10.0.0.9", 0).addr, .interface = "eth0", .macs = std::move(macs)};
}

TEST(duplicate_ip_arp_conflict, shows_an_entry_that_changes_back_and_forth) {
  Scene scene;
  moves(scene, {kOne, kOther, kOne, kOther});
  const Finding* f = scene.find("duplicate-ip-arp-conflict");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::likely);
  EXPECT_EQ(f->subject.remote, at("10.0.0.9", 0));
}

TEST(duplicate_ip_arp_conflict, shows_two_answers_to_one_request) {
  Scene scene;
  answer(scene, {kOne, kOther});
  const Finding* f = scene.find("duplicate-ip-arp-conflict");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::likely);
}

TEST(duplicate_ip_arp_conflict, shows_it_surely_by_both) {
  Scene scene;
  moves(scene, {kOne, kOther});
  answer(scene, {kOne, kOther});
  const Finding* f = scene.find("duplicate-ip-arp-conflict");
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(duplicate_ip_arp_conflict, silent_on_a_failover) {
  Scene scene;
  moves(scene, {kOne, kOther});
  answer(scene, {kOther});
  EXPECT_EQ(scene.find("duplicate-ip-arp-conflict"), nullptr);
}

TEST(duplicate_ip_arp_conflict, silent_on_a_failover_and_the_way_back) {
  Scene scene;
  moves(scene, {kOne, kOther, kOne});
  EXPECT_EQ(scene.find("duplicate-ip-arp-conflict"), nullptr);
}

TEST(duplicate_ip_arp_conflict, silent_on_an_address_that_wanders) {
  Scene scene;
  moves(scene,
        {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}, {{2, 0, 0, 0, 0, 3}}, {{2, 0, 0, 0, 0, 4}}});
  EXPECT_EQ(scene.find("duplicate-ip-arp-conflict"), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
