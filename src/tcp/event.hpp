// What can happen to a connection: user calls, segments that arrive, timeouts (RFC 9293 3.10).
//
// One segment gives one event or several, in the order in which RFC 9293 3.10.7.4 checks it:
// sequence number, RST, security, SYN, ACK, text, FIN. So a FIN that also acknowledges our FIN is
// ack_of_fin and then fin. A segment that a check drops gives no later event. Sequence and
// acknowledgment numbers are judged before an event gets its name; the names say how they came out.
//
// Two segments lie before the window because they repeat what is known, and yet have a name of
// their own: the SYN,ACK of a simultaneous open (Figure 7) and a repeated FIN (3.10.7.4, eighth).
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace tcpdx::tcp {

enum class Event : uint8_t {
  // User calls (3.9.1).
  passive_open,
  active_open,
  send,
  receive,
  close,
  abort,
  status,
  // Segments. Out of the window (Table 6), or a RST that RFC 5961 does not believe.
  unacceptable_segment,
  // Exactly at RCV.NXT or, in SYN-SENT, acknowledging our SYN.
  rst,
  // Only in SYN-RECEIVED the way there counts (3.5, MUST-11): the first two are for a connection
  // that came from LISTEN by a passive OPEN, the third for one reopened from TIME-WAIT.
  rst_after_passive_open,
  syn_after_passive_open,  // new in the window, with or without ACK
  rst_after_reopen,
  other_security,      // security or compartment differ from the connection's
  syn,                 // without ACK; from SYN-RECEIVED on, new in the window, with or without ACK
  syn_ack,             // acknowledges our SYN; in SYN-RECEIVED it repeats the SYN that is known
  new_connection_syn,  // in TIME-WAIT: sequence number or timestamp prove it new (3.6.1, MAY-2)
  unacceptable_ack,    // of something never sent, or too old to believe (RFC 5961)
  ack_of_syn,          // of our SYN, without SYN
  ack,                 // acceptable, but neither of our SYN nor of our FIN
  ack_of_fin,          // of our FIN
  text,                // data or urgent data, its SYN and ACK already processed
  fin,                 // new or repeated, its SYN and ACK already processed
  icmp_hard_error,     // 3.9.2.2
  // Timeouts (3.10.8) and what ends waiting (3.8.3, 3.8.4).
  user_timeout,
  retransmission_timeout,
  retransmission_give_up,  // threshold R2
  keep_alive_give_up,
  time_wait_timeout,
};

inline constexpr std::array kEvents{
    Event::passive_open,
    Event::active_open,
    Event::send,
    Event::receive,
    Event::close,
    Event::abort,
    Event::status,
    Event::unacceptable_segment,
    Event::rst,
    Event::rst_after_passive_open,
    Event::syn_after_passive_open,
    Event::rst_after_reopen,
    Event::other_security,
    Event::syn,
    Event::syn_ack,
    Event::new_connection_syn,
    Event::unacceptable_ack,
    Event::ack_of_syn,
    Event::ack,
    Event::ack_of_fin,
    Event::text,
    Event::fin,
    Event::icmp_hard_error,
    Event::user_timeout,
    Event::retransmission_timeout,
    Event::retransmission_give_up,
    Event::keep_alive_give_up,
    Event::time_wait_timeout,
};

// In the RFC's words: "passive OPEN", "rcv ACK of FIN", "USER TIMEOUT".
std::string_view to_string(Event event);

}  // namespace tcpdx::tcp
