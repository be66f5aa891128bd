// The events' names, in the words of RFC 9293 and its Figure 5.
#include "tcp/event.hpp"

namespace tcpdx::tcp {

std::string_view to_string(Event event) {
  switch (event) {
    case Event::passive_open: return "passive OPEN";
    case Event::active_open: return "active OPEN";
    case Event::send: return "SEND";
    case Event::receive: return "RECEIVE";
    case Event::close: return "CLOSE";
    case Event::abort: return "ABORT";
    case Event::status: return "STATUS";
    case Event::unacceptable_segment: return "rcv unacceptable segment";
    case Event::rst: return "rcv RST";
    case Event::rst_after_passive_open: return "rcv RST after passive OPEN";
    case Event::syn_after_passive_open: return "rcv SYN after passive OPEN";
    case Event::rst_after_reopen: return "rcv RST after reopening";
    case Event::other_security: return "rcv other security";
    case Event::syn: return "rcv SYN";
    case Event::syn_ack: return "rcv SYN,ACK";
    case Event::new_connection_syn: return "rcv SYN of new connection";
    case Event::unacceptable_ack: return "rcv unacceptable ACK";
    case Event::ack_of_syn: return "rcv ACK of SYN";
    case Event::ack: return "rcv ACK";
    case Event::ack_of_fin: return "rcv ACK of FIN";
    case Event::text: return "rcv text";
    case Event::fin: return "rcv FIN";
    case Event::icmp_hard_error: return "rcv ICMP hard error";
    case Event::user_timeout: return "USER TIMEOUT";
    case Event::retransmission_timeout: return "RETRANSMISSION TIMEOUT";
    case Event::retransmission_give_up: return "retransmission give-up";
    case Event::keep_alive_give_up: return "keep-alive give-up";
    case Event::time_wait_timeout: return "TIME-WAIT TIMEOUT";
  }
  return "";
}

}  // namespace tcpdx::tcp
