// What /proc/PID says of a process.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/time.hpp"
#include "model/process.hpp"

namespace tcpdx::host {

// The columns of /proc/PID/stat that are of use (proc_pid_stat(5)).
struct ProcessStat {
  std::string_view comm;
  char state = '?';
  uint32_t flags = 0;        // PF_*
  uint64_t start_ticks = 0;  // since boot; with the pid it names a process for good

  // Kernel threads have no descriptors, zombies have them no more.
  bool may_own_sockets() const;
};

std::optional<ProcessStat> parse_process_stat(std::string_view text);

// The effective user of /proc/PID/status.
std::optional<uint32_t> parse_status_uid(std::string_view text);

// The soft limit of "Max open files" in /proc/PID/limits; nothing when it is unlimited.
std::optional<uint64_t> parse_fd_limit(std::string_view text);

struct ProcessRecord {
  Process process;
  uint64_t start_ticks = 0;
};

// Reads the process whose folder under /proc is open as `folder`; a folder stays with its process,
// even when the number is given to another one. Nothing if the process has ended.
std::optional<ProcessRecord> read_process(int folder, uint32_t pid);

// How many descriptors the process of this folder has; nothing where that may not be known.
std::optional<uint32_t> open_descriptors(int folder);

// Of a folder whose descriptors may not be read: could it have any?
bool may_own_sockets(int folder);

}  // namespace tcpdx::host
