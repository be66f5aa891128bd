// A fault of the catalogue: its texts and the pure function that looks for it.
#pragma once

#include <vector>

#include "faults/facts.hpp"
#include "model/fault_info.hpp"
#include "model/finding.hpp"

namespace tcpdx::faults {

struct Fault {
  const FaultInfo* info;
  std::vector<Finding> (*find)(const Facts&);
};

}  // namespace tcpdx::faults
