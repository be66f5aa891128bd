// The settings of a network namespace that decide how its connections live and die.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "model/counters.hpp"

namespace tcpdx::host {

// "net.ipv4.tcp_fin_timeout" ...: what a report may have to quote.
std::span<const std::string_view> saved_sysctls();

// Those of the namespace the calling thread is in, from PROC/sys. What the namespace does not have
// is left out (tcp_mem and tcp_max_orphans exist in the initial one only).
Sysctls read_sysctls(const std::string& proc);

}  // namespace tcpdx::host
