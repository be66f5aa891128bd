// Round-trip times of one end in little memory: the first as they are, more of them in classes
// whose upper bound is at most 25 % above their lower one.
#pragma once

#include <cstdint>
#include <optional>

#include "model/connection.hpp"
#include "track/record.hpp"

namespace tcpdx::track {

void add_to(RttClasses& classes, uint32_t us);

// Exact for as many samples as RttSamples::first holds; of more, median and p99 are the middle of
// their class, min and max exact. Nothing without samples.
std::optional<RttSummary> summary_of(const RttSamples& samples, const RttClasses* classes);

}  // namespace tcpdx::track
