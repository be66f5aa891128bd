// A fault of the catalogue: its texts and the pure functions that look for it.
#pragma once

#include <vector>

#include "faults/capture_facts.hpp"
#include "faults/facts.hpp"
#include "model/fault_info.hpp"
#include "model/finding.hpp"

namespace tcpdx::faults {

// Either function may be null: a live look, or a capture, cannot show every fault.
struct Fault {
  const FaultInfo* info;
  std::vector<Finding> (*find)(const Facts&);
  std::vector<Finding> (*find_in_capture)(const CaptureFacts&) = nullptr;
};

}  // namespace tcpdx::faults
