// Whatever bytes come: a snapshot is read or refused, and what is read writes the same bytes again.
// A fuzzer cannot make a fitting checksum, so each input is also tried as a bare payload.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "store/archive.hpp"
#include "store/payload.hpp"
#include "store/snapshot.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::vector<char> bytes(data, data + size);
  if (const auto snapshot = tcpdx::store::unpack(bytes); snapshot && snapshot->looks.empty()) {
    std::abort();
  }
  using tcpdx::store::kSnapshotVersion;
  for (uint32_t version = 1; version <= kSnapshotVersion; ++version) {
    const auto observation = tcpdx::store::read_payload(bytes, version);
    if (!observation) continue;
    const auto payload = tcpdx::store::write_payload(*observation);
    const auto again = tcpdx::store::read_payload(payload, kSnapshotVersion);
    if (!again || tcpdx::store::write_payload(*again) != payload) std::abort();
  }
  return 0;
}
