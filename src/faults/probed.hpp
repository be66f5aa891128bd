// What the network said of a destination, where it was asked (doctor --probe).
#pragma once

#include <cstddef>
#include <optional>

#include "faults/facts.hpp"

namespace tcpdx::faults {

// Null: it was not asked.
const ProbedHost* probed(const Facts& facts, size_t netns, const IpAddress& address);
inline const ProbedHost* probed(const Facts& facts, const Socket& socket) {
  return probed(facts, socket.netns, socket.remote.addr);
}

// The middle one of the echoes' round trips; nothing: none was answered.
std::optional<Duration> median_echo(const ProbedHost& host);

}  // namespace tcpdx::faults
