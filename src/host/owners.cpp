// readlinkat(2) gives "socket:[INODE]". fstatat(2) and statx(2) were slower by a quarter on 100k
// sockets, and fstatat waits for file servers that do not answer; readlinkat never does.
#include "host/owners.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/folder.hpp"
#include "host/inode_set.hpp"

namespace tcpdx::host {

namespace {

constexpr std::string_view kSocketLink = "socket:[";
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// The inode of the socket behind a descriptor; 0 when it is none. `refused` is set where it may
// not be read. That can be so even in a folder that may be listed, and it is also what the kernel
// says of a process that has just ended (fs/proc/base.c, proc_pid_readlink).
uint32_t socket_inode(int fds, const char* name, bool& refused) {
  std::array<char, 32> target;
  const ssize_t length = ::readlinkat(fds, name, target.data(), target.size());
  if (length < 0 && errno == EACCES) refused = true;
  if (length <= 0) return 0;
  const std::string_view link(target.data(), static_cast<size_t>(length));
  if (!link.starts_with(kSocketLink)) return 0;
  uint32_t inode = 0;
  std::from_chars(link.data() + kSocketLink.size(), link.data() + link.size(), inode);
  return inode;
}

InodeSet inodes_of(const std::vector<Socket>& sockets) {
  const auto open = std::ranges::count_if(sockets, [](const Socket& s) { return s.inode != 0; });
  InodeSet inodes(static_cast<size_t>(open));
  for (const Socket& socket : sockets) {
    if (socket.inode != 0) inodes.insert(socket.inode);
  }
  return inodes;
}

// What one process has to do with the sockets of a look.
struct Visit {
  bool refused = false;
  std::vector<Owner> owners;            // their `process` is not yet known
  std::optional<ProcessRecord> record;  // of a process with owners
};

Visit visit(int proc, uint32_t pid, const InodeSet& inodes) {
  Visit seen;
  const Fd folder(::openat(proc, std::to_string(pid).c_str(), kFolderFlags));
  if (!folder) return seen;  // it has ended
  const Fd fds(::openat(folder.get(), "fd", kFolderFlags));
  if (!fds) {
    seen.refused = (errno == EACCES || errno == EPERM) && may_own_sockets(folder.get());
    return seen;
  }
  uint32_t open = 0;
  bool refused = false;
  FolderReader().for_each(fds.get(), [&](const char* name) {
    const std::optional<int> fd = parse_number<int>(name);
    if (!fd) return;
    ++open;
    const uint32_t inode = socket_inode(fds.get(), name, refused);
    if (inodes.contains(inode)) seen.owners.push_back({inode, 0, *fd});
  });
  if (seen.owners.empty()) {
    seen.refused = refused && may_own_sockets(folder.get());
    return seen;
  }
  seen.record = read_process(folder.get(), pid);
  if (seen.record) seen.record->process.fds = open;
  return seen;  // without a record it ended meanwhile, and its descriptors with it
}

void join(Look& look) {
  std::ranges::sort(look.owners, {}, [](const Owner& owner) {
    return std::pair{owner.inode, uint64_t{owner.process} << 32 | static_cast<uint32_t>(owner.fd)};
  });
  for (Socket& socket : look.sockets) {
    if (socket.inode == 0) continue;
    const auto owners = std::ranges::equal_range(look.owners, socket.inode, {}, &Owner::inode);
    if (owners.empty()) continue;
    socket.first_owner = static_cast<uint32_t>(owners.begin() - look.owners.begin());
    socket.owner_count = static_cast<uint16_t>(
        std::min<size_t>(owners.size(), std::numeric_limits<uint16_t>::max()));
  }
}

}  // namespace

WalkEnd OwnerWalk::run(const Runner& runner, Look& look, std::vector<Process>& processes) {
  WalkEnd end;
  const Fd proc(::open(proc_.c_str(), kFolderFlags));
  if (!proc) {
    end.error = errno;
    return end;
  }
  const InodeSet inodes = inodes_of(look.sockets);
  const std::vector<uint32_t> pids = numbered_entries(proc.get());
  std::vector<Visit> visits(pids.size());
  runner(pids.size(), [&](size_t i) { visits[i] = visit(proc.get(), pids[i], inodes); });
  look.owners.reserve(look.sockets.size());
  for (Visit& seen : visits) {
    if (seen.refused) ++end.refused;
    if (!seen.record) continue;
    const uint32_t index = index_of(std::move(*seen.record), processes);
    for (const Owner& owner : seen.owners) look.owners.push_back({owner.inode, index, owner.fd});
    seen.owners = {};  // given back at once: a machine may have many
  }
  join(look);
  return end;
}

uint32_t OwnerWalk::index_of(ProcessRecord record, std::vector<Process>& processes) {
  const auto found = known_.find(record.process.pid);
  if (found != known_.end() && found->second.start_ticks == record.start_ticks) {
    processes[found->second.index] = std::move(record.process);
    return found->second.index;
  }
  const auto index = static_cast<uint32_t>(processes.size());
  known_[record.process.pid] = {record.start_ticks, index};
  processes.push_back(std::move(record.process));
  return index;
}

}  // namespace tcpdx::host
