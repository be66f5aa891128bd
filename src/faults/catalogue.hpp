// The list of all faults, and the judgement over an Observation.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "faults/fault.hpp"

namespace tcpdx::faults {

// One fault, one file of the same name.
extern const Fault accept_queue_overflow;
extern const Fault accept_stalled;
extern const Fault fd_exhaustion_blocks_accept;
extern const Fault syn_flood;
extern const Fault connect_blackhole;
extern const Fault host_unreachable;
extern const Fault ephemeral_port_exhaustion;
extern const Fault half_open_busy;
extern const Fault zero_window_stuck_reader;
extern const Fault close_wait_leak;
extern const Fault fin_wait2_stuck;
extern const Fault fin_wait1_stuck;
extern const Fault last_ack_stuck;
extern const Fault time_wait_pileup;

// All of them, by group: listening and accepting, handshake, established connections, closing.
std::span<const Fault> catalogue();
const Fault* find_fault(std::string_view id);

// Every finding, worst first, consequences folded under their causes.
std::vector<Finding> diagnose(const Observation& observation);

}  // namespace tcpdx::faults
