// A simulated run as a ladder: one line for each segment with the states of both ends beside it,
// in the manner of RFC 9293's figures; and the same as JSON.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>

#include "sim/recording.hpp"
#include "sim/scenario.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

void write_ladder(std::ostream& out, const Style& style, const sim::Scenario& scenario,
                  const sim::Recording& recording);
void write_ladder_json(std::ostream& out, const sim::Scenario& scenario, uint64_t seed,
                       const sim::Recording& recording);

void list_scenarios(std::ostream& out, const Style& style);
void list_scenarios_json(std::ostream& out);

}  // namespace tcpdx::view
