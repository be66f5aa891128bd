// A RST: whether its receiver believes it, and whether its sender sent it.
#include <cstdlib>

#include "track/machine.hpp"

namespace tcpdx::track {
namespace {

using tcp::State;

// Packets that an end must have sent before a strange one among them tells anything.
constexpr uint32_t kUsualPackets = 3;
constexpr int kUsualTtlSpread = 1;

// RFC 9293 3.10.7.3, second: in SYN-SENT only the acknowledgment counts.
bool believed_in_syn_sent(const Step& step) {
  const End& to = step.peer;
  return step.packet.flags.ack && step.packet.ack > to.iss && step.packet.ack <= to.nxt;
}

// RFC 5961 3.2: exactly at RCV.NXT. What the receiver has got lies between its last
// acknowledgment and the highest octet that passed; a receiver that told of later octets by SACK
// takes the right edge, too (net/ipv4/tcp_input.c, tcp_reset_check, tcp_validate_incoming).
bool at_rcv_nxt(Notes& notes, const Step& step) {
  const Seq seq = step.packet.seq;
  const End& own = step.own;
  const bool gaps = notes.has_holes(step.record, step.from);
  const bool sack = own.is(has::sack) && step.peer.is(has::sack);
  const bool edge = own.is(has::sent) && seq == own.nxt && (!gaps || sack);
  if (!step.peer.is(has::ack)) return !own.is(has::sent) || seq == own.nxt;
  const bool before_fin = own.is(has::fin) && seq == own.fin;
  return seq == step.peer.ack || edge || before_fin;
}

bool in_window(const Step& step) {
  const End& to = step.peer;
  if (!to.is(has::ack)) return false;
  const int64_t beyond = step.packet.seq - to.ack;
  return beyond >= 0 && beyond < static_cast<int64_t>(to.window);
}

bool believed(Notes& notes, const Step& step) {
  const End& to = step.peer;
  if (!to.known()) return true;
  if (to.in(State::syn_sent)) return believed_in_syn_sent(step);
  // Linux ends TIME-WAIT by any RST in the window (tcp_timewait_state_process).
  if (to.in(State::time_wait)) return in_window(step) || at_rcv_nxt(notes, step);
  return at_rcv_nxt(notes, step);
}

// Unlike the other segments of that end.
bool strange_ttl(const Step& step) {
  return step.own.ttl != 0 && step.own.packets >= kUsualPackets &&
         std::abs(int{step.own.ttl} - int{step.packet.ttl}) > kUsualTtlSpread;
}

// Evidence for result.cpp: the TTL of the RST, that of the other segments, distance from RCV.NXT.
int64_t evidence_of(const Step& step) {
  const int64_t off = step.peer.is(has::ack) ? step.packet.seq - step.peer.ack : 0;
  return (off << 16U) | int64_t{step.packet.ttl} << 8U | step.own.ttl;
}

void refuse(Notes& notes, Step& step, bool forged) {
  EndTrouble& trouble = notes.trouble(step.record, step.from);
  ++trouble.refused_resets;
  step.remarks.add(forged ? Remark::forged_reset : Remark::refused_reset);
  const AnomalyKind kind = forged ? AnomalyKind::forged_reset : AnomalyKind::refused_reset;
  notes.anomaly(step.record, kind, step.sighting.frame, step.from, evidence_of(step));
}

// A RST tells that its sender has no connection, unless it answers a segment that fits to none:
// then its own stays as it is (RFC 9293 3.5.2, groups 1 and 2); such a RST has no ACK.
bool sender_is_closed(const Step& step) {
  const End& own = step.own;
  if (step.packet.flags.ack) return true;
  if (own.in(State::syn_sent)) return false;
  if (own.in(State::syn_received)) return !own.is(has::sent) || step.packet.seq == own.nxt;
  return true;
}

// One whose handshake is not proven may still be in SYN-SENT, with another ISN, and refuse the
// answer to an old SYN (RFC 9293 3.10.7.3, first).
Certainty certainty_of(const Step& step) {
  const End& own = step.own;
  const bool proven = !own.known() || own.certainty == Certainty::seen || step.packet.flags.ack;
  return proven ? Certainty::seen : Certainty::inferred;
}

void note_end(Step& step) {
  Record& record = step.record;
  const auto bit = static_cast<uint8_t>(1U << step.from);
  if (record.closed_first == 0) record.closed_first = bit;
  if (record.reset_by == 0) record.reset_has_ack = step.packet.flags.ack;
  record.reset_by |= bit;
}

}  // namespace

void run_reset(Notes& notes, Step& step) {
  End& own = step.own;
  End& peer = step.peer;
  ++notes.trouble(step.record, step.from).resets;
  const Place place = step.place();
  if (own.in(State::closed) && peer.in(State::closed)) {
    step.remarks.add(Remark::stray);
    notes.anomaly_once(step.record, AnomalyKind::reset_after_close, place.frame, step.from);
    return;
  }
  const bool strange = strange_ttl(step);
  if (!believed(notes, step)) return refuse(notes, step, strange);
  if (own.ttl == 0) own.ttl = step.packet.ttl;
  if (strange) {
    step.record.forged = true;
    step.remarks.add(Remark::forged_reset);
    notes.anomaly(step.record, AnomalyKind::forged_reset, place.frame, step.from,
                  evidence_of(step));
  } else if (sender_is_closed(step)) {
    own.set(has::rst);
    move(notes, step.record, place, step.from, State::closed, certainty_of(step),
         Cause::reset_sent);
  } else {
    return;
  }
  if (!peer.in(State::closed)) {
    note_end(step);
    note_refused_data(notes, step);
    move(notes, step.record, place, step.to(), State::closed, Certainty::inferred,
         Cause::reset_received);
  }
}

}  // namespace tcpdx::track
