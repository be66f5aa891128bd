// Connections that wait for an answer to their SYN, by destination; shared by connect-blackhole and
// host-unreachable, which must never both name the same destination.
#pragma once

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

struct Attempts {
  uint16_t netns = 0;
  SocketAddress destination;
  const Socket* example = nullptr;  // of the last look, else of the first
  Sockets now;                      // SYN-SENT in the last look
  Sockets gone;                     // SYN-SENT in the first look, in no state in the last
  size_t succeeded = 0;             // handshakes with the same destination in the window
  const Route* route = nullptr;

  size_t count() const { return now.size() + gone.size(); }
};

// By namespace and destination, IPv4-mapped addresses with the IPv4 ones.
std::vector<Attempts> attempts_by_destination(const Facts& facts);

// How long the oldest attempt went without an answer when it was last seen, at least.
Duration longest_wait(const Facts& facts, const Attempts& attempts);

// "billing (pid 41)", or "3 programs, one of them billing (pid 41)".
std::string callers(const Facts& facts, const Attempts& attempts);

// Why no packet can reach the destination as far as this machine itself knows ("no route",
// "the neighbour 10.0.0.9 does not answer"); empty when it knows of no reason.
std::string unreachable_reason(const Attempts& attempts);

}  // namespace tcpdx::faults
