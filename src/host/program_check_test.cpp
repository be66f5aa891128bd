#include "host/program_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "base/file.hpp"
#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

namespace fs = std::filesystem;

TEST(ProgramNames, OfKernelThreads) {
  for (const char* name :
       {"kworker/0:1", "[kworker/u8:3]", "kthreadd", "ksoftirqd/3", "rcu_sched", "[nginx]"}) {
    EXPECT_TRUE(is_kernel_thread_name(name)) << name;
  }
  for (const char* name : {"nginx", "kworker", "kubelet", "", "["}) {
    EXPECT_FALSE(is_kernel_thread_name(name)) << name;
  }
}

TEST(ProgramNames, AgreeInSpiteOfTheCutAndOfVariants) {
  EXPECT_TRUE(names_agree("systemd-resolve", "systemd-resolved"));  // 15 bytes of it
  EXPECT_TRUE(names_agree("containerd-shim", "containerd-shim-runc-v2"));
  EXPECT_TRUE(names_agree("nginx", "nginx-debug"));
  EXPECT_TRUE(names_agree("tmux: server", "tmux"));
  EXPECT_TRUE(names_agree("", "sshd"));
  EXPECT_FALSE(names_agree("sshd", "nc"));
  EXPECT_FALSE(names_agree("systemd", "sysmon"));
}

TEST(ProgramNames, OfInterpreters) {
  for (const char* name : {"python3.11", "perl", "bash", "node", "php8.2", "busybox", "beam.smp",
                           "ruby2.7", "java", "php-fpm8.2"}) {
    EXPECT_TRUE(is_interpreter(name)) << name;
  }
  for (const char* name : {"nginx", "sshd", "shadow", "javac", ""}) {
    EXPECT_FALSE(is_interpreter(name)) << name;
  }
}

// A copy of sleep(1) that runs in a folder of its own.
class RunningProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    file_ = folder_ / "tool";
    fs::copy_file("/bin/sleep", file_);
  }
  void TearDown() override {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }

  // Returns once /proc shows the new program.
  void start(int file) {
    pid_ = ::fork();
    ASSERT_GE(pid_, 0);
    if (pid_ == 0) {
      std::string name = "tool";
      std::string seconds = "600";
      const std::array<char*, 3> arguments{name.data(), seconds.data(), nullptr};
      std::array<char*, 1> environment{nullptr};
      ::fexecve(file, arguments.data(), environment.data());
      ::_exit(1);
    }
    const std::string own = fs::read_symlink("/proc/self/exe");
    while (exe() == own) ::usleep(1000);
  }
  void start() {
    const Fd fd(::open(file_.c_str(), O_RDONLY | O_CLOEXEC));
    start(fd.get());
  }

  std::string exe() const { return fs::read_symlink(fmt::format("/proc/{}/exe", pid_)); }

  ProgramCheck check(const std::string& comm = "tool", const std::string& cmdline = "tool 600") {
    Observation seen;
    Process process;
    process.pid = static_cast<uint32_t>(pid_);
    process.exe = exe();
    process.comm = comm;
    process.cmdline = cmdline;
    seen.processes.push_back(process);
    Look& look = seen.looks.emplace_back();
    Socket socket;
    socket.state = state_;
    socket.inode = 9;
    socket.first_owner = 0;
    socket.owner_count = 1;
    look.sockets.push_back(socket);
    look.owners.push_back({.inode = 9, .process = 0, .fd = 3});
    check_programs("/proc", seen);
    return seen.processes[0].program;
  }

  TestFolder folder_;
  fs::path file_;
  pid_t pid_ = -1;
  tcp::State state_ = tcp::State::listen;
};

TEST_F(RunningProgram, IsPresent) {
  start();
  EXPECT_EQ(check().file, ExeFile::present);
}

TEST_F(RunningProgram, OfAFileThatIsGoneIsDeleted) {
  start();
  fs::remove(file_);
  EXPECT_EQ(check().file, ExeFile::deleted);
}

TEST_F(RunningProgram, OfAnUpgradedFileIsReplaced) {
  start();
  fs::copy_file("/bin/sleep", folder_ / "new");
  fs::rename(folder_ / "new", file_);
  EXPECT_EQ(check().file, ExeFile::replaced);
}

TEST_F(RunningProgram, WithoutAFileIsInMemory) {
  const Fd memory(::memfd_create("tool", MFD_CLOEXEC));
  std::ifstream from("/bin/sleep", std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(from), {}};
  ASSERT_EQ(::write(memory.get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  start(memory.get());
  const ProgramCheck program = check();
  EXPECT_EQ(program.file, ExeFile::in_memory);
  EXPECT_EQ(program.writable_by_all, "");
}

TEST_F(RunningProgram, BelowAFolderThatEverybodyMayWriteToSaysWhich) {
  fs::permissions(folder_.path(), fs::perms(0777));
  start();
  // /tmp itself is such a folder, where the test runs in it.
  const std::string found = check().writable_by_all;
  EXPECT_TRUE(!found.empty() && file_.string().starts_with(found)) << found;
}

TEST_F(RunningProgram, WithANameOfItsOwnIsNotOdd) {
  start();
  EXPECT_EQ(check().poses_as, "");
  EXPECT_EQ(check("tool-worker").poses_as, "");
  EXPECT_EQ(check("main", "tool 600").poses_as, "");           // a thread that renamed itself
  EXPECT_EQ(check("napper", "/opt/napper 600").poses_as, "");  // it was started by a link
}

TEST_F(RunningProgram, WithABorrowedNameIsOdd) {
  start();
  EXPECT_EQ(check("sleep").poses_as.substr(0, 8), "as /usr/");  // another file than ours
  EXPECT_EQ(check("kworker/0:1").poses_as, "as kernel threads are called");
  EXPECT_EQ(check("upd", "systemd-helper 600").poses_as, "and systemd-helper in its command line");
}

TEST_F(RunningProgram, ThatDoesNotListenIsNotLookedAt) {
  start();
  state_ = tcp::State::established;
  EXPECT_EQ(check().file, ExeFile::unknown);
}

TEST_F(RunningProgram, ThatEndedIsUnknown) {
  start();
  Observation seen;
  Process process;
  process.pid = static_cast<uint32_t>(pid_);
  process.exe = "/another/program";  // the number went to another since the look
  seen.processes.push_back(process);
  Look& look = seen.looks.emplace_back();
  Socket socket;
  socket.state = tcp::State::listen;
  socket.first_owner = 0;
  socket.owner_count = 1;
  look.sockets.push_back(socket);
  look.owners.push_back({.inode = 0, .process = 0, .fd = 3});
  check_programs("/proc", seen);
  EXPECT_EQ(seen.processes[0].program.file, ExeFile::unknown);
}

}  // namespace
}  // namespace tcpdx::host
