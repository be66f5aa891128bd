#include "faults/capture_findings.hpp"

#include <algorithm>

#include "faults/signs.hpp"

namespace tcpdx::faults {

std::vector<std::string_view> findings_of(const Connection& connection) {
  std::vector<std::string_view> ids;
  for (const Shown& one : signs_of(connection)) {
    // One connection that stays half open is no flood.
    if (one.sign == Sign::half_open) continue;
    const std::string_view id = fault_of(one.sign);
    if (std::ranges::find(ids, id) == ids.end()) ids.push_back(id);
  }
  return ids;
}

}  // namespace tcpdx::faults
