// Any text as /proc/PID/stat, status and limits; a program chooses its own name in the first.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "host/process_info.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  if (const auto stat = tcpdx::host::parse_process_stat(text)) {
    if (stat->comm.size() > text.size()) std::abort();
  }
  tcpdx::host::parse_status_uid(text);
  tcpdx::host::parse_fd_limit(text);
  return 0;
}
