// One look at the sockets of this machine, and those of them that a filter selects.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/machine.hpp"
#include "model/filter.hpp"
#include "model/observation.hpp"

namespace tcpdx::cli {

// Does a word of the filter ask for the program behind a socket?
bool needs_owners(const Filter& filter);
// The first such word as it was written: "pid 2210".
std::string owner_word(const Filter& filter);

Result<Observation> look_once(const host::LookOptions& look, const host::Sources& sources);

// Indices of the last look's sockets.
std::vector<uint32_t> select(const Observation& observation, const Filter& filter);

}  // namespace tcpdx::cli
