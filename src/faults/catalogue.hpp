// The list of all faults, and the judgement over an Observation or a capture.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "faults/fault.hpp"

namespace tcpdx::faults {

// One fault, one file of the same name.
extern const Fault unexpected_listener;
extern const Fault accept_queue_overflow;
extern const Fault accept_stalled;
extern const Fault backlog_clamped;
extern const Fault fd_exhaustion_blocks_accept;
extern const Fault reuseport_stuck_worker;
extern const Fault syn_flood;
extern const Fault connect_blackhole;
extern const Fault host_unreachable;
extern const Fault ephemeral_port_exhaustion;
extern const Fault half_open_busy;
extern const Fault half_open_idle;
extern const Fault keepalive_absent;
extern const Fault zero_window_stuck_reader;
extern const Fault receive_buffer_prune;
extern const Fault tcp_memory_pressure;
extern const Fault close_wait_leak;
extern const Fault fin_wait2_stuck;
extern const Fault fin_wait1_stuck;
extern const Fault last_ack_stuck;
extern const Fault closing_stuck;
extern const Fault time_wait_pileup;
extern const Fault time_wait_bucket_overflow;
extern const Fault orphan_limit;
extern const Fault connection_refused;
extern const Fault slow_handshake_syn_retransmit;
extern const Fault dns_slow_or_failing;
extern const Fault port_scan_inbound;
extern const Fault syn_cookies_active;
extern const Fault synack_lost;
extern const Fault outbound_scan_or_worm;
extern const Fault bind_conflict;
extern const Fault simultaneous_open;
extern const Fault stale_tuple_collision;
extern const Fault reset_peer_lost_state;
extern const Fault keepalive_reuse_race;
extern const Fault packet_loss_retransmission;
extern const Fault reordering_spurious_retransmit;
extern const Fault mtu_black_hole;
extern const Fault bufferbloat_rtt_inflation;
extern const Fault path_instability;
extern const Fault bad_checksum;
extern const Fault host_receive_drop;
extern const Fault neighbour_table_overflow;
extern const Fault duplicate_ip_arp_conflict;
extern const Fault asymmetric_route_rpfilter;
extern const Fault conntrack_table_full;
extern const Fault rst_by_middlebox;
extern const Fault rst_on_close_unread;
extern const Fault rst_abortive_linger;
extern const Fault rst_to_closed_socket;
extern const Fault challenge_ack_or_ack_loop;

// All of them, by group: listening and accepting, handshake, established connections, path,
// resets, closing.
std::span<const Fault> catalogue();
const Fault* find_fault(std::string_view id);

// Every finding, worst first, consequences folded under their causes.
std::vector<Finding> diagnose(const Observation& observation);
std::vector<Finding> diagnose(const CaptureFacts& capture);

}  // namespace tcpdx::faults
