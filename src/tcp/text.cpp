// 3.10.7.4, sixth to eighth: the urgent pointer, the text and the FIN of an acceptable segment.
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

// RFC 5681 4.2 and 9293 3.8.6.3: at once for what is out of order, fills a gap or is the second
// full-sized segment; within the delay for the rest.
void acknowledge_later(Core& core, Tcb& tcb, bool at_once) {
  const uint32_t full = std::max<uint32_t>(tcb.rcv_mss, 1);
  if (at_once || octets(tcb.last_ack_sent, tcb.rcv_nxt) >= core.settings.ack_every * full ||
      core.settings.ack_delay == Duration{}) {
    tcb.ack_now = true;
  } else if (tcb.ack_at == kNever) {
    tcb.ack_at = core.now + core.settings.ack_delay;
  }
}

// The part of a text that the window has room for. What is known already is the queue's to see.
std::span<const std::byte> within_window(const Tcb& tcb, const Packet& packet) {
  const int32_t room = tcb.rcv_edge - packet.header.seq;
  return packet.text.first(std::min(packet.text.size(), room > 0 ? static_cast<size_t>(room) : 0));
}

// A FIN waits beyond a gap until all before it is here.
void note_fin(Tcb& tcb, Seq at) {
  if (tcb.peer_fin_seen || at > tcb.rcv_edge) return;
  tcb.peer_fin_seen = true;
  tcb.rcv_fin = at;
}

}  // namespace

void take_urgent(Core& core, Tcb& tcb, const Packet& packet) {
  if (!packet.header.flags.urg) return;
  if (tcb.state != established && tcb.state != fin_wait_1 && tcb.state != fin_wait_2) return;
  const Seq up = packet.header.seq + packet.header.urgent;
  if (up <= tcb.rcv_up) return;
  tcb.rcv_up = up;
  // Told when urgent mode begins and when the pointer moves on (MUST-32). RCV.UP is never behind
  // what the user has read.
  core.notify(tcb, Notice::urgent);
}

void take_text(Core& core, Tcb& tcb, const Packet& packet) {
  if (packet.text.empty()) return;
  if (tcb.state != established && tcb.state != fin_wait_1 && tcb.state != fin_wait_2) return;
  const std::span<const std::byte> text = within_window(tcb, packet);
  const auto size = static_cast<uint16_t>(std::min<size_t>(text.size(), UINT16_MAX));
  tcb.rcv_mss = std::max(tcb.rcv_mss, size);
  Transfer& t = core.transfer(tcb);
  const bool had_gaps = t.receive.has_gaps();
  const Seq seq = packet.header.seq + (packet.header.flags.syn ? 1U : 0U);
  const uint32_t moved = t.receive.store(seq, text, core.settings.receive_buffer);
  tcb.rcv_nxt += moved;
  acknowledge_later(core, tcb, moved == 0 || had_gaps);
  if (moved != 0) core.notify(tcb, Notice::readable);
}

void take_fin(Core& core, Tcb& tcb, const Packet& packet) {
  if (packet.header.flags.fin) {
    note_fin(tcb, packet.header.seq + segment_length(packet) - 1);
    tcb.ack_now = true;
  }
  if (!tcb.peer_fin_seen || tcb.rcv_fin != tcb.rcv_nxt) return;
  const State before = tcb.state;
  if (before != syn_received && before != established && before != fin_wait_1 &&
      before != fin_wait_2) {
    return;
  }
  tcb.rcv_nxt += 1;
  tcb.rcv_edge = later(tcb.rcv_edge, tcb.rcv_nxt);
  tcb.ack_now = true;
  core.move(tcb, Event::fin);
  core.notify(tcb, Notice::peer_closed);
  core.notify(tcb, Notice::readable);
  if (tcb.state == time_wait) start_time_wait(core, tcb);
}

}  // namespace tcpdx::tcp
