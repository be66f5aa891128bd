// What every fault asks of an Observation, worked out once: sockets by state, what belongs
// together over time, rates per window, how long a connection has been in its state.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/time.hpp"
#include "model/observation.hpp"
#include "tcp/state.hpp"

namespace tcpdx::faults {

// The bound that is known of a time, and where it comes from.
struct Age {
  Duration at_least{};
  std::string_view source;  // "tracked by cookie", "tcpi_last_ack_recv" ...
};

}  // namespace tcpdx::faults
