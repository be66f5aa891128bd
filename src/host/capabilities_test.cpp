// Held against CapEff of /proc/self/status (proc_pid_status(5)).
#include "host/capabilities.hpp"

#include <gtest/gtest.h>
#include <linux/capability.h>

#include <array>
#include <cstdint>
#include <fstream>
#include <string>

namespace tcpdx::host {
namespace {

uint64_t effective() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) return std::stoull(line.substr(7), nullptr, 16);
  }
  return 0;
}

TEST(Capabilities, AgreeWithTheKernel) {
  const uint64_t held = effective();
  constexpr std::array<unsigned, 4> kAsked{CAP_CHOWN, CAP_NET_ADMIN, CAP_SYS_ADMIN, CAP_SYS_PTRACE};
  for (const unsigned capability : kAsked) {
    EXPECT_EQ(has_capability(capability), (held >> capability & 1) != 0) << capability;
  }
}

TEST(Capabilities, NamesWhatIsLacking) {
  std::string expected;
  if (!has_capability(CAP_SYS_PTRACE)) expected = "CAP_SYS_PTRACE";
  if (!has_capability(CAP_DAC_READ_SEARCH)) {
    expected += expected.empty() ? "CAP_DAC_READ_SEARCH" : " and CAP_DAC_READ_SEARCH";
  }
  EXPECT_EQ(lacking({CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH}), expected);
}

}  // namespace
}  // namespace tcpdx::host
