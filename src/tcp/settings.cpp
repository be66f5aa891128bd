// The values that RFC 9293 and the RFCs it leans on name, where Linux has others.
#include "tcp/settings.hpp"

namespace tcpdx::tcp {

Settings Settings::rfc9293() {
  Settings s;
  s.syn_linear_timeouts = 0;               // RFC 6298 5.5
  s.syn_min_give_up = 180s;                // MUST-23
  s.repeat_syn_ack = false;                // 3.10.7.4, first
  s.rto = {1s, 1s, 60s};                   // RFC 6298 2.1, 2.4, 2.5
  s.orphan_retries = s.r2;                 // 3.8.3 knows no program that is gone
  s.congestion = CongestionLaw::new_reno;  // MUST-19
  s.initial_window = 3;                    // RFC 5681 3.1 for segments of 1096 to 2190 octets
  s.reset_at_sack_edge = false;            // RFC 5961 3.2
  s.probe_with_octet = true;               // MUST-36
  s.time_wait = 240s;                      // 2 MSL of 2 minutes: 3.4.2
  s.fin_wait_2_timeout = Duration{};
  s.reuse_time_wait = false;
  s.hard_errors_abort = true;  // SHLD-26
  return s;
}

}  // namespace tcpdx::tcp
