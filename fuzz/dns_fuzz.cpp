// Whatever bytes come: a DNS message is read or refused, and what is read can be shown.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "wire/dns.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto message = tcpdx::wire::parse_dns(std::as_bytes(std::span(data, size)));
  if (!message) return 0;
  for (const auto& record : message->answers) {
    // Each octet of a message becomes at most four characters, beside the spaces between numbers.
    if (record.text.size() > size_t{8} * 65535 || record.name.empty()) std::abort();
  }
  return 0;
}
