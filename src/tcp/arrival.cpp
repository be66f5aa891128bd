// SEGMENT ARRIVES for records that have sent a SYN: 3.10.7.3 and 3.10.7.4, step by step. Each step
// may end the segment's way; numbers are judged before the table is asked.
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

// Table 6.
bool acceptable(const Tcb& tcb, Seq seq, uint32_t length) {
  const uint32_t window = tcb.rcv_wnd();
  const auto inside = [&](Seq at) { return tcb.rcv_nxt <= at && at < tcb.rcv_nxt + window; };
  if (window == 0) return length == 0 && seq == tcb.rcv_nxt;
  return inside(seq) || (length != 0 && inside(seq + length - 1));
}

// RFC 7323 5.3, R1: older than what was seen last, unless that itself is older than 24 days.
bool fails_paws(const Core& core, const Tcb& tcb, const Packet& packet) {
  const auto& ts = packet.header.options.timestamps;
  if (!tcb.timestamps || !ts || packet.header.flags.rst) return false;
  constexpr uint32_t kTrusted = 24U * 24 * 3600;
  const auto now_s = static_cast<uint32_t>(seconds(core.now));
  if (now_s - tcb.ts_recent_s > kTrusted) return false;
  return static_cast<int32_t>(ts->value - tcb.ts_recent) < 0;
}

// RFC 7323 4.3, (2). An older one that passed PAWS replaces a value that has aged out.
void take_timestamp(const Core& core, Tcb& tcb, const Packet& packet) {
  const auto& ts = packet.header.options.timestamps;
  if (!tcb.timestamps || !ts || packet.header.seq > tcb.last_ack_sent) return;
  tcb.ts_recent = ts->value;
  tcb.ts_recent_s = static_cast<uint32_t>(seconds(core.now));
}

// The SYN,ACK of a simultaneous open lies one before the window, but its ACK is news (Figure 7).
bool crossing_syn_ack(const Tcb& tcb, const Packet& packet) {
  const wire::TcpFlags flags = packet.header.flags;
  return tcb.state == syn_received && tcb.origin == Origin::active && flags.syn && flags.ack &&
         !flags.rst && packet.header.seq == tcb.irs && packet.header.ack == tcb.snd_nxt;
}

void answer_unacceptable(Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpFlags flags = packet.header.flags;
  if (flags.rst) return;
  const bool repeated_syn =
      tcb.state == syn_received && flags.syn && !flags.ack && packet.header.seq == tcb.irs;
  if (repeated_syn && core.settings.repeat_syn_ack) return send_syn(core, tcb);
  // 3.10.7.4, eighth: the other end's FIN again, because our ACK was lost.
  if (tcb.state == time_wait && flags.fin) {
    start_time_wait(core, tcb);
    return send_ack(core, tcb);
  }
  // What holds text or a FIN may be a repeat whose ACK was lost: that must be answered.
  if (segment_length(packet) != 0 && !flags.syn) return send_ack(core, tcb);
  send_challenge_ack(core, tcb);
}

// What of a segment counts, by its sequence number.
enum class Accepted : uint8_t { nothing, control, all };

// 3.8.4: the other end's own keep-alive lies before the window, and yet it shows that it lives.
void hear(const Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  if (!header.flags.ack || header.ack < tcb.snd_una || header.ack > tcb.snd_nxt) return;
  tcb.last_received_ms = core.now_ms();
  tcb.keep_alives = 0;
}

// First: the sequence number. A closed window still lets ACK, RST and URG through (MUST-66).
Accepted check_sequence(Core& core, Tcb& tcb, const Packet& packet) {
  if (fails_paws(core, tcb, packet)) {
    send_ack(core, tcb);
    return Accepted::nothing;
  }
  if (acceptable(tcb, packet.header.seq, segment_length(packet))) return Accepted::all;
  if (crossing_syn_ack(tcb, packet)) return Accepted::all;
  hear(core, tcb, packet);
  const wire::TcpFlags flags = packet.header.flags;
  const bool at_closed_window = tcb.rcv_wnd() == 0 && packet.header.seq == tcb.rcv_nxt;
  if (at_closed_window && (flags.rst || (flags.ack && !flags.syn))) {
    tcb.ack_now = !flags.rst;
    return Accepted::control;
  }
  answer_unacceptable(core, tcb, packet);
  return Accepted::nothing;
}

// Linux: whoever was told by SACK what lies beyond a gap may reset at its right edge, too
// (net/ipv4/tcp_input.c, tcp_validate_incoming).
bool at_sack_edge(const Core& core, const Tcb& tcb, Seq seq) {
  if (!core.settings.reset_at_sack_edge || !tcb.sack || !tcb.transfer) return false;
  const std::optional<Seq> edge = tcb.transfer->receive.right_edge();
  return edge && seq == *edge;
}

// Second: RST (RFC 5961 3.2). False: the segment ends here, as each RST does.
bool check_rst(Core& core, Tcb& tcb, const Packet& packet) {
  if (!packet.header.flags.rst) return true;
  if (packet.header.seq != tcb.rcv_nxt && !at_sack_edge(core, tcb, packet.header.seq)) {
    send_challenge_ack(core, tcb);
    return false;
  }
  if (tcb.state == syn_received && tcb.origin == Origin::passive) {
    core.move(tcb, Event::rst_after_passive_open);
    back_to_listen(core, tcb);
  } else if (tcb.state == syn_received && tcb.origin == Origin::reopened) {
    --core.listener(tcb.listener).half_open;
    tcb.holder = Holder::nobody;
    tcb.snd_nxt = tcb.snd_una = tcb.recover;
    tcb.rcv_nxt = tcb.rcv_fin + 1;  // TIME-WAIT has taken the FIN
    core.move(tcb, Event::rst_after_reopen);
    start_time_wait(core, tcb);
  } else if (tcb.state != time_wait || !core.settings.rfc1337) {
    const bool refused = tcb.state == syn_received;
    const bool in_order = tcb.state == closing || tcb.state == last_ack || tcb.state == time_wait;
    end(core, tcb, Event::rst,
        refused    ? Notice::refused
        : in_order ? Notice::closed
                   : Notice::reset);
  }
  return false;
}

// Fourth: a SYN in the window. False: the segment ends here.
bool check_syn(Core& core, Tcb& tcb, const Packet& packet) {
  if (!packet.header.flags.syn || crossing_syn_ack(tcb, packet)) return true;
  if (tcb.state == syn_received && tcb.origin == Origin::passive) {
    core.move(tcb, Event::syn_after_passive_open);
    back_to_listen(core, tcb);
  } else {
    send_challenge_ack(core, tcb);  // RFC 5961 4.2
  }
  return false;
}

void tell_opened(Core& core, Tcb& tcb) {
  if (tcb.holder == Holder::accept_queue) {
    const Listener& listener = core.listener(tcb.listener);
    core.sink.acceptable({tcb.listener, listener.generation});
  }
  core.notify(tcb, Notice::opened);
  keep_alive_from_now(core, tcb);
  // A CLOSE that waited for this (3.10.4).
  if (tcb.fin_queued && tcb.state == established) core.move(tcb, Event::close);
}

// Fifth, SYN-RECEIVED. False: the segment ends here.
bool complete_handshake(Core& core, Tcb& tcb, const Packet& packet) {
  const Seq ack = packet.header.ack;
  if (ack <= tcb.snd_una || ack > tcb.snd_nxt) {
    send_reset_for(core, packet);
    return false;
  }
  if (!admit(core, tcb)) return false;
  synchronized(core, tcb, packet);
  core.move(tcb, packet.header.flags.syn ? Event::syn_ack : Event::ack_of_syn);
  tell_opened(core, tcb);
  return true;
}

// Fifth: where the acknowledgment of our FIN leads.
void take_ack_of_fin(Core& core, Tcb& tcb) {
  if (!tcb.fin_sent() || tcb.snd_una != tcb.snd_nxt) return;
  if (tcb.state == last_ack) return end(core, tcb, Event::ack_of_fin, Notice::closed);
  if (!core.move(tcb, Event::ack_of_fin)) return;
  if (tcb.state == time_wait) start_time_wait(core, tcb);
  if (tcb.state == fin_wait_2) start_fin_wait_2_timer(core, tcb);
}

// Fifth: ACK. False: the segment ends here.
bool check_ack(Core& core, Tcb& tcb, const Packet& packet) {
  if (!packet.header.flags.ack) return false;
  if (tcb.state == syn_received && !complete_handshake(core, tcb, packet)) return false;
  // A FIN that went out before our SYN was acknowledged (3.10.4, SYN-RECEIVED).
  if (!tcb.syn_acknowledged && tcb.iss < packet.header.ack && packet.header.ack <= tcb.snd_nxt) {
    synchronized(core, tcb, packet);
    if (tcb.transfer && !tcb.transfer->sent.empty()) start_send_timer(core, tcb);
  }
  if (!take_ack(core, tcb, packet)) return false;
  take_ack_of_fin(core, tcb);
  return tcb.state != closed;
}

// Octets for a program that closed its end without reading on (SHLD-3, RFC 1122 4.2.2.13).
bool text_for_nobody(const Tcb& tcb, const Packet& packet) {
  if (tcb.holder != Holder::nobody || packet.text.empty()) return false;
  if (tcb.state != fin_wait_1 && tcb.state != fin_wait_2) return false;
  return packet.header.seq + static_cast<uint32_t>(packet.text.size()) > tcb.rcv_nxt;
}

void synchronize(Core& core, Tcb& tcb, const Packet& packet) {
  synchronized(core, tcb, packet);
  core.move(tcb, Event::syn_ack);
  tcb.ack_now = true;
  tell_opened(core, tcb);
  take_urgent(core, tcb, packet);
  take_text(core, tcb, packet);
  take_fin(core, tcb, packet);
  output(core, tcb);
}

}  // namespace

void arrive_syn_sent(Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  const bool ack_ok = header.flags.ack && tcb.iss < header.ack && header.ack <= tcb.snd_nxt;
  if (header.flags.ack && !ack_ok) return send_reset_for(core, packet);  // first
  if (header.flags.rst) {                                                // second
    if (ack_ok) end(core, tcb, Event::rst, Notice::refused);
    return;
  }
  if (!header.flags.syn) return;  // fourth and fifth
  take_syn(core, tcb, packet);
  if (ack_ok) return synchronize(core, tcb, packet);
  core.move(tcb, Event::syn);  // simultaneous open
  tcb.retransmissions = 0;
  send_syn(core, tcb);
  start_syn_timer(core, tcb);
  core.schedule(tcb);
}

void arrive_otherwise(Core& core, Tcb& tcb, const Packet& packet) {
  if (tcb.state == time_wait && reopen(core, tcb, packet)) return;
  const Accepted accepted = check_sequence(core, tcb, packet);
  if (accepted == Accepted::nothing) return core.schedule(tcb);
  if (!check_rst(core, tcb, packet)) return core.schedule(tcb);
  if (!check_syn(core, tcb, packet)) return core.schedule(tcb);
  if (packet.header.flags.ack) take_timestamp(core, tcb, packet);
  if (!check_ack(core, tcb, packet)) return core.schedule(tcb);
  tcb.received_traffic_class = packet.traffic_class;
  take_source_route(tcb, packet);
  if (text_for_nobody(tcb, packet)) {
    send_reset(core, tcb);
    return end(core, tcb, Event::abort, Notice::aborted);
  }
  take_urgent(core, tcb, packet);
  if (accepted == Accepted::all) {
    take_text(core, tcb, packet);
    take_fin(core, tcb, packet);
  }
  output(core, tcb);
  core.release_idle(tcb);
}

}  // namespace tcpdx::tcp
