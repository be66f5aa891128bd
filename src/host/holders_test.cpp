// A pass of the kernel's iterator told by hand, and the processes of this machine.
#include "host/holders.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/file.hpp"
#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

Look look_of(std::initializer_list<uint32_t> inodes) {
  Look look;
  for (const uint32_t inode : inodes) look.sockets.emplace_back().inode = inode;
  return look;
}

OwnerPass pass_of(std::vector<Owner> owners, std::vector<Holder> holders) {
  return {std::move(owners), std::move(holders), std::chrono::steady_clock::now()};
}

uint32_t ourselves() { return static_cast<uint32_t>(::getpid()); }

// The number of a process that has ended.
uint32_t nobody() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  ::waitpid(child, nullptr, 0);
  return static_cast<uint32_t>(child);
}

class HoldersTest : public testing::Test {
 protected:
  uint32_t join(OwnerPass pass, Look& look, const std::string& proc = "/proc") {
    return join_holders(proc, run_in_turn, std::move(pass), look, table_, processes_);
  }
  ProcessTable table_;
  std::vector<Process> processes_;
};

TEST_F(HoldersTest, ReadsWhoHoldsASocketOfTheLookAndNobodyElse) {
  Look look = look_of({10});
  EXPECT_EQ(join(pass_of({{10, 1, 3}, {11, 0, 3}}, {{1, 0, "init"}, {ourselves(), 0, "x"}}), look),
            0U);
  ASSERT_EQ(processes_.size(), 1U);
  EXPECT_EQ(processes_[0].pid, ourselves());
  EXPECT_EQ(processes_[0].comm + "\n", read_file("/proc/self/comm"));
  EXPECT_GT(processes_[0].fds.value_or(0), 2U);
  ASSERT_EQ(owners_of(look, look.sockets[0]).size(), 1U);
  EXPECT_EQ(owners_of(look, look.sockets[0])[0].process, 0U);
}

TEST_F(HoldersTest, OneThatHasEndedOwnsNothing) {
  Look look = look_of({10, 11});
  join(
      pass_of({{10, 0, 3}, {11, 0, 4}, {11, 1, 5}}, {{nobody(), 0, "gone"}, {ourselves(), 0, "x"}}),
      look);
  EXPECT_TRUE(owners_of(look, look.sockets[0]).empty());
  ASSERT_EQ(owners_of(look, look.sockets[1]).size(), 1U);
  EXPECT_EQ(owners_of(look, look.sockets[1])[0].fd, 5);
  EXPECT_EQ(processes_.size(), 1U);
}

TEST_F(HoldersTest, OneThatBeganAfterThePassIsAnother) {
  Look look = look_of({10});
  OwnerPass pass = pass_of({{10, 0, 3}}, {{ourselves(), 0, "x"}});
  pass.ended -= std::chrono::hours(24);
  join(std::move(pass), look);
  EXPECT_TRUE(look.owners.empty());
  EXPECT_TRUE(processes_.empty());
}

TEST_F(HoldersTest, OneThatProcHidesIsNamedByTheKernel) {
  Look look = look_of({10});
  const TestFolder folder;
  const std::string empty = folder.path();
  EXPECT_EQ(join(pass_of({{10, 0, 3}}, {{ourselves(), 33, "nginx"}}), look, empty), 1U);
  ASSERT_EQ(processes_.size(), 1U);
  EXPECT_EQ(processes_[0].comm, "nginx");
  EXPECT_EQ(processes_[0].uid, 33U);
  EXPECT_TRUE(processes_[0].exe.empty());
}

TEST_F(HoldersTest, TheSameProcessInASecondLookIsTheSameEntry) {
  for (int i = 0; i < 2; ++i) {
    Look look = look_of({10});
    join(pass_of({{10, 0, 3}}, {{ourselves(), 0, "x"}}), look);
    EXPECT_EQ(look.owners.at(0).process, 0U);
  }
  EXPECT_EQ(processes_.size(), 1U);
}

}  // namespace
}  // namespace tcpdx::host
