// Topologies from anywhere: what can be read can be checked, and what is found to be good has no
// name or number that the kernel's messages could not hold.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "lab/topology_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tcpdx::lab;
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  const bool alone = read_impairment(text).has_value();
  static_cast<void>(alone);  // it only must not fail in any other way than by its result
  const auto read = read_topology(text);
  if (!read || !check(*read)) return 0;
  for (const LinkSettings& link : read->links) {
    for (const LinkEnd& end : link.ends) {
      if (end.device.empty() || end.device.size() > 15) std::abort();
    }
  }
  return 0;
}
