// Whatever bytes come: a baseline is read or refused, and what is read is written as the same
// baseline again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "store/baseline_file.hpp"

// NOLINTNEXTLINE(readability-identifier-naming): libFuzzer's name
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string bytes(data, data + size);
  const auto baseline = tcpdx::store::read_baseline(bytes);
  if (!baseline) return 0;
  const std::string written = tcpdx::store::write_baseline(*baseline);
  const auto again = tcpdx::store::read_baseline(written);
  if (!again || tcpdx::store::write_baseline(*again) != written) std::abort();
  return 0;
}
