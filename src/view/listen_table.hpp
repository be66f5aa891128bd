// The report of `tcpdx listen`: a line per listener, then what is odd and what has changed.
#pragma once

#include <cstdint>
#include <ostream>
#include <span>

#include "model/baseline.hpp"
#include "model/listener.hpp"
#include "model/observation.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// Sockets of a SO_REUSEPORT group that the same program holds are one line.
void write_listen_table(std::ostream& out, const Style& style, const Observation& observation,
                        std::span<const ListeningSocket> listeners);

// What is odd about them, and hidden ports; nothing when there is nothing.
void write_listen_signs(std::ostream& out, const Style& style, const Observation& observation,
                        std::span<const ListeningSocket> listeners);

// What differs from the baseline, or one line that says that nothing does.
void write_changes(std::ostream& out, const Style& style, const Baseline& baseline,
                   const Comparison& comparison);

}  // namespace tcpdx::view
