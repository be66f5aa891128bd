// What an endpoint may be told: limits, times and choices, each default with its source. The
// defaults are those of Linux 6.x; rfc9293() gives the RFC's own where it names any.
#pragma once

#include <cstdint>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "tcp/congestion.hpp"
#include "tcp/rtt.hpp"

namespace tcpdx::tcp {

enum class SynCookies : uint8_t { never, when_full, always };

struct Settings {
  // --- This host and the network below it
  // Own addresses: the first of a family is the default source (RFC 9293 MUST-44). Segments to
  // others are dropped; with an empty list every unicast address is ours.
  std::vector<IpAddress> addresses;
  // Directed broadcast addresses, which no prefix length tells here (MUST-46, MUST-57).
  std::vector<IpAddress> broadcasts;
  uint16_t mtu = 1500;
  uint16_t first_local_port = 32768;  // net.ipv4.ip_local_port_range
  uint16_t last_local_port = 60999;
  // No segment is sent before this has passed since the start (RFC 9293 3.4.3, the quiet time).
  // Linux keeps none.
  Duration quiet_time{};

  // --- Options offered in our SYN (net.ipv4.tcp_timestamps, tcp_window_scaling, tcp_sack)
  bool timestamps = true;
  bool window_scaling = true;
  bool sack = true;

  // --- Buffers of a connection, in octets: the middle value of tcp_rmem, and of tcp_wmem what its
  // automatic growth reaches on a path without delay.
  uint32_t receive_buffer = 131072;
  uint32_t send_buffer = 131072;
  uint16_t segments_in_flight = 4096;  // a sender with more of them waits

  // --- Opening
  unsigned syn_retries = 6;  // net.ipv4.tcp_syn_retries
  // So many more come first, without back-off (net.ipv4.tcp_syn_linear_timeouts, Linux 6.5): an
  // active OPEN gives up after 131 s. RFC 6298 5.5 doubles each time.
  unsigned syn_linear_timeouts = 4;
  unsigned syn_ack_retries = 5;  // net.ipv4.tcp_synack_retries: 63 s
  // RFC 9293 MUST-23: R2 of a SYN is at least 3 minutes. Zero: only the number counts (Linux).
  Duration syn_min_give_up{};

  // --- Listening
  uint32_t max_backlog = 4096;                     // net.core.somaxconn
  uint32_t max_syn_backlog = 1024;                 // net.ipv4.tcp_max_syn_backlog
  bool reset_on_overflow = false;                  // net.ipv4.tcp_abort_on_overflow
  SynCookies syn_cookies = SynCookies::when_full;  // net.ipv4.tcp_syncookies
  // A SYN that comes again gets the SYN,ACK again (Linux) instead of the ACK of 3.10.7.4, first.
  bool repeat_syn_ack = true;

  // --- Retransmission (include/net/tcp.h: TCP_TIMEOUT_INIT, TCP_RTO_MIN, TCP_RTO_MAX)
  RtoLimits rto{1s, 200ms, 120s};
  unsigned r1 = 3;              // net.ipv4.tcp_retries1; SHLD-10
  unsigned r2 = 15;             // net.ipv4.tcp_retries2: about 924 s; SHLD-11
  unsigned orphan_retries = 8;  // net.ipv4.tcp_orphan_retries 0 means 8: the program is gone
  Duration user_timeout{};      // TCP_USER_TIMEOUT; zero: none
  unsigned dup_thresh = 3;      // net.ipv4.tcp_reordering; RFC 5681 3.2
  bool tail_loss_probe = true;  // net.ipv4.tcp_early_retrans; RFC 8985 7
  bool rack = true;             // net.ipv4.tcp_recovery

  // --- Congestion control
  CongestionLaw congestion = CongestionLaw::cubic;  // net.ipv4.tcp_congestion_control
  unsigned initial_window = 10;                     // segments: RFC 6928
  bool slow_start_after_idle = true;                // net.ipv4.tcp_slow_start_after_idle

  // --- Acknowledging (include/net/tcp.h: TCP_DELACK_MIN)
  Duration ack_delay = 40ms;  // below 500 ms: MUST-40
  unsigned ack_every = 2;     // full-sized segments: SHLD-19

  // --- Challenge ACKs and answers to segments outside of the window: at most one per connection
  // in this time (net.ipv4.tcp_invalid_ratelimit; RFC 5961 7 asks for a limit).
  Duration invalid_ack_interval = 500ms;

  // A RST is believed at RCV.NXT (RFC 5961 3.2) and, on Linux, also at the right edge of what SACK
  // told of (net/ipv4/tcp_input.c).
  bool reset_at_sack_edge = true;

  // --- Zero window and silly windows
  // Linux probes with an empty segment before SND.UNA; the RFC with an octet of new data (MUST-36).
  bool probe_with_octet = false;
  // How long a sender holds back a segment that the silly window rules forbid (3.8.6.2.1: 0.1-1 s).
  Duration silly_window_override = 200ms;

  // --- Closing
  Duration time_wait = 60s;  // 2 MSL: TCP_TIMEWAIT_LEN, fixed in Linux
  // An end in FIN-WAIT-2 whose program is gone waits this long (net.ipv4.tcp_fin_timeout); zero:
  // for ever, as RFC 9293 has it.
  Duration fin_wait_2_timeout = 60s;
  // A RST does not end TIME-WAIT (net.ipv4.tcp_rfc1337).
  bool rfc1337 = false;
  // An active OPEN may take a pair of ends in TIME-WAIT whose timestamps are older by a second
  // (net.ipv4.tcp_tw_reuse; RFC 6191).
  bool reuse_time_wait = false;

  // --- Errors from below: Linux believes hard ICMP errors only before the connection is
  // synchronized (tcp_v4_err); RFC 9293 SHLD-26 aborts in every state.
  bool hard_errors_abort = false;

  static Settings linux_defaults() { return {}; }
  static Settings rfc9293();
};

// Of one connection; a listener's are those of the connections that it accepts.
struct KeepAlive {
  Duration idle = 7200s;    // net.ipv4.tcp_keepalive_time; MUST-28
  Duration interval = 75s;  // net.ipv4.tcp_keepalive_intvl
  unsigned probes = 9;      // net.ipv4.tcp_keepalive_probes; MUST-29
  bool with_octet = false;  // send one garbage octet: MAY-6

  bool operator==(const KeepAlive&) const = default;
};

}  // namespace tcpdx::tcp
