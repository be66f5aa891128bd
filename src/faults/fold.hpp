// Which fault explains which: consequences are folded under their cause, so that one cause is one
// report.
#pragma once

#include <vector>

#include "faults/facts.hpp"
#include "model/finding.hpp"

namespace tcpdx::faults {

std::vector<Finding> folded(const Facts& facts, std::vector<Finding> findings);
// Of a capture.
std::vector<Finding> folded(std::vector<Finding> findings);

}  // namespace tcpdx::faults
