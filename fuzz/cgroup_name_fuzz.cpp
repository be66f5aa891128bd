// Any text as /proc/PID/cgroup and as a path in it.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/cgroup_name.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  const std::string_view path = tcpdx::host::cgroup_path(text);
  for (const std::string_view each : {text, path}) {
    const tcpdx::host::CgroupName name = tcpdx::host::cgroup_name(each);
    if (name.unit.size() > each.size() || name.container.size() > each.size()) std::abort();
    if (name.unit.contains('/')) std::abort();
  }
  return 0;
}
