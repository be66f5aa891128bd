// Shapes that the JSON of all probing commands shares.
#pragma once

#include <optional>
#include <span>

#include "probe/facts.hpp"
#include "probe/statistics.hpp"
#include "view/json.hpp"

namespace tcpdx::view {

// {"min","median","mean","p95","p99","max","stddev","samples"} in microseconds, or null.
Json rtt_json(const std::optional<probe::RttSummary>& rtt);
// {"value","low","high"}.
Json share_json(const probe::Share& share);
// [{"fact","value"}].
Json facts_json(std::span<const probe::Fact> facts);

}  // namespace tcpdx::view
