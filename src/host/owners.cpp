// readlinkat(2) gives "socket:[INODE]". fstatat(2) and statx(2) were slower by a quarter on 100k
// sockets, and fstatat waits for file servers that do not answer; readlinkat never does.
#include "host/owners.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/folder.hpp"
#include "host/inode_set.hpp"

namespace tcpdx::host {

namespace {

constexpr std::string_view kSocketLink = "socket:[";
constexpr size_t kPerPiece = 1024;  // descriptors
constexpr size_t kMostLarge = 64;   // each keeps two of our own descriptors open
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
  std::vector<int> numbers;             // all its descriptors
  Fd folder, fds;                       // open as long as there is something to read
};

// The owners among some descriptors of a process.
struct Links {
  std::vector<Owner> owners;
  bool refused = false;
};

Links read_links(int fds, std::span<const int> numbers, const InodeSet& inodes) {
  Links links;
  for (const int number : numbers) {
    const fmt::format_int name(number);
    const uint32_t inode = socket_inode(fds, name.c_str(), links.refused);
    if (inodes.contains(inode)) links.owners.push_back({inode, 0, number});
  }
  return links;
}

void finish(uint32_t pid, Links links, Visit& seen) {
  if (links.owners.empty()) {
    seen.refused = links.refused && may_own_sockets(seen.folder.get());
    return;
  }
  seen.owners = std::move(links.owners);
  seen.record = read_process(seen.folder.get(), pid);
  // Without a record it ended meanwhile, and its descriptors with it.
  if (seen.record) seen.record->process.fds = static_cast<uint32_t>(seen.numbers.size());
}

// Lists the descriptors and, unless they are many, reads them. `large` counts the processes that
// are left to be read in pieces.
Visit visit(int proc, uint32_t pid, const InodeSet& inodes, std::atomic<size_t>& large) {
  Visit seen;
  seen.folder = Fd(::openat(proc, std::to_string(pid).c_str(), kFolderFlags));
  if (!seen.folder) return seen;  // it has ended
  seen.fds = Fd(::openat(seen.folder.get(), "fd", kFolderFlags));
  if (!seen.fds) {
    seen.refused = (errno == EACCES || errno == EPERM) && may_own_sockets(seen.folder.get());
  } else {
    FolderReader().for_each(seen.fds.get(), [&](const char* name) {
      if (const auto number = parse_number<int>(name)) seen.numbers.push_back(*number);
    });
    if (seen.numbers.size() > kPerPiece && large++ < kMostLarge) return seen;
    finish(pid, read_links(seen.fds.get(), seen.numbers, inodes), seen);
  }
  seen.fds.reset();
  seen.folder.reset();
  return seen;
}

// Reads the large processes piece by piece, so that one that holds most of the machine's sockets
// does not keep one thread busy and the others idle.
void read_in_pieces(const Runner& runner, std::span<const uint32_t> pids, const InodeSet& inodes,
                    std::vector<Visit>& visits) {
  struct Piece {
    size_t of;
    size_t first;
    Links links = {};
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < visits.size(); ++i) {
    if (!visits[i].fds) continue;
    for (size_t at = 0; at < visits[i].numbers.size(); at += kPerPiece) pieces.push_back({i, at});
  }
  // Neighbours in this order belong to different processes, whose folders have different locks.
  std::ranges::sort(pieces, {}, [](const Piece& p) { return std::pair(p.first, p.of); });
  runner(pieces.size(), [&](size_t i) {
    const Visit& of = visits[pieces[i].of];
    const std::span<const int> rest = std::span(of.numbers).subspan(pieces[i].first);
    pieces[i].links =
        read_links(of.fds.get(), rest.first(std::min(kPerPiece, rest.size())), inodes);
  });
  std::map<size_t, Links> whole;
  for (Piece& piece : pieces) {
    Links& all = whole[piece.of];
    all.refused = all.refused || piece.links.refused;
    all.owners.insert(all.owners.end(), piece.links.owners.begin(), piece.links.owners.end());
    piece.links = {};
  }
  for (auto& [i, links] : whole) finish(pids[i], std::move(links), visits[i]);
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
  std::atomic<size_t> large = 0;
  runner(pids.size(), [&](size_t i) { visits[i] = visit(proc.get(), pids[i], inodes, large); });
  read_in_pieces(runner, pids, inodes, visits);
  look.owners.reserve(look.sockets.size());
  for (Visit& seen : visits) {
    if (seen.refused) ++end.refused;
    if (!seen.record) continue;
    const uint32_t index = index_of(std::move(*seen.record), processes);
    for (const Owner& owner : seen.owners) look.owners.push_back({owner.inode, index, owner.fd});
    seen = {};  // given back at once: a machine may have many
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
