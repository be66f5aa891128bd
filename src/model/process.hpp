// A program that owns sockets, as /proc shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace tcpdx {

// What became of the file that a process runs.
enum class ExeFile : uint8_t {
  unknown,
  present,
  replaced,  // deleted, but another file has its path now, as after an upgrade
  deleted,
  in_memory  // memfd_create(2): it never had a path
};

// A closer look at the program of a process that listens (host/program_check.hpp).
struct ProgramCheck {
  ExeFile file = ExeFile::unknown;
  std::string writable_by_all;  // its file, or a folder above it, to which everybody may write
  std::string poses_as;         // whose name it bears, as part of a sentence; empty: its own
};

struct Process {
  uint32_t pid = 0;
  std::string comm;     // /proc/PID/comm; any bytes but NUL: never show it without printable()
  std::string exe;      // empty: not readable
  std::string cmdline;  // arguments separated by blanks, at most 4 KiB
  uint32_t uid = 0;
  std::string cgroup;                // path in the cgroup v2 tree, or in systemd's v1 tree
  std::string unit;                  // "nginx.service", empty: none
  std::string container;             // first 12 characters of its id, or its name; empty: none
  char state = '?';                  // /proc/PID/status: R, S, D, T, t, Z ...
  std::string wchan;                 // kernel function it sleeps in; empty: not readable
  std::optional<Duration> age;       // since it was started
  std::optional<uint32_t> fds;       // open descriptors
  std::optional<uint64_t> fd_limit;  // soft RLIMIT_NOFILE
  ProgramCheck program;              // of those that listen
};

}  // namespace tcpdx
