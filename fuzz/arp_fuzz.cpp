// Whatever arrives as ARP: what is taken for a message is the same when it is written again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "wire/arp.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto octets = std::as_bytes(std::span(data, size));
  const auto message = tcpdx::wire::parse_arp(octets);
  if (!message) return 0;
  const auto written = tcpdx::wire::write_arp(*message);
  if (!std::ranges::equal(written, octets.first(written.size()))) std::abort();
  return 0;
}
