// Runs the tests where this user may make network namespaces and see the kernel's tracepoints;
// elsewhere says so and ends with 77, which ctest calls skipped.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

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

// On one processor packets reach the sockets in the order in which they pass the captures; on
// several each has a queue of its own between the two. Processes that run at once take turns.
void stay_on_one_processor() {
  cpu_set_t allowed;
  CPU_ZERO(&allowed);
  if (::sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  int skip = ::getpid() % CPU_COUNT(&allowed);
  for (size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &allowed) || skip-- > 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    ::sched_setaffinity(0, sizeof one, &one);
    return;
  }
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
  stay_on_one_processor();
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
