// One connection of a capture as a ladder: a line for each packet with the states of both ends
// beside it, long runs and silences folded; and its packets as JSON.
#pragma once

#include <ostream>

#include "model/connection.hpp"
#include "view/packet_log.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// `all`: without folding.
void write_packet_ladder(std::ostream& out, const Style& style, const Connection& connection,
                         const PacketLog& log, bool all);

// A line for each packet: docs/json.md, `tcpdx show --json`.
void write_packets_json(std::ostream& out, const PacketLog& log);

}  // namespace tcpdx::view
