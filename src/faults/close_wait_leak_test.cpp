#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "close-wait-leak";

void add_rows(Scene& scene, unsigned first, unsigned count, uint32_t age_ms, bool fresh = false) {
  for (unsigned i = 0; i < count; ++i) {
    Scene::Row row{.state = close_wait,
                   .local = at("10.0.0.1", 9502),
                   .remote = at("10.0.0.9", 20000 + first + i),
                   .fresh = fresh};
    row.info.last_ack_recv_ms = age_ms;
    row.info.last_data_sent_ms = age_ms;
    row.info_then = row.info;
    scene.add(row);
  }
}

TEST(close_wait_leak, shows_old_ones_above_a_tenth_of_the_limit) {
  Scene scene;
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 600, 11'520'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical) << "600 of 1024 descriptors";
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 2210U);
  EXPECT_EQ(f->subject.local, at("10.0.0.1", 9502));
  EXPECT_NE(f->headline.find("3 h 12 m"), std::string::npos) << f->headline;
}

TEST(close_wait_leak, one_look_is_enough_for_old_ones) {
  Scene scene(0s);
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 200, 90'000);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
}

TEST(close_wait_leak, growth_in_every_window_is_certain) {
  Scene scene(30s);
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 10, 70'000);
  for (unsigned i = 0; i < 30; ++i) add_rows(scene, 100 + i, 1, i * 1000, true);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
}

TEST(close_wait_leak, young_ones_that_only_arrive_are_suspected) {
  Scene scene;
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 30, 8'000);
  add_rows(scene, 100, 30, 1'000, true);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->confidence, Confidence::suspected);
  EXPECT_EQ(f->severity, Severity::notice);
}

TEST(close_wait_leak, silent_on_thousands_passing_through) {
  Scene scene;
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 2000, 10, true);
  for (unsigned i = 0; i < 1900; ++i) {
    scene.add_gone(
        {.state = close_wait, .local = at("10.0.0.1", 9502), .remote = at("10.0.0.8", 20000 + i)});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(close_wait_leak, silent_on_a_pool_with_a_few_stale_entries) {
  Scene scene;
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 4, 7'200'000);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(close_wait_leak, silent_on_half_closed_connections_that_send) {
  Scene scene;
  scene.process(2210, "rsync");
  for (unsigned i = 0; i < 200; ++i) {
    Scene::Row row{
        .state = close_wait, .local = at("10.0.0.1", 873), .remote = at("10.0.0.9", 20000 + i)};
    row.info.last_ack_recv_ms = 70'000;
    row.info_then = row.info;
    row.info.bytes_sent = 90'000;
    scene.add(row);
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(close_wait_leak, silent_on_connections_never_accepted) {
  Scene scene;
  scene.process(2210, "billing-api");
  for (unsigned i = 0; i < 200; ++i) {
    scene.add({.state = close_wait,
               .local = at("10.0.0.1", 9502),
               .remote = at("10.0.0.9", 20000 + i),
               .owned = false});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(close_wait_leak, explains_the_descriptors_it_has_eaten) {
  Scene scene;
  scene.process(2210, "billing-api").fds = 1024;
  scene.listen(at("0.0.0.0", 9502), 2, 128);
  add_rows(scene, 0, 900, 90'000);
  scene.add({.local = at("10.0.0.1", 9502), .remote = at("10.0.0.9", 60000), .owned = false});
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(scene.found().size(), 1U);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "fd-exhaustion-blocks-accept");
}

TEST(close_wait_leak, silent_on_a_few_stale_entries_beside_a_busy_passage) {
  Scene scene;
  scene.process(2210, "billing-api");
  add_rows(scene, 0, 6, 7'200'000);
  add_rows(scene, 100, 220, 10, true);
  for (unsigned i = 0; i < 180; ++i) {
    scene.add_gone(
        {.state = close_wait, .local = at("10.0.0.1", 9502), .remote = at("10.0.0.8", 20000 + i)});
  }
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
