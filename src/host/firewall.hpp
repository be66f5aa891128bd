// Whether the firewall of a network namespace lets new connections through to its listeners.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// Of the namespace in which the calling thread is. One answer per listener, in their order; where
// the rules cannot be read it is `unknown` and says what would be needed.
std::vector<FirewallAnswer> ask_firewall(const std::string& proc, uint16_t netns,
                                         const std::vector<SocketAddress>& listeners);

}  // namespace tcpdx::host
