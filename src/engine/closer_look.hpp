// What a look at listeners asks beyond the kernel's tables.
#pragma once

#include <string>

#include "host/machine.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

// Asks the firewall of each namespace about the listeners of the last look.
void ask_firewalls(host::Machine& machine, const std::string& proc, Observation& into);

// Looks for hidden ports in each namespace (host/hidden_ports.hpp).
void sweep_hidden_ports(host::Machine& machine, const std::string& proc, Observation& into);

}  // namespace tcpdx::engine
