// Files are looked up below /proc/PID/root, so that a container's are its own, and no symbolic link
// leads out of it (openat2(2), RESOLVE_IN_ROOT).
#include "host/program_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstring>
#include <optional>
#include <set>
#include <vector>

#include "base/file.hpp"
#include "base/text.hpp"
#include "model/listener.hpp"

namespace tcpdx::host {
namespace {

constexpr size_t kCommBytes = 15;  // TASK_COMM_LEN less the NUL, include/linux/sched.h
constexpr size_t kTooShortToJudge = 3;

// Where systems keep their programs.
constexpr std::array kProgramFolders{"/usr/sbin", "/usr/bin",        "/sbin",
                                     "/bin",      "/usr/local/sbin", "/usr/local/bin"};

constexpr std::array<std::string_view, 14> kKernelThreads{
    "kworker/",  "ksoftirqd/", "kthreadd",  "migration/", "rcu_",         "kswapd",  "khugepaged",
    "kdevtmpfs", "kcompactd",  "watchdogd", "cpuhp/",     "idle_inject/", "kauditd", "jbd2/"};

constexpr std::array<std::string_view, 22> kInterpreters{
    "python", "perl",  "ruby", "node",  "nodejs", "bash", "sh",     "dash",
    "zsh",    "ksh",   "java", "php",   "lua",    "mono", "dotnet", "busybox",
    "beam",   "tclsh", "qemu", "guile", "wine",   "deno"};

struct Identity {
  dev_t device;
  ino_t inode;
  bool operator==(const Identity&) const = default;
};

Fd open_in_root(int root, const std::string& path, int flags) {
  open_how how{};
  how.flags = static_cast<unsigned>(flags | O_CLOEXEC);
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  // The path is absolute; RESOLVE_IN_ROOT takes its first slash for `root`.
  return Fd(static_cast<int>(::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how)));
}

std::optional<struct stat> stat_in_root(int root, const std::string& path) {
  struct stat found{};
  const Fd fd = open_in_root(root, path, O_PATH);
  if (!fd || ::fstat(fd.get(), &found) != 0) return std::nullopt;
  return found;
}

Identity identity_of(const struct stat& file) { return {file.st_dev, file.st_ino}; }

bool everybody_may_write(const struct stat& file) { return (file.st_mode & S_IWOTH) != 0; }

// "/tmp/x/tool" -> "/tmp", "/tmp/x", "/tmp/x/tool": the first that everybody may write to. The
// sticky bit of /tmp does not help: anybody may put a program there.
std::string writable_by_all(int root, const std::string& path) {
  for (size_t slash = 1; slash != std::string::npos;) {
    slash = path.find('/', slash + 1);
    const std::string part = path.substr(0, slash);
    const auto found = stat_in_root(root, part);
    if (found && everybody_may_write(*found)) return part;
  }
  return "";
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

// What stands first in a command line: "nginx: master process" -> "nginx".
std::string called_as(const Process& process) {
  const std::string_view first =
      std::string_view(process.cmdline)
          .substr(0, std::min(process.cmdline.find_first_of(" :"), process.cmdline.size()));
  return base_name(first);
}

bool is_script(int root, const std::string& path) {
  const Fd fd = open_in_root(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
  std::array<char, 2> head{};
  return fd && ::read(fd.get(), head.data(), head.size()) == 2 && head[0] == '#' && head[1] == '!';
}

// The program of the system that bears this name, where it is another file than `own`.
std::string other_program(int root, const std::string& name, const Identity& own) {
  if (name.find('/') != std::string::npos || name.size() < kTooShortToJudge) return "";
  for (const char* folder : kProgramFolders) {
    std::string path = fmt::format("{}/{}", folder, name);
    const auto found = stat_in_root(root, path);
    if (!found || !S_ISREG(found->st_mode)) continue;
    if (identity_of(*found) == own || is_script(root, path)) return "";
    return path;
  }
  return "";
}

// Calm: programs rename their threads, are links to others (busybox, alternatives) or run scripts.
// What stays odd is the name of a kernel thread, that of another program of the system, or a name
// that fits neither the file nor the command line.
std::string poses_as(int root, const Process& process, const struct stat& own) {
  const std::string file = base_name(program_path(process));
  if (is_kernel_thread_name(process.comm)) return "as kernel threads are called";
  if (names_agree(process.comm, file) || is_interpreter(file)) return "";
  const std::string other = other_program(root, process.comm, identity_of(own));
  if (!other.empty()) return fmt::format("as {}", other);
  // Threads rename themselves, and links have names of their own.
  const std::string called = called_as(process);
  if (called.empty() || names_agree(process.comm, called) || names_agree(called, file)) return "";
  return fmt::format("and {} in its command line", one_word(called));
}

ExeFile file_state(int root, const std::string& path, const struct stat& own) {
  if (path.starts_with("/memfd:")) return ExeFile::in_memory;
  const auto there = stat_in_root(root, path);
  if (there && identity_of(*there) == identity_of(own)) return ExeFile::present;
  // A container's file may lie where its root cannot show it; only the kernel's word says "gone".
  if (own.st_nlink != 0) return ExeFile::present;
  return there ? ExeFile::replaced : ExeFile::deleted;
}

std::string link_text(int folder) {
  std::array<char, PATH_MAX> target;
  const ssize_t length = ::readlinkat(folder, "exe", target.data(), target.size());
  return length > 0 ? std::string(target.data(), static_cast<size_t>(length)) : std::string{};
}

void check_program(const std::string& proc, Process& process) {
  const std::string path = fmt::format("{}/{}", proc, process.pid);
  const Fd folder(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  // The number may have been given to another process since the look.
  if (!folder || process.exe.empty() || link_text(folder.get()) != process.exe) return;
  const Fd root(::openat(folder.get(), "root", O_PATH | O_DIRECTORY | O_CLOEXEC));
  struct stat own{};
  if (!root || ::fstatat(folder.get(), "exe", &own, 0) != 0) return;
  const std::string file = program_path(process);
  process.program.file = file_state(root.get(), file, own);
  if (process.program.file != ExeFile::in_memory) {
    process.program.writable_by_all =
        everybody_may_write(own) && own.st_nlink != 0 ? file : writable_by_all(root.get(), file);
  }
  process.program.poses_as = poses_as(root.get(), process, own);
}

}  // namespace

bool is_kernel_thread_name(std::string_view comm) {
  if (comm.starts_with('[') && comm.ends_with(']')) return true;
  return std::ranges::any_of(kKernelThreads,
                             [&](std::string_view name) { return comm.starts_with(name); });
}

bool names_agree(std::string_view comm, std::string_view file) {
  const std::string a = lower(comm);
  const std::string b = lower(file);
  if (a.empty() || b.empty()) return true;
  return a.starts_with(b) || b.starts_with(a) ||
         (a.size() >= kCommBytes && b.starts_with(a.substr(0, kCommBytes)));
}

bool is_interpreter(std::string_view file) {
  // "python3.11", "php-fpm8.2", "ruby2.7", "beam.smp": a name and perhaps a version.
  const size_t end = file.find_first_of("0123456789.-");
  const std::string name = lower(file.substr(0, end));
  return std::ranges::find(kInterpreters, name) != kInterpreters.end();
}

void check_programs(const std::string& proc, Observation& into) {
  std::set<uint32_t> listening;
  for (const Socket& socket : into.now().sockets) {
    if (socket.state != tcp::State::listen) continue;
    for (const Owner& owner : owners_of(into.now(), socket)) listening.insert(owner.process);
  }
  for (const uint32_t process : listening) check_program(proc, into.processes[process]);
}

}  // namespace tcpdx::host
