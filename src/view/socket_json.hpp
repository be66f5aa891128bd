// The JSON document of `tcpdx sockets`; docs/json.md describes it.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>

#include "model/observation.hpp"

namespace tcpdx::view {

// `shown`: indices of sockets of the last look, in the order in which they are written.
// `owners_known`: false when owners were not asked for; they are null then.
void write_sockets_json(std::ostream& out, const Observation& observation,
                        std::span<const uint32_t> shown, bool owners_known);

}  // namespace tcpdx::view
