// Only processes that hold a socket of the look are read.
#include "host/holders.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <optional>
#include <utility>

#include "base/file.hpp"
#include "host/owner_join.hpp"

namespace tcpdx::host {
namespace {

struct Found {
  bool wanted = false;
  bool hidden = false;
  std::optional<ProcessRecord> record;  // nothing: it has ended
  uint32_t index = kNoIndex;            // in Observation::processes
};

bool lives(uint32_t pid) { return ::kill(static_cast<pid_t>(pid), 0) == 0 || errno != ESRCH; }

// As much of a process as the kernel's iterator says.
ProcessRecord named_by_kernel(const Holder& holder) {
  ProcessRecord record;
  record.process.pid = holder.pid;
  record.process.uid = holder.uid;
  record.process.comm = holder.comm;
  return record;
}

void find(int proc, const Holder& holder, std::chrono::steady_clock::time_point seen, Found& into) {
  const Fd folder(
      ::openat(proc, std::to_string(holder.pid).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!folder) {
    into.hidden = lives(holder.pid);
    if (into.hidden) into.record = named_by_kernel(holder);
    return;
  }
  into.record = read_process(folder.get(), holder.pid);
  if (!into.record) return;
  if (into.record->process.age <
      std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - seen)) {
    into.record.reset();
    return;
  }
  into.record->process.fds = open_descriptors(folder.get());
}

}  // namespace

uint32_t join_holders(const std::string& proc, const Runner& run, OwnerPass pass, Look& look,
                      ProcessTable& table, std::vector<Process>& processes) {
  look.owners = std::move(pass.owners);
  join_owners(look);
  std::vector<Found> found(pass.holders.size());
  for (const Owner& owner : look.owners) found[owner.process].wanted = true;
  const Fd folder(::open(proc.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  run(found.size(), [&](size_t i) {
    if (found[i].wanted) find(folder.get(), pass.holders[i], pass.ended, found[i]);
  });
  uint32_t hidden = 0;
  bool ended = false;
  for (Found& one : found) {
    if (one.hidden) ++hidden;
    if (one.record) one.index = table.index_of(std::move(*one.record), processes);
    ended = ended || (one.wanted && one.index == kNoIndex);
  }
  for (Owner& owner : look.owners) owner.process = found[owner.process].index;
  if (ended) {
    std::erase_if(look.owners, [](const Owner& owner) { return owner.process == kNoIndex; });
    join_owners(look);
  }
  return hidden;
}

}  // namespace tcpdx::host
