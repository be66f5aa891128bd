// Runs the tests where this user may make a network namespace with a TUN device in it; elsewhere
// says so and ends with 77, which ctest calls skipped.
#include <fmt/core.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>

#include <cerrno>
#include <csignal>

#include "lab/tun.hpp"

namespace {

constexpr int kSkipped = 77;

tcpdx::Result<void> may_make_a_stage() {
  // Without rights over the machine's network a user namespace of one's own may give them.
  if (::unshare(CLONE_NEWNET) != 0 && ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    return tcpdx::fail("may not make a network namespace: {}", tcpdx::errno_text(errno));
  }
  const auto tun = tcpdx::lab::Tun::open({.name = "try", .addresses = {}});
  if (!tun) return std::unexpected(tun.error());
  return {};
}

// Two thousand sockets are open at once.
void allow_many_descriptors() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!::testing::GTEST_FLAG(list_tests)) {
    if (const auto may = may_make_a_stage(); !may) {
      fmt::print("skipped: {}\n", may.error().sentence);
      return kSkipped;
    }
  }
  ::signal(SIGPIPE, SIG_IGN);
  allow_many_descriptors();
  return RUN_ALL_TESTS();
}
