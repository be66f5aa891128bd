// The JSON document of `tcpdx listen`; docs/json.md describes it.
#pragma once

#include <ostream>
#include <span>

#include "model/baseline.hpp"
#include "model/listener.hpp"
#include "model/observation.hpp"

namespace tcpdx::view {

// `comparison` is null where there is no baseline.
void write_listen_json(std::ostream& out, const Observation& observation,
                       std::span<const ListeningSocket> listeners, const Comparison* comparison);

}  // namespace tcpdx::view
