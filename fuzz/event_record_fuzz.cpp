// Any bytes as a record of the BPF programs.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <utility>

#include "host/event_record.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto event = tcpdx::host::read_event_record(std::as_bytes(std::span(data, size)));
  if (!event) return 0;
  if (std::to_underlying(event->kind) >= tcpdx::kEventKinds) std::abort();
  if (event->local.addr.family != event->remote.addr.family) std::abort();
  if (event->comm.size() > 16 || tcpdx::to_string(event->kind).empty()) std::abort();
  return 0;
}
