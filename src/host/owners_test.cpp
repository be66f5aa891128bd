// A process tree made of folders and links, as proc_pid_fd(5) describes them.
#include "host/owners.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>
#include <utility>
#include <vector>

#include "base/file.hpp"
#include "base/test_folder.hpp"
#include "host/number_table.hpp"

namespace tcpdx::host {
namespace {

namespace fs = std::filesystem;

class OwnerWalkTest : public testing::Test {
 protected:
  void add_process(uint32_t pid, const std::string& comm, uint64_t start) {
    const fs::path folder = proc_ / std::to_string(pid);
    fs::create_directories(folder / "fd");
    std::ofstream(folder / "stat") << pid << " (" << comm << ") S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 "
                                   << "20 0 1 0 " << start << " 0\n";
    std::ofstream(folder / "status") << "Uid:\t5\t5\t5\t5\n";
  }
  void add_fd(uint32_t pid, int fd, const std::string& target) {
    fs::create_symlink(target, proc_ / std::to_string(pid) / "fd" / std::to_string(fd));
  }
  static Socket socket(uint32_t inode) {
    Socket made;
    made.inode = inode;
    return made;
  }

  TestFolder folder_;
  const fs::path& proc_ = folder_.path();
  ProcessTable table_;
};

TEST_F(OwnerWalkTest, FindsEveryOwnerOfASharedSocket) {
  add_process(10, "server", 100);
  add_fd(10, 0, "/dev/null");
  add_fd(10, 3, "socket:[777]");
  add_fd(10, 7, "socket:[777]");
  add_process(11, "worker", 101);
  add_fd(11, 3, "socket:[777]");
  add_fd(11, 4, "socket:[888]");
  add_process(12, "other", 102);
  add_fd(12, 3, "socket:[12345]");
  add_fd(12, 4, "anon_inode:[eventpoll]");
  Look look;
  look.sockets = {socket(888), socket(0), socket(777), socket(999)};
  std::vector<Process> processes;
  OwnerWalk walk(proc_);
  const WalkEnd end = walk.run(run_in_turn, look, table_, processes);
  EXPECT_EQ(end.error, 0);
  EXPECT_EQ(end.refused, 0U);
  ASSERT_EQ(processes.size(), 2U) << "a program without sockets of this look is no entry";
  const auto shared = owners_of(look, look.sockets[2]);
  std::set<std::pair<uint32_t, int>> seen;
  for (const Owner& owner : shared) seen.insert({processes[owner.process].pid, owner.fd});
  EXPECT_EQ(seen, (std::set<std::pair<uint32_t, int>>{{10, 3}, {10, 7}, {11, 3}}));
  ASSERT_EQ(owners_of(look, look.sockets[0]).size(), 1U);
  EXPECT_EQ(owners_of(look, look.sockets[0])[0].fd, 4);
  EXPECT_TRUE(owners_of(look, look.sockets[1]).empty());
  EXPECT_TRUE(owners_of(look, look.sockets[3]).empty());
  for (const Process& process : processes) {
    EXPECT_EQ(process.fds, process.pid == 10 ? 3U : 2U);
  }
}

TEST_F(OwnerWalkTest, AProcessSeenAgainIsTheSameEntryRefreshed) {
  add_process(10, "before", 100);
  add_fd(10, 3, "socket:[777]");
  OwnerWalk walk(proc_);
  std::vector<Process> processes;
  Look first;
  first.sockets = {socket(777)};
  walk.run(run_in_turn, first, table_, processes);
  add_process(10, "after", 100);  // the same process under a new name
  Look second;
  second.sockets = {socket(777)};
  walk.run(run_in_turn, second, table_, processes);
  ASSERT_EQ(processes.size(), 1U);
  EXPECT_EQ(processes[0].comm, "after");
}

TEST_F(OwnerWalkTest, AReusedPidIsAnotherProcess) {
  add_process(10, "old", 100);
  add_fd(10, 3, "socket:[777]");
  OwnerWalk walk(proc_);
  std::vector<Process> processes;
  Look first;
  first.sockets = {socket(777)};
  walk.run(run_in_turn, first, table_, processes);
  add_process(10, "new", 200);
  Look second;
  second.sockets = {socket(777)};
  walk.run(run_in_turn, second, table_, processes);
  ASSERT_EQ(processes.size(), 2U);
  EXPECT_EQ(processes[first.owners[0].process].comm, "old");
  EXPECT_EQ(processes[second.owners[0].process].comm, "new");
}

TEST_F(OwnerWalkTest, AProcessThatEndsDuringTheWalkOwnsNothing) {
  add_process(10, "gone", 100);
  add_fd(10, 3, "socket:[777]");
  fs::remove(proc_ / "10" / "stat");  // what is read last is what is missing
  Look look;
  look.sockets = {socket(777)};
  std::vector<Process> processes;
  const WalkEnd end = OwnerWalk(proc_).run(run_in_turn, look, table_, processes);
  EXPECT_TRUE(processes.empty());
  EXPECT_TRUE(look.owners.empty());
  EXPECT_EQ(look.sockets[0].first_owner, kNoIndex);
  EXPECT_EQ(end.refused, 0U);
}

TEST_F(OwnerWalkTest, CountsProcessesThatMayNotBeRead) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may read everything";
  add_process(10, "closed", 100);
  fs::permissions(proc_ / "10" / "fd", fs::perms::none);
  Look look;
  look.sockets = {socket(777)};
  std::vector<Process> processes;
  EXPECT_EQ(OwnerWalk(proc_).run(run_in_turn, look, table_, processes).refused, 1U);
  fs::permissions(proc_ / "10" / "fd", fs::perms::owner_all);
}

TEST_F(OwnerWalkTest, SaysWhenThereIsNoTree) {
  Look look;
  std::vector<Process> processes;
  EXPECT_EQ(OwnerWalk(proc_ / "none").run(run_in_turn, look, table_, processes).error, ENOENT);
}

TEST(InodeSet, HoldsWhatWasPutIn) {
  constexpr uint32_t kCount = 10'000;
  InodeSet set(kCount);
  for (uint32_t i = 1; i <= kCount; ++i) set.insert(i * 7919);
  for (uint32_t i = 1; i <= kCount; ++i) {
    ASSERT_NE(set.find(i * 7919), nullptr);
    ASSERT_EQ(set.find(i * 7919 + 1), nullptr);
    ASSERT_FALSE(set.insert(i * 7919)) << "it is there";
  }
  EXPECT_EQ(set.find(0), nullptr);
  EXPECT_EQ(InodeSet(0).find(5), nullptr);
}

// Many descriptors are read by number, and those far above the dense part are listed.
TEST(OwnerWalkLive, FindsEveryDescriptorOfALargeProcess) {
  constexpr int kMany = 1500;
  constexpr int kFar = 4000;
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  if (before.rlim_max <= kFar) GTEST_SKIP() << "needs " << kFar << " descriptors";
  rlimit enough{std::max<rlim_t>(before.rlim_cur, kFar + 1), before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &enough), 0);

  std::vector<Fd> held;
  Look look;
  const auto add = [&](Fd fd) {
    struct stat about{};
    ASSERT_EQ(::fstat(fd.get(), &about), 0);
    Socket socket;
    socket.inode = static_cast<uint32_t>(about.st_ino);
    look.sockets.push_back(socket);
    held.push_back(std::move(fd));
  };
  for (int i = 0; i < kMany; ++i) add(Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)));
  const Fd low(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  add(Fd(::fcntl(low.get(), F_DUPFD_CLOEXEC, kFar)));

  std::vector<Process> processes;
  ProcessTable table;
  EXPECT_EQ(OwnerWalk("/proc").run(run_in_turn, look, table, processes).error, 0);
  for (size_t i = 0; i < held.size(); ++i) {
    const auto owners = owners_of(look, look.sockets[i]);
    const bool found = std::ranges::any_of(owners, [&](const Owner& owner) {
      return owner.fd == held[i].get() &&
             processes[owner.process].pid == static_cast<uint32_t>(::getpid());
    });
    EXPECT_TRUE(found) << "descriptor " << held[i].get();
  }
  EXPECT_EQ(owners_of(look, look.sockets.back()).size(), 2U) << "the far one and its original";
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
}

}  // namespace
}  // namespace tcpdx::host
