// Texts as fs/proc/array.c prints them, hostile names, and this very process.
#include "host/process_info.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "base/file.hpp"
#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

constexpr std::string_view kTail =
    " S 1 42 42 0 -1 4194560 1 0 0 0 5 6 0 0 20 0 4 0 98765 1000000 200 18446744073709551615";

TEST(ProcessStat, ReadsTheFieldsBehindTheName) {
  const std::string text = "42 (nginx)" + std::string(kTail) + "\n";
  const auto stat = parse_process_stat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->comm, "nginx");
  EXPECT_EQ(stat->state, 'S');
  EXPECT_EQ(stat->start_ticks, 98765U);
  EXPECT_TRUE(stat->may_own_sockets());
}

TEST(ProcessStat, ANameMayHoldAnything) {
  const std::string text = "42 (a) R (b\n c)" + std::string(kTail);
  const auto stat = parse_process_stat(text);
  ASSERT_TRUE(stat.has_value());
  EXPECT_EQ(stat->comm, "a) R (b\n c");
  EXPECT_EQ(stat->state, 'S');
}

TEST(ProcessStat, KernelThreadsAndZombiesOwnNothing) {
  EXPECT_FALSE((ProcessStat{"kworker/0:1", 'I', 69238880, 1}.may_own_sockets()));
  EXPECT_FALSE((ProcessStat{"sh", 'Z', 4194560, 1}.may_own_sockets()));
}

TEST(ProcessStat, DamagedTextIsNothing) {
  EXPECT_FALSE(parse_process_stat(""));
  EXPECT_FALSE(parse_process_stat("42 (nginx"));
  EXPECT_FALSE(parse_process_stat(") 42 ("));
  EXPECT_FALSE(parse_process_stat("42 (nginx) S 1 2 3"));
}

TEST(ProcessStatus, TakesTheEffectiveUser) {
  EXPECT_EQ(parse_status_uid("Name:\tx\nUid:\t1000\t33\t1000\t33\nGid:\t1\t2\t3\t4\n"), 33U);
  EXPECT_EQ(parse_status_uid("Name:\tx\n"), std::nullopt);
  EXPECT_EQ(parse_status_uid("Uid:\t1000\n"), std::nullopt);
}

TEST(ProcessLimits, TakesTheSoftLimitOfOpenFiles) {
  constexpr std::string_view kHead =
      "Limit                     Soft Limit           Hard Limit           Units     \n";
  EXPECT_EQ(parse_fd_limit(std::string(kHead) +
                           "Max open files            1024                 524288               "
                           "files     \n"),
            1024U);
  EXPECT_EQ(parse_fd_limit("Max open files   unlimited   unlimited   files\n"), std::nullopt);
  EXPECT_EQ(parse_fd_limit(kHead), std::nullopt);
}

TEST(ReadProcess, KnowsThisProcess) {
  const Fd folder(::open("/proc/self", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto record = read_process(folder.get(), static_cast<uint32_t>(::getpid()));
  ASSERT_TRUE(record.has_value());
  const Process& process = record->process;
  EXPECT_EQ(process.uid, ::geteuid());
  EXPECT_EQ(process.exe, std::filesystem::read_symlink("/proc/self/exe"));
  EXPECT_EQ(process.state, 'R');
  EXPECT_GT(record->start_ticks, 0U);
  EXPECT_TRUE(process.age.has_value());
  rlimit limit{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &limit), 0);
  EXPECT_EQ(process.fd_limit, limit.rlim_cur);
  EXPECT_EQ(process.comm + "\n", read_file("/proc/self/comm"));
}

TEST(ReadProcess, AMissingOneIsNothing) {
  const Fd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  EXPECT_FALSE(read_process(folder.get(), 1));
}

TEST(ReadProcess, ShortensAndJoinsArguments) {
  const TestFolder own;
  const std::filesystem::path& path = own.path();
  std::ofstream(path / "stat") << "7 (x)" << kTail;
  std::ofstream(path / "status") << "Uid:\t5\t6\t7\t8\n";
  std::ofstream(path / "wchan") << "inet_csk_accept";
  std::ofstream(path / "cgroup") << "0::/system.slice/x.service\n";
  std::ofstream(path / "cmdline") << "x" << '\0' << "-v" << '\0' << std::string(9000, 'y') << '\0';
  const Fd folder(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  const auto record = read_process(folder.get(), 7);
  ASSERT_TRUE(record.has_value());
  EXPECT_TRUE(record->process.cmdline.starts_with("x -v yyy"));
  EXPECT_EQ(record->process.cmdline.size(), 4096U);
  EXPECT_EQ(record->process.wchan, "inet_csk_accept");
  EXPECT_EQ(record->process.unit, "x.service");
  EXPECT_TRUE(record->process.exe.empty());
  EXPECT_EQ(record->process.fd_limit, std::nullopt);
}

}  // namespace
}  // namespace tcpdx::host
