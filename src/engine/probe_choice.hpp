// Which destinations are worth a question: those whose connections are in trouble that an answer of
// the network would explain.
#pragma once

#include <compare>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx::engine {

struct ProbePlace {
  uint16_t netns = 0;
  IpAddress address;

  auto operator<=>(const ProbePlace&) const = default;
};

// Pure. The most troubled first: SYNs that are repeated, segments that are repeated in vain, round
// trips that have grown or vary much, neighbours that move. Never an address of 127/8 or ::1.
std::vector<ProbePlace> worth_asking(const Observation& seen);

}  // namespace tcpdx::engine
