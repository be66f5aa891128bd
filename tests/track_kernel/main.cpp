// Runs the tests where this user may make network namespaces and see the kernel's tracepoints;
// elsewhere says so and ends with 77, which ctest calls skipped.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>

#include <cerrno>
#include <csignal>

#include "track_kernel/tracepoint.hpp"

namespace {

constexpr int kSkipped = 77;

tcpdx::Result<void> may_watch() {
  // Mounts of this process alone: tracefs goes with it.
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr)) {
    return tcpdx::fail("may not make a mount namespace: {}", tcpdx::errno_text(errno));
  }
  const auto tracepoint = tcpdx::track_kernel::Tracepoint::open(1, 1);
  if (!tracepoint) return std::unexpected(tracepoint.error());
  const auto road = tcpdx::track_kernel::Road::build();
  if (!road) return std::unexpected(road.error());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!::testing::GTEST_FLAG(list_tests)) {
    if (const auto may = may_watch(); !may) {
      fmt::print("skipped: {}\n", may.error().sentence);
      return kSkipped;
    }
  }
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
