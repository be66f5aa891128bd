// From what the kernel's iterator said to the owners of a look: who holds its sockets, and what
// /proc tells about them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/runner.hpp"
#include "base/time.hpp"
#include "host/owner_records.hpp"
#include "host/process_table.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// Fills look.owners and each socket's part in it. A process that has ended since the pass, or whose
// number another one has by now, owns nothing. Returns how many /proc hides (hidepid, proc(5)):
// of those nothing is known but what the kernel said.
uint32_t join_holders(const std::string& proc, const Runner& run, OwnerPass pass, Look& look,
                      ProcessTable& table, std::vector<Process>& processes);

}  // namespace tcpdx::host
