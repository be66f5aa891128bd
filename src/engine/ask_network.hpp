// Asks the network about what a look has seen, once the user allows it (doctor --probe). Every
// number here bounds what is sent; the command's help tells them.
#pragma once

#include <functional>
#include <string>

#include "base/time.hpp"
#include "host/machine.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

inline constexpr size_t kMostProbedHosts = 4;
inline constexpr size_t kMostProbedServers = 3;
// Packets for one host: 8 echoes, 20 of ten sizes, 6 walks of at most 30 hops with an echo before
// and 6 more to the target, 3 ARP requests; for a name server: 5 questions by UDP and one by TCP.
inline constexpr size_t kMostProbePackets = 900;
// All of it, the wait for the last answer included.
inline constexpr Duration kLongestProbing = 10s;

struct AskOptions {
  std::string proc = "/proc";
  std::string resolv_conf = "/etc/resolv.conf";
  std::function<bool()> stop;
};

// Fills into.probes; what could not be asked goes to into.missing.
void ask_network(host::Machine& machine, const AskOptions& options, Observation& into);

}  // namespace tcpdx::engine
