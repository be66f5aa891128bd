// Runs the tests where this user may make network namespaces with TUN devices; elsewhere says so
// and ends with 77, which ctest calls skipped.
#include <fmt/core.h>
#include <gtest/gtest.h>

#include <csignal>

#include "lab/net_space.hpp"
#include "lab/tun.hpp"

namespace {

constexpr int kSkipped = 77;

tcpdx::Result<void> may_make_a_testbed() {
  const auto space = tcpdx::lab::NetSpace::make();
  if (!space) return std::unexpected(space.error());
  const tcpdx::lab::Visit there(*space);
  const auto tun = tcpdx::lab::Tun::open({.name = "try", .addresses = {}});
  if (!tun) return std::unexpected(tun.error());
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  if (!::testing::GTEST_FLAG(list_tests)) {
    if (const auto may = may_make_a_testbed(); !may) {
      fmt::print("skipped: {}\n", may.error().sentence);
      return kSkipped;
    }
  }
  ::signal(SIGPIPE, SIG_IGN);
  return RUN_ALL_TESTS();
}
