// Some sockets of a look asked for again, without a dump of the whole table.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "host/netlink.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// `ask` is a NETLINK_SOCK_DIAG socket of the namespace in which all of `which` are. One request for
// each, and one dump of listeners alone for those among them. Answers are put in the places of what
// was known; owners stay where the inode does. Returns those that are gone.
Result<std::vector<uint32_t>> refresh_sockets(const Ask& ask, std::span<const uint32_t> which,
                                              bool infos, Look& look);

}  // namespace tcpdx::host
