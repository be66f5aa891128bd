// Whatever a router appends to an ICMP error: its labels are read or it is passed over.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "probe/error_queue.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto labels = tcpdx::probe::read_labels(std::as_bytes(std::span(data, size)));
  if (labels.size() * 4 > size) std::abort();
  return 0;
}
