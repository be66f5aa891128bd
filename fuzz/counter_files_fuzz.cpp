// Any text as each of the kernel's counter files.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/counter_files.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  tcpdx::Counters counters;
  tcpdx::host::parse_snmp(text, counters);
  tcpdx::host::parse_snmp6(text, counters);
  tcpdx::host::parse_sockstat(text, "sockstat", true, counters);
  tcpdx::host::parse_conntrack_stat(text, counters);
  counters.sort();
  for (const auto& [name, value] : counters.all()) {
    if (name.empty() || !counters.get(name)) std::abort();
  }
  tcpdx::host::parse_softnet(text);
  return 0;
}
