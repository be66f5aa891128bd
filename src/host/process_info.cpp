// Formats: proc_pid_stat(5), proc_pid_status(5), proc_pid_limits(5), fs/proc/array.c.
#include "host/process_info.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <ctime>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/cgroup_name.hpp"
#include "host/folder.hpp"

namespace tcpdx::host {

namespace {

constexpr uint32_t kKernelThread = 0x00200000;  // PF_KTHREAD, include/linux/sched.h
constexpr size_t kCmdlineBytes = 4096;

// Numbers of the fields behind the comm, counted from 0: state is field 3 in proc_pid_stat(5).
constexpr size_t kFlagsField = 9 - 3;
constexpr size_t kStartField = 22 - 3;

// The words of the line that begins with `head`.
std::vector<std::string_view> line_of(std::string_view text, std::string_view head) {
  for (const std::string_view line : split(text, '\n')) {
    if (line.starts_with(head)) return words(line.substr(head.size()));
  }
  return {};
}

std::string read_link(int folder, const char* name) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlinkat(folder, name, target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<size_t>(length)) : std::string{};
}

// Arguments end with NUL each.
std::string command_line(std::string text) {
  while (!text.empty() && text.back() == '\0') text.pop_back();
  if (text.size() > kCmdlineBytes) text.resize(kCmdlineBytes);
  std::ranges::replace(text, '\0', ' ');
  return text;
}

std::optional<Duration> age_of(uint64_t start_ticks) {
  const long per_second = ::sysconf(_SC_CLK_TCK);
  timespec now{};
  if (per_second <= 0 || ::clock_gettime(CLOCK_BOOTTIME, &now) != 0) return std::nullopt;
  const auto up = std::chrono::duration_cast<Duration>(std::chrono::seconds(now.tv_sec) +
                                                       std::chrono::nanoseconds(now.tv_nsec));
  const Duration start(start_ticks * 1'000'000 / static_cast<uint64_t>(per_second));
  return std::max(up - start, Duration::zero());
}

void read_cgroup(int folder, std::string& text, Process& process) {
  if (read_file_at(folder, "cgroup", text) != 0) return;
  process.cgroup = cgroup_path(text);
  CgroupName name = cgroup_name(process.cgroup);
  process.unit = std::move(name.unit);
  process.container = std::move(name.container);
}

// "0" is what the kernel writes for a running process, and for what it will not tell.
std::string wait_channel(std::string_view text) {
  const std::string_view channel = trim(text);
  return channel == "0" ? std::string{} : std::string(channel);
}

}  // namespace

bool ProcessStat::may_own_sockets() const { return (flags & kKernelThread) == 0 && state != 'Z'; }

std::optional<ProcessStat> parse_process_stat(std::string_view text) {
  // The comm stands in parentheses and may itself hold any of "() \n": the last one closes it.
  const size_t open = text.find('(');
  const size_t close = text.rfind(')');
  if (open == std::string_view::npos || close == std::string_view::npos || close < open) {
    return std::nullopt;
  }
  const std::vector<std::string_view> fields = words(trim(text.substr(close + 1)));
  if (fields.size() <= kStartField || fields[0].size() != 1) return std::nullopt;
  const auto flags = parse_number<uint32_t>(fields[kFlagsField]);
  const auto start = parse_number<uint64_t>(fields[kStartField]);
  if (!flags || !start) return std::nullopt;
  return ProcessStat{text.substr(open + 1, close - open - 1), fields[0][0], *flags, *start};
}

std::optional<uint32_t> parse_status_uid(std::string_view text) {
  const auto uids = line_of(text, "Uid:");  // real, effective, saved, file system
  return uids.size() < 2 ? std::nullopt : parse_number<uint32_t>(uids[1]);
}

std::optional<uint64_t> parse_fd_limit(std::string_view text) {
  const auto limits = line_of(text, "Max open files");  // soft, hard, unit
  return limits.empty() ? std::nullopt : parse_number<uint64_t>(limits[0]);
}

std::optional<ProcessRecord> read_process(int folder, uint32_t pid) {
  std::string text;
  if (read_file_at(folder, "stat", text) != 0) return std::nullopt;
  const std::optional<ProcessStat> stat = parse_process_stat(text);
  if (!stat) return std::nullopt;
  ProcessRecord record;
  Process& process = record.process;
  process.pid = pid;
  process.comm = stat->comm;
  process.state = stat->state;
  record.start_ticks = stat->start_ticks;
  process.age = age_of(stat->start_ticks);
  if (read_file_at(folder, "status", text) != 0) return std::nullopt;
  process.uid = parse_status_uid(text).value_or(0);
  process.exe = read_link(folder, "exe");
  if (read_file_at(folder, "cmdline", text) == 0) process.cmdline = command_line(std::move(text));
  read_cgroup(folder, text, process);
  if (read_file_at(folder, "wchan", text) == 0) process.wchan = wait_channel(text);
  if (read_file_at(folder, "limits", text) == 0) process.fd_limit = parse_fd_limit(text);
  return record;
}

// The size of /proc/PID/fd is their number since Linux 6.2; before, it is 0 and they are counted.
std::optional<uint32_t> open_descriptors(int folder) {
  struct stat about{};
  if (::fstatat(folder, "fd", &about, 0) != 0) return std::nullopt;
  if (about.st_size > 0) return static_cast<uint32_t>(about.st_size);
  const Fd fds(::openat(folder, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fds) return std::nullopt;
  uint32_t count = 0;
  const auto add = [&](const char* name) { count += *name != '.' ? 1 : 0; };
  return FolderReader().for_each(fds.get(), add) == 0 ? std::optional(count) : std::nullopt;
}

bool may_own_sockets(int folder) {
  std::string text;
  if (read_file_at(folder, "stat", text) != 0) return false;
  const std::optional<ProcessStat> stat = parse_process_stat(text);
  return stat && stat->may_own_sockets();
}

}  // namespace tcpdx::host
