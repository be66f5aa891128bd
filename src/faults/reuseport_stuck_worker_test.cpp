#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "reuseport-stuck-worker";

Scene::Row waiting(unsigned port) {
  return {.state = established,
          .local = at("10.0.0.1", 80),
          .remote = at("10.0.0.9", port),
          .owned = false};
}

TEST(reuseport_stuck_worker, shows_the_worker_whose_queue_stays_while_a_sibling_is_idle) {
  Scene scene;
  scene.process(41, "stuck");
  scene.listen(at("0.0.0.0", 80), 2, 128);
  scene.process(42, "idle");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  scene.add(waiting(5001));
  scene.add(waiting(5002));
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::warning);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  EXPECT_EQ(f->subject.listener, at("0.0.0.0", 80));
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "accept-stalled");
}

TEST(reuseport_stuck_worker, shows_a_full_worker_and_explains_the_overflow) {
  Scene scene;
  scene.process(41, "stuck");
  scene.listen(at("0.0.0.0", 80), 5, 4, 0, 11);
  scene.process(42, "idle");
  scene.listen(at("0.0.0.0", 80), 0, 4);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);  // of what it explains
  EXPECT_EQ(f->subject.pid, 41U);
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "accept-queue-overflow");
}

TEST(reuseport_stuck_worker, silent_on_uneven_queues_that_drain) {
  Scene scene;
  scene.process(41, "busy");
  scene.listen(at("0.0.0.0", 80), 9, 128);
  scene.process(42, "idle");
  scene.listen(at("0.0.0.0", 80), 0, 128);
  Scene::Row row = waiting(5001);
  row.fresh = true;
  row.info.last_ack_recv_ms = 100;
  scene.add(row);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(reuseport_stuck_worker, silent_when_no_worker_accepts) {
  Scene scene;
  scene.process(41, "one");
  scene.listen(at("0.0.0.0", 80), 2, 128);
  scene.process(42, "two");
  scene.listen(at("0.0.0.0", 80), 2, 128);
  scene.add(waiting(5001));
  EXPECT_EQ(scene.find(kFault), nullptr);
  EXPECT_FALSE(scene.found().empty());  // but it is accept-stalled
}

TEST(reuseport_stuck_worker, silent_on_a_stuck_program_that_is_alone_on_its_address) {
  Scene scene;
  scene.process(41, "alone");
  scene.listen(at("10.0.0.1", 80), 2, 128);
  scene.process(42, "another address");
  scene.listen(at("10.0.0.2", 80), 0, 128);
  scene.add(waiting(5001));
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
