// A program that owns sockets, as /proc shows it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/time.hpp"

namespace tcpdx {

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
};

}  // namespace tcpdx
