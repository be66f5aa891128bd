// What a cgroup's path says of a process: its systemd unit and its container.
#pragma once

#include <string>
#include <string_view>

namespace tcpdx::host {

struct CgroupName {
  std::string unit;       // "nginx.service", "session-3.scope"; empty: none
  std::string container;  // first 12 characters of an id, or a name; empty: none
};

CgroupName cgroup_name(std::string_view path);

// The path out of the text of /proc/PID/cgroup: of the v2 tree, or of systemd's v1 tree where the
// process stands at the root of the former.
std::string_view cgroup_path(std::string_view text);

}  // namespace tcpdx::host
