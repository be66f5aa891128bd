// Any text as a row of /proc/net/tcp and /proc/net/tcp6.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/proc_net_tcp.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view row(static_cast<const char*>(static_cast<const void*>(data)), size);
  for (const tcpdx::Family family : {tcpdx::Family::v4, tcpdx::Family::v6}) {
    const auto socket = tcpdx::host::parse_proc_net_tcp_row(row, family);
    if (socket && socket->local.addr.family != family) std::abort();
  }
  return 0;
}
