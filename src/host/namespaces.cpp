// See namespaces(7), network_namespaces(7), setns(2) and ioctl_nsfs(2).
#include "host/namespaces.hpp"

#include <fcntl.h>
#include <linux/nsfs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "host/folder.hpp"
#include "host/process_info.hpp"

namespace tcpdx::host {

namespace {

constexpr int kCouldNotLook = 3;  // exit code

using Found = std::map<uint64_t, NamespaceHandle>;  // by inode

// Only a namespace's own file answers this ioctl; any other file that stands where a name was is
// no network namespace. Non-blocking, since it might even be a pipe.
std::optional<NamespaceHandle> open_namespace(int folder, const char* path) {
  Fd file(::openat(folder, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  struct stat status{};
  if (!file || ::ioctl(file.get(), NS_GET_NSTYPE) != CLONE_NEWNET ||
      ::fstat(file.get(), &status) != 0) {
    return std::nullopt;
  }
  return NamespaceHandle{status.st_ino, {}, std::move(file)};
}

// "net:[4026531840]" -> 4026531840
std::optional<uint64_t> inode_of_link(std::string_view link) {
  constexpr std::string_view kHead = "net:[";
  if (!link.starts_with(kHead) || !link.ends_with(']')) return std::nullopt;
  return parse_number<uint64_t>(link.substr(kHead.size(), link.size() - kHead.size() - 1));
}

enum class Seen : uint8_t { known, fresh, hidden, gone };

Seen look_at_process(int proc, uint32_t pid, uint64_t home, Found& found) {
  const std::string folder = std::to_string(pid);
  const std::string path = folder + "/ns/net";
  std::array<char, 64> target;
  const ssize_t length = ::readlinkat(proc, path.c_str(), target.data(), target.size());
  if (length < 0) {
    if (errno != EACCES && errno != EPERM) return Seen::gone;
    const Fd process(::openat(proc, folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    return process && may_own_sockets(process.get()) ? Seen::hidden : Seen::gone;
  }
  const auto inode = inode_of_link({target.data(), static_cast<size_t>(length)});
  if (!inode) return Seen::gone;
  if (*inode == home || found.contains(*inode)) return Seen::known;
  // The process may have ended or moved on since; what counts is what is opened now.
  std::optional<NamespaceHandle> opened = open_namespace(proc, path.c_str());
  if (!opened) return Seen::gone;
  if (opened->inode == home) return Seen::known;
  const uint64_t key = opened->inode;
  return found.try_emplace(key, std::move(*opened)).second ? Seen::fresh : Seen::known;
}

void add_named(const std::string& run_netns, uint64_t home, Found& found, std::string& home_name) {
  const Fd folder(::open(run_netns.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) return;  // nobody has named one
  FolderReader().for_each(folder.get(), [&](const char* name) {
    std::optional<NamespaceHandle> opened = open_namespace(folder.get(), name);
    if (!opened) return;
    if (opened->inode == home) {
      home_name = name;
      return;
    }
    const uint64_t key = opened->inode;
    found.try_emplace(key, std::move(*opened)).first->second.name = name;
  });
}

}  // namespace

Result<NamespaceHandle> home_namespace() {
  constexpr const char* kPath = "/proc/thread-self/ns/net";
  std::optional<NamespaceHandle> home = open_namespace(AT_FDCWD, kPath);
  if (!home) return fail("cannot open the network namespace {}: {}", kPath, errno_text(errno));
  return std::move(*home);
}

FoundNamespaces find_namespaces(const std::string& proc, const std::string& run_netns,
                                const NamespaceHandle& home) {
  Found found;
  FoundNamespaces result;
  if (const Fd folder(::open(proc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)); folder) {
    for (const uint32_t pid : numbered_entries(folder.get())) {
      if (look_at_process(folder.get(), pid, home.inode, found) == Seen::hidden) ++result.hidden;
    }
  }
  add_named(run_netns, home.inode, found, result.home_name);
  for (auto& [inode, handle] : found) result.others.push_back(std::move(handle));
  return result;
}

int NamespaceVisit::enter(const NamespaceHandle& target, const NamespaceHandle& home) {
  if (target.inode == home.inode) return 0;
  if (::setns(target.handle.get(), CLONE_NEWNET) != 0) return errno;
  home_ = home.handle.get();
  return 0;
}

NamespaceVisit::~NamespaceVisit() {
  if (home_ < 0 || ::setns(home_, CLONE_NEWNET) == 0) return;
  std::fprintf(stderr, "tcpdx: cannot return to its own network namespace: %s\n",
               errno_text(errno).c_str());
  std::_Exit(kCouldNotLook);
}

}  // namespace tcpdx::host
