// Connections that wait for an answer to their SYN, by destination; shared by connect-blackhole and
// host-unreachable, which must never both name the same destination.
#pragma once

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

struct Attempts {
  uint16_t netns = 0;
  Endpoint destination;
  const Socket* example = nullptr;  // of the last look, else of the first
  Sockets now;                      // SYN-SENT in the last look
  size_t gone = 0;                  // SYN-SENT in the first look, no longer there
  size_t succeeded = 0;             // sockets in any later state towards the same destination
  const Route* route = nullptr;

  size_t count() const { return now.size() + gone; }
};

std::vector<Attempts> attempts_by_destination(const Facts& facts);

// Why no packet can reach the destination as far as this machine itself knows ("no route",
// "the neighbour 10.0.0.9 does not answer"); empty when it knows of no reason.
std::string unreachable_reason(const Attempts& attempts);

}  // namespace tcpdx::faults
