// What may be sent now: RFC 6675 for what was lost, the silly window rules and Nagle's for what is
// new (RFC 9293 3.7.4, 3.8.6.2.1), and the one timer that waits for the answer.
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

bool may_send_data(State state) {
  // With a close queued behind its data, LAST-ACK and FIN-WAIT-1 still send.
  return state == established || state == close_wait || state == fin_wait_1 || state == last_ack ||
         state == closing;
}

// Octets in the network. Without SACK each duplicate ACK says that a segment has left it: what RFC
// 6582 3.2 does by inflating the window.
uint32_t pipe(const Tcb& tcb) {
  const uint32_t sent = tcb.transfer->sent.pipe();
  if (tcb.sack) return sent;
  return sent - std::min(sent, tcb.duplicate_acks * text_limit(tcb));
}

bool fits_cwnd(const Tcb& tcb, uint32_t length) {
  const uint32_t in_network = pipe(tcb);
  return in_network == 0 || in_network + length <= tcb.congestion.cwnd();
}

bool send_lost(Core& core, Tcb& tcb) {
  Scoreboard& sent = tcb.transfer->sent;
  const SentSegment* lost = sent.next_lost();
  if (lost == nullptr) return false;
  const Seq seq = lost->seq;
  const uint32_t limit = text_limit(tcb);
  // A path that became narrower: the segment goes in pieces (RFC 1191 6.5).
  if (lost->length > limit) lost = &sent.split(seq, limit);
  const uint32_t length = lost->length;
  // RFC 6675 5, 4.3: the first repeat does not ask the window.
  const bool first = tcb.phase == Phase::recovery && seq == tcb.snd_una && !lost->retransmitted;
  if (!first && !fits_cwnd(tcb, length)) return false;
  const bool fin = lost->end() == tcb.snd_end + 1;
  sent.sent_again(seq, core.now);
  ++tcb.repeated_segments;
  if (seq == tcb.snd_una) {  // the timeout is for what went last (tcp_xmit_retransmit_queue)
    tcb.waiting_since = core.now;
    set_send_timer(tcb, SendTimer::none, kNever);
  }
  send_text(core, tcb, seq, length - (fin ? 1 : 0), fin);
  return true;
}

// 3.8.6.2.1 with Nagle's rule of 3.7.4. `length` octets could go, fewer than a full segment.
bool small_segment_may_go(const Tcb& tcb, uint32_t length) {
  if (tcb.override_silly || tcb.snd_up > tcb.snd_nxt) return true;
  const bool idle = tcb.snd_nxt == tcb.snd_una;
  if (tcb.options().nagle && !idle) return false;
  const bool all_pushed =
      length == tcb.unsent() && (tcb.transfer->push_end > tcb.snd_nxt || tcb.fin_queued);
  return all_pushed || length >= std::max(tcb.max_snd_wnd / 2, 1U);
}

// The next `length` octets that never went out, and the FIN where it follows.
void send_next(Core& core, Tcb& tcb, uint32_t length, bool fin) {
  const Seq seq = tcb.snd_nxt;
  const uint32_t taken = length + (fin ? 1 : 0);
  if (tcb.snd_una == seq) tcb.waiting_since = core.now;
  core.transfer(tcb).sent.sent(seq, taken, core.now);
  tcb.snd_nxt += taken;
  tcb.override_silly = false;
  send_text(core, tcb, seq, length, fin);
  // 3.10.4: from CLOSE-WAIT the FIN itself makes LAST-ACK.
  if (fin && tcb.state == close_wait) core.move(tcb, Event::close);
}

bool send_new(Core& core, Tcb& tcb) {
  const uint32_t unsent = tcb.unsent();
  const bool fin_waits = tcb.fin_queued && !tcb.fin_sent();
  if ((unsent == 0 && !fin_waits) || tcb.transfer->sent.full()) return false;
  const int32_t usable = tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt;
  if (usable <= 0) return false;
  const uint32_t limit = text_limit(tcb);
  const uint32_t length = std::min({unsent, limit, static_cast<uint32_t>(usable)});
  const bool fin = fin_waits && length == unsent && length < static_cast<uint32_t>(usable);
  if (length == 0 && !fin) return false;
  if (length < limit && !fin && !small_segment_may_go(tcb, length)) return false;
  if (!fits_cwnd(tcb, length + (fin ? 1U : 0U))) return false;
  send_next(core, tcb, length, fin);
  return true;
}

// RFC 8985 7.2: when a probe for the tail may go; nothing where none should.
std::optional<Duration> probe_timeout(const Core& core, const Tcb& tcb) {
  if (!core.settings.tail_loss_probe || !tcb.sack || tcb.phase != Phase::open) return std::nullopt;
  if (tcb.transfer->probe || tcb.back_offs != 0 || !tcb.rtt.measured() || tcb.snd_wnd == 0) {
    return std::nullopt;
  }
  Duration wait = 2 * tcb.rtt.srtt();
  if (tcb.transfer->sent.size() == 1) wait += core.settings.rto.min;  // its ACK may be delayed
  return std::max<Duration>(wait, 1ms);
}

// Nothing is in flight, yet something waits: for the window, or for more octets to fill a segment.
void wait_for_window(Core& core, Tcb& tcb) {
  const bool waits = tcb.unsent() != 0 || (tcb.fin_queued && !tcb.fin_sent());
  if (!waits || !may_send_data(tcb.state)) return set_send_timer(tcb, SendTimer::none, kNever);
  if (tcb.send_timer == SendTimer::persist) return;
  // SHLD-29: the first probe comes after a retransmission timeout.
  const Duration wait = tcb.snd_wnd == 0 ? rto(core, tcb) : core.settings.silly_window_override;
  set_send_timer(tcb, SendTimer::persist, core.now + wait);
}

}  // namespace

void set_send_timer(Tcb& tcb, SendTimer kind, Time at) {
  tcb.send_timer = kind;
  tcb.retransmit_at = kind == SendTimer::none ? kNever : at;
}

Duration rto(const Core& core, const Tcb& tcb) {
  RtoLimits limits = core.settings.rto;
  // RFC 6298 5.7: a SYN that timed out makes the first timeout of the data 3 s.
  if (tcb.syn_repeated && !tcb.rtt.measured() && tcb.synchronized()) limits.initial = 3s;
  return tcb.rtt.rto(limits, tcb.back_offs);
}

uint32_t text_limit(const Tcb& tcb) {
  const bool v4 = tcb.local.addr.family == Family::v4;
  uint32_t limit = std::min<uint32_t>(tcb.peer_mss, tcb.path_mtu - (v4 ? 40U : 60U));
  uint32_t options = tcb.timestamps ? 12 : 0;
  if (tcb.sack && tcb.transfer && tcb.transfer->receive.has_sack_blocks()) {
    options += tcb.timestamps ? 28 : 36;  // three blocks or four
  }
  const size_t route = tcb.options().source_route.size();
  if (route != 0) options += 4 + 4 * static_cast<uint32_t>(route);
  return limit > options + 8 ? limit - options : 8;
}

void start_send_timer(Core& core, Tcb& tcb) {
  if (!tcb.transfer || tcb.transfer->sent.empty()) return wait_for_window(core, tcb);
  const Time timeout = std::max(tcb.waiting_since + rto(core, tcb), core.now + 1us);
  const auto probe = probe_timeout(core, tcb);
  if (probe && core.now + *probe < timeout) {
    return set_send_timer(tcb, SendTimer::tail_loss_probe, core.now + *probe);
  }
  set_send_timer(tcb, SendTimer::retransmit, timeout);
}

void send_tail_probe(Core& core, Tcb& tcb) {
  Scoreboard& sent = tcb.transfer->sent;
  const int32_t usable = tcb.snd_una + tcb.snd_wnd - tcb.snd_nxt;
  const uint32_t length = std::min(tcb.unsent(), text_limit(tcb));
  const bool repeats = length == 0 || usable < static_cast<int32_t>(length) || sent.full();
  if (repeats) {
    const SentSegment last = sent[sent.size() - 1];
    const bool fin = last.end() == tcb.snd_end + 1;
    sent.sent_again(last.seq, core.now);
    ++tcb.repeated_segments;
    send_text(core, tcb, last.seq, last.length - (fin ? 1 : 0), fin);
  } else {
    send_next(core, tcb, length, false);
  }
  tcb.transfer->probe = {tcb.snd_nxt, repeats};
  // The last resort comes after this (RFC 8985 7.3).
  set_send_timer(tcb, SendTimer::retransmit, core.now + rto(core, tcb));
}

void send_window_probe(Core& core, Tcb& tcb) {
  if (!core.settings.probe_with_octet) return send_probe(core, tcb, tcb.snd_una - 1, false);
  const bool fin = tcb.unsent() == 0;
  send_next(core, tcb, fin ? 0 : 1, fin);
}

void output(Core& core, Tcb& tcb) {
  bool sent = false;
  if (tcb.transfer && may_send_data(tcb.state)) {
    const bool waited = !tcb.transfer->sent.empty();
    bool sent_new = false;
    while (send_lost(core, tcb)) sent = true;
    while (send_new(core, tcb)) sent_new = true;
    sent |= sent_new;
    const bool probing = tcb.send_timer == SendTimer::tail_loss_probe;
    if ((sent && !waited) || (sent_new && probing) || tcb.send_timer == SendTimer::none ||
        tcb.transfer->sent.empty()) {
      start_send_timer(core, tcb);
    }
    if (sent_new && tcb.give_up_at == kNever) {
      const Duration limit = tcb.options().user_timeout.value_or(core.settings.user_timeout);
      if (limit != Duration{}) tcb.give_up_at = core.now + limit;
    }
  }
  if (tcb.ack_now && tcb.state > listen && tcb.state != syn_sent) send_ack(core, tcb);
  core.schedule(tcb);
}

}  // namespace tcpdx::tcp
