#include <gtest/gtest.h>

#include "faults/test_scene.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;
constexpr std::string_view kFault = "fd-exhaustion-blocks-accept";

void add_waiting(Scene& scene, unsigned count) {
  for (unsigned i = 0; i < count; ++i) {
    scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 5000 + i), .owned = false});
  }
}

TEST(fd_exhaustion_blocks_accept, shows_and_explains_the_full_queue) {
  Scene scene;
  Process& p = scene.process(41, "shop");
  p.fds = 16;
  p.fd_limit = 16;
  scene.listen(at("0.0.0.0", 80), 5, 4, 0, 20);
  add_waiting(scene, 5);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->severity, Severity::critical);
  EXPECT_EQ(f->confidence, Confidence::confirmed);
  EXPECT_EQ(f->subject.pid, 41U);
  ASSERT_EQ(scene.found().size(), 1U) << "one cause is one report";
  ASSERT_EQ(f->explains.size(), 1U);
  EXPECT_EQ(f->explains.front().fault, "accept-queue-overflow");
}

TEST(fd_exhaustion_blocks_accept, silent_on_a_full_queue_with_free_descriptors) {
  Scene scene;
  scene.process(41, "shop");
  scene.listen(at("0.0.0.0", 80), 5, 4, 0, 20);
  add_waiting(scene, 5);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(fd_exhaustion_blocks_accept, silent_on_nearly_all_descriptors_used_while_accepting) {
  Scene scene;
  Process& p = scene.process(41, "shop");
  p.fds = 1000;
  p.fd_limit = 1024;
  scene.listen(at("0.0.0.0", 80), 0, 128);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

TEST(fd_exhaustion_blocks_accept, silent_where_the_limit_is_not_known) {
  Scene scene;
  Process& p = scene.process(41, "shop");
  p.fds = 16;
  p.fd_limit.reset();
  scene.listen(at("0.0.0.0", 80), 5, 4, 0, 20);
  add_waiting(scene, 5);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

// A prefork server: the master holds the listening socket and descriptors enough, and never calls
// accept(); the workers do.
TEST(fd_exhaustion_blocks_accept, shows_workers_out_of_descriptors_under_a_master_that_is_not) {
  Scene scene;
  scene.process(40, "master");
  Process& worker = scene.process(41, "worker");
  worker.fds = 16;
  worker.fd_limit = 16;
  scene.listen(at("0.0.0.0", 80), 5, 4, 0, 20);
  scene.also_owned_by(0);
  scene.add({.local = at("10.0.0.1", 80), .remote = at("10.0.0.9", 4000)});
  add_waiting(scene, 5);
  const Finding* f = scene.find(kFault);
  ASSERT_NE(f, nullptr);
  EXPECT_EQ(f->subject.pid, 41U);
}

TEST(fd_exhaustion_blocks_accept, silent_while_another_worker_has_descriptors) {
  Scene scene;
  scene.process(40, "worker");
  Process& worker = scene.process(41, "worker");
  worker.fds = 16;
  worker.fd_limit = 16;
  scene.listen(at("0.0.0.0", 80), 1, 4);
  scene.also_owned_by(0);
  add_waiting(scene, 1);
  EXPECT_EQ(scene.find(kFault), nullptr);
}

}  // namespace
}  // namespace tcpdx::faults
