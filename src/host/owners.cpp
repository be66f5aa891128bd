// readlinkat(2) gives "socket:[INODE]". fstatat(2) and statx(2) were slower by a quarter on 100k
// sockets, and fstatat waits for file servers that do not answer; readlinkat never does.
#include "host/owners.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <csignal>
#include <limits>
#include <map>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "base/text.hpp"
#include "host/folder.hpp"
#include "host/number_table.hpp"
#include "host/owner_join.hpp"

namespace tcpdx::host {

namespace {

constexpr std::string_view kSocketLink = "socket:[";
constexpr int kPerPiece = 1024;  // descriptors
constexpr int kMostNumbers = 1 << 30;
constexpr size_t kMostLarge = 64;  // each keeps two of our own descriptors open
constexpr int kFolderFlags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

// What some descriptors of a process have to do with the sockets of a look.
struct Links {
  std::vector<Owner> owners;  // their `process` is not yet known
  uint32_t open = 0;          // descriptors there are
  bool refused = false;       // some may not be read
};

// Reads one descriptor. It may be refused even in a folder that may be listed, and that is also
// what the kernel says of a process that has just ended (fs/proc/base.c, proc_pid_readlink).
void read_link(int fds, const char* name, int number, const InodeSet& inodes, Links& links) {
  std::array<char, 32> target;
  const ssize_t length = ::readlinkat(fds, name, target.data(), target.size());
  if (length < 0 && errno == ENOENT) return;
  ++links.open;
  if (length < 0 && errno == EACCES) links.refused = true;
  if (length <= 0) return;
  const std::string_view link(target.data(), static_cast<size_t>(length));
  if (!link.starts_with(kSocketLink)) return;
  uint32_t inode = 0;
  std::from_chars(link.data() + kSocketLink.size(), link.data() + link.size(), inode);
  if (inodes.find(inode) != nullptr) links.owners.push_back({inode, 0, number});
}

// The descriptors with these numbers, as far as they exist.
Links read_range(int fds, int first, int end, const InodeSet& inodes) {
  Links links;
  for (int number = first; number < end; ++number) {
    const fmt::format_int name(number);
    read_link(fds, name.c_str(), number, inodes, links);
  }
  return links;
}

// The descriptors that are listed, from a number on. In /proc/PID/fd, and only there, a position is
// the number plus two (fs/proc/fd.c, proc_readfd_common).
Links read_listed(int fds, int first, const InodeSet& inodes) {
  Links links;
  if (first > 0 && ::lseek(fds, first + 2, SEEK_SET) < 0) return links;
  FolderReader().for_each(fds, [&](const char* name) {
    const auto number = parse_number<int>(name);
    if (number && *number >= first) read_link(fds, name, *number, inodes, links);
  });
  return links;
}

// A process on the walk.
struct Visit {
  bool refused = false;
  std::vector<Owner> owners;
  std::optional<ProcessRecord> record;  // of a process with owners
  Fd folder, fds;                       // open as long as there is something to read
  int dense = 0;  // of a large process: descriptors below this are tried by number
};

void finish(uint32_t pid, Links links, Visit& seen) {
  if (links.owners.empty()) {
    seen.refused = links.refused && may_own_sockets(seen.folder.get());
  } else {
    seen.owners = std::move(links.owners);
    seen.record = read_process(seen.folder.get(), pid);
    // Without a record it ended meanwhile, and its descriptors with it.
    if (seen.record) seen.record->process.fds = links.open;
  }
  seen.fds.reset();
  seen.folder.reset();
}

// How many descriptors a process has, which /proc/PID/fd tells as its size since Linux 6.2; 0 where
// it does not, and in folders that only look like it.
int64_t size_of(int fds) {
  struct statfs system{};
  struct stat folder{};
  const bool proc = ::fstatfs(fds, &system) == 0 && system.f_type == PROC_SUPER_MAGIC;
  return proc && ::fstat(fds, &folder) == 0 ? folder.st_size : 0;
}

// Reads the descriptors of a process, unless they are many. `large` counts those processes.
Visit visit(int proc, uint32_t pid, const InodeSet& inodes, std::atomic<size_t>& large) {
  Visit seen;
  seen.folder = Fd(::openat(proc, std::to_string(pid).c_str(), kFolderFlags));
  if (!seen.folder) {
    // It has ended, or may not be looked at (hidepid=1, proc(5)).
    seen.refused = errno == EACCES || errno == EPERM;
    return seen;
  }
  seen.fds = Fd(::openat(seen.folder.get(), "fd", kFolderFlags));
  if (!seen.fds) {
    seen.refused = (errno == EACCES || errno == EPERM) && may_own_sockets(seen.folder.get());
    return seen;
  }
  const int64_t size = size_of(seen.fds.get());
  if (size > kPerPiece && size < kMostNumbers && large++ < kMostLarge) {
    seen.dense = static_cast<int>(size + size / 8);
  } else {
    finish(pid, read_listed(seen.fds.get(), 0, inodes), seen);
  }
  return seen;
}

// Reads the large processes. Listing a descriptor costs half as much again as reading it, so those
// that a dense table has are read by number and only the rest is listed. It is done piece by piece,
// so that one process with most of the machine's sockets does not keep one thread busy alone.
void read_in_pieces(const Runner& runner, std::span<const uint32_t> pids, const InodeSet& inodes,
                    std::vector<Visit>& visits) {
  struct Piece {
    int first;
    size_t of;
    Links links = {};
  };
  std::vector<Piece> pieces;
  for (size_t i = 0; i < visits.size(); ++i) {
    for (int at = 0; at < visits[i].dense; at += kPerPiece) pieces.push_back({at, i});
    if (visits[i].dense > 0) pieces.push_back({visits[i].dense, i});
  }
  // Neighbours in this order belong to different processes, whose folders have different locks.
  std::ranges::sort(pieces, {}, [](const Piece& p) { return std::pair(p.first, p.of); });
  runner(pieces.size(), [&](size_t i) {
    Piece& piece = pieces[i];
    const Visit& of = visits[piece.of];
    piece.links = piece.first == of.dense
                      ? read_listed(of.fds.get(), piece.first, inodes)
                      : read_range(of.fds.get(), piece.first,
                                   std::min(piece.first + kPerPiece, of.dense), inodes);
  });
  std::map<size_t, Links> whole;
  for (Piece& piece : pieces) {
    Links& all = whole[piece.of];
    all.open += piece.links.open;
    all.refused = all.refused || piece.links.refused;
    all.owners.insert(all.owners.end(), piece.links.owners.begin(), piece.links.owners.end());
    piece.links = {};
  }
  for (auto& [i, links] : whole) finish(pids[i], std::move(links), visits[i]);
}

// The first process of a pid namespace is always there; without a right to it, a /proc mounted with
// hidepid=2 does not show it.
bool hides_processes(int proc) {
  struct stat first{};
  return ::fstatat(proc, "1", &first, 0) != 0 && errno == ENOENT && ::kill(1, 0) != 0 &&
         errno == EPERM;
}

}  // namespace

WalkEnd OwnerWalk::run(const Runner& runner, Look& look, ProcessTable& table,
                       std::vector<Process>& processes) const {
  WalkEnd end;
  const Fd proc(::open(proc_.c_str(), kFolderFlags));
  if (!proc) {
    end.error = errno;
    return end;
  }
  InodeSet inodes(inodes_in(look.sockets));
  for (const Socket& socket : look.sockets) {
    if (socket.inode != 0) inodes.insert(socket.inode);
  }
  end.hidden = hides_processes(proc.get());
  const std::vector<uint32_t> pids = numbered_entries(proc.get());
  std::vector<Visit> visits(pids.size());
  std::atomic<size_t> large = 0;
  runner(pids.size(), [&](size_t i) { visits[i] = visit(proc.get(), pids[i], inodes, large); });
  read_in_pieces(runner, pids, inodes, visits);
  look.owners.reserve(look.sockets.size());
  for (Visit& seen : visits) {
    if (seen.refused) ++end.refused;
    if (!seen.record) continue;
    const uint32_t index = table.index_of(std::move(*seen.record), processes);
    for (const Owner& owner : seen.owners) look.owners.push_back({owner.inode, index, owner.fd});
    seen = {};  // given back at once: a machine may have many
  }
  join_owners(look);
  return end;
}

}  // namespace tcpdx::host
