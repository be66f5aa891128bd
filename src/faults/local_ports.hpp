// Local ports in use towards one destination; shared by ephemeral-port-exhaustion and
// time-wait-pileup.
#pragma once

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

// The ports a program may be given for (local address, destination), and what holds them.
struct PortUse {
  const Socket* example = nullptr;
  Sockets live;
  size_t time_wait = 0;           // all of them
  size_t time_wait_blocking = 0;  // those whose port connect() cannot take again yet
  uint64_t available = 0;         // ip_local_port_range less ip_local_reserved_ports

  double share() const;  // of the available ports that cannot be had
};

// By namespace, local address and destination; only where the range is known and at least half of
// it is in use in any way.
std::vector<PortUse> port_use(const Facts& facts);

}  // namespace tcpdx::faults
