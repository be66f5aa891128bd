#include "track/machine.hpp"

#include <algorithm>

namespace tcpdx::track {
namespace {

using tcp::State;

// Two full segments on Ethernet: whoever has something to send and this much room sends.
constexpr uint32_t kRoomToSend = 2920;

bool covers(const Step& step, const End& end, Seq number) {
  return step.packet.flags.ack && end.is(has::syn | has::sent) && step.packet.ack > number;
}
// The segment acknowledges the peer's FIN.
bool covers_fin(const Step& step) {
  return step.peer.is(has::fin) && covers(step, step.peer, step.peer.fin);
}
// It acknowledges the peer's SYN, and nothing that the peer never sent.
bool covers_syn(const Step& step) {
  return step.peer.is(has::syn) && covers(step, step.peer, step.peer.iss) &&
         (!step.peer.is(has::sent) || step.packet.ack <= step.peer.nxt);
}
bool has_fin(const Step& step) { return step.packet.flags.fin; }

// A bare segment at SND.NXT: nothing beyond what was seen of this end has been sent.
bool at_nxt(Notes& notes, const Step& step) {
  return step.length == 0 && step.packet.seq == step.nxt_before &&
         !notes.has_holes(step.record, step.from);
}

// When the peer's FIN came, all that this end had sent was acknowledged and the window was open,
// and it has sent nothing since. So nothing waits to be sent, and a FIN neither: where data waits,
// an end may have closed and yet look open (RFC 9293 3.10.4: FIN-WAIT-1 at once, the FIN after all
// data).
bool nothing_queued(const Step& step) {
  const auto bit = static_cast<uint8_t>(1U << step.to());
  return (step.record.fin_at_rest & bit) != 0 && step.peer.fin_ack == step.nxt_before &&
         step.packet.length == 0;
}

class Mover {
 public:
  Mover(Notes& notes, Step& step) : notes_(notes), step_(step) {}

  void own(State to, bool proven, Cause cause) const { to_state(step_.from, to, proven, cause); }
  void peer(State to, Cause cause) const { to_state(step_.to(), to, false, cause); }
  void prove() const {
    notes_.confirm(step_.record, step_.place(), step_.from, taken_at(step_.record, step_.from));
  }

 private:
  void to_state(unsigned end, State to, bool proven, Cause cause) const {
    move(notes_, step_.record, step_.place(), end, to,
         proven ? Certainty::seen : Certainty::inferred, cause);
  }
  Notes& notes_;
  Step& step_;
};

void take_syn(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  own.set(has::syn | has::plain_syn);
  if (!own.known()) {
    moves.own(State::syn_sent, true, Cause::syn_sent);
  } else if (own.in(State::closed)) {
    revive(notes, step);
  }
  // Both send SYNs: a simultaneous open, or a server that answers in two segments.
  if (step.peer.in(State::syn_sent) && step.peer.is(has::plain_syn)) {
    moves.peer(State::syn_received, Cause::syn_received);
    const AnomalyKind kind =
        own.is(has::ack) ? AnomalyKind::split_handshake : AnomalyKind::simultaneous_open;
    notes.anomaly_once(step.record, kind, step.sighting.frame, step.from);
  }
}

// The third segment passed, and yet the SYN-ACK comes again: it never arrived.
bool third_segment_lost(const Step& step) {
  return step.own.in(State::established) && step.own.certainty == Certainty::inferred &&
         step.own.is(has::syn_ack);
}

void take_syn_ack(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  if (third_segment_lost(step) && notes.take_back(step.record, step.from, State::syn_received)) {
    notes.anomaly_once(step.record, AnomalyKind::third_ack_lost, step.sighting.frame, step.from);
  }
  own.set(has::syn | has::syn_ack);
  if (!own.known() || own.in(State::syn_sent)) {
    moves.own(State::syn_received, true, Cause::syn_ack_sent);
  } else if (own.in(State::syn_received)) {
    moves.prove();
  } else if (own.in(State::closed)) {
    revive(notes, step);
  }
  if (!step.peer.known()) {
    moves.peer(State::syn_sent, Cause::syn_sent);
    moves.peer(State::established, Cause::syn_ack_received);
  } else if ((step.peer.in(State::syn_sent) || step.peer.in(State::syn_received)) &&
             covers_syn(step)) {
    moves.peer(State::established, Cause::syn_ack_received);
  }
}

// The capture began after the handshake, or one of its segments was not captured.
void take_unknown(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  if (step.peer.is(has::plain_syn) && !step.peer.is(has::syn_ack) &&
      step.packet.ack != step.peer.iss + 1) {
    // An old connection's answer to a new SYN (RFC 9293 3.5.1, Figure 9).
    notes.anomaly_once(step.record, AnomalyKind::challenge_ack, step.sighting.frame, step.from);
    step.remarks.add(Remark::challenge_ack);
  } else if (!step.peer.is(has::syn)) {
    notes.anomaly_once(step.record, AnomalyKind::mid_stream, step.sighting.frame, std::nullopt);
  }
  moves.own(State::established, false, Cause::mid_stream);
}

// Not sent again: it passed at the sender's own end, or sooner after the handshake than a tail loss
// probe or a retransmission may come (RFC 8985 7.2: two round trips). Lost segments make the two
// parts of the round trip look longer, but hardly both.
bool sent_first(const Step& step) {
  const Record& record = step.record;
  if (taken_at(record, step.from)) return true;
  if (step.own.is(has::plain_syn) || !record.handshake_complete) return false;
  const int64_t shorter = std::min(record.client_rtt_us, record.server_rtt_us);
  const int64_t since = step.sighting.time_ns - record.syn_ack_ns;
  return shorter != UINT32_MAX && since - int64_t{record.client_rtt_us} * 1000 < 3 * shorter * 1000;
}

// What a segment without SYN says of its sender's handshake.
void take_handshake_of_sender(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  const bool open = own.in(State::established);
  if (open && own.certainty == Certainty::seen) return;
  if (!open && !own.in(State::syn_sent) && !own.in(State::syn_received)) return;
  const Cause cause = own.is(has::syn_ack) ? Cause::handshake_ack : Cause::syn_ack_received;
  // One that sent a SYN-ACK may send bare ACKs before it is ESTABLISHED, and a FIN by a way that
  // leaves ESTABLISHED out (3.10.4); one in SYN-SENT may not.
  bool proven = false;
  if (own.is(has::syn_ack)) {
    const bool more_than_ack = step.packet.length > 0 || (open && has_fin(step));
    proven = more_than_ack || (step.peer.is(has::syn) && step.packet.ack > step.peer.iss + 1 &&
                               step.packet.ack <= step.peer.nxt);
  } else if (own.is(has::plain_syn)) {
    proven = covers_syn(step) && step.peer.is(has::syn_ack) && !step.peer.is(has::plain_syn);
  }
  // What is missing may be a FIN, and data may have been sent before, with a FIN behind it.
  if (step.length > 0 && !sent_first(step)) proven = false;
  proven = proven && step.packet.seq <= step.nxt_before && !notes.has_holes(step.record, step.from);
  if (open) {
    if (proven) moves.prove();
  } else if (proven || own.in(State::syn_sent)) {
    moves.own(State::established, proven, cause);
  }
}

// The sender has taken the peer's FIN.
void take_fin_of_peer(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  const bool no_fin_yet =
      nothing_queued(step) && (taken_at(step.record, step.from) || at_nxt(notes, step));
  switch (own.state) {
    case State::syn_received:
    case State::established:
      return moves.own(State::close_wait, no_fin_yet && own.certainty == Certainty::seen,
                       Cause::fin_received);
    case State::close_wait:
      if (no_fin_yet) moves.prove();
      return;
    case State::fin_wait_1:
      return moves.own(State::closing, !own.is(has::fin_acked), Cause::fin_received);
    case State::fin_wait_2:
      return moves.own(State::time_wait, step.peer.is(has::fin_covers), Cause::fin_received);
    case State::closing:
      if (!own.is(has::fin_acked)) moves.prove();
      return;
    case State::time_wait:
      if (step.peer.is(has::fin_covers)) moves.prove();
      return;
    case State::closed:
    case State::listen:
    case State::syn_sent:
    case State::last_ack: return;
  }
}

// Whether the peer's FIN may have come before the capture began.
bool doubtful(const Step& step) { return !step.peer.is(has::syn) && !step.peer.is(has::new_data); }

void take_first_fin(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  own.set(has::fin);
  own.fin = step.end() - 1;
  if (own.in(State::closed)) return;
  // Less room might be too little to send (RFC 9293 3.8.6.2.1).
  const bool room = own.window >= kRoomToSend;
  const bool at_rest = step.packet.flags.ack && step.packet.ack == step.peer.nxt &&
                       step.packet.ack == step.ack_before && room;
  own.fin_ack = step.packet.ack;
  if (at_rest) step.record.fin_at_rest |= static_cast<uint8_t>(1U << step.from);
  if (step.record.closed_first == 0) {
    step.record.closed_first = static_cast<uint8_t>(1U << step.from);
  } else if (!covers_fin(step) && !step.peer.is(has::rst)) {
    step.record.closed_first = 3;  // both, before either knew of the other
  }
  if (covers_fin(step)) {
    own.set(has::fin_covers);
    const bool proven = own.in(State::close_wait) && own.certainty == Certainty::seen;
    return moves.own(State::last_ack, proven, Cause::fin_sent);
  }
  // The peer's FIN passed, but this end had not taken it when it sent its own.
  if (own.in(State::close_wait)) notes.take_back(step.record, step.from, State::established);
  const bool proven = !doubtful(step) && step.packet.flags.ack &&
                      (!step.peer.is(has::sent) || step.packet.ack <= step.peer.nxt);
  moves.own(State::fin_wait_1, proven, Cause::fin_sent);
  if (step.peer.is(has::fin_told)) moves.own(State::closing, false, Cause::fin_received);
}

// A FIN again: its acknowledgment has not arrived, whatever passed here.
void take_repeated_fin(Notes& notes, Step& step) {
  End& own = step.own;
  const auto back_to = [&](State state) {
    if (!notes.take_back(step.record, step.from, state)) return;
    Mover(notes, step).prove();
  };
  // Which of the two its receiver took is open again.
  if (step.peer.certainty == Certainty::inferred && own.is(has::fin_told)) {
    notes.redate(step.record, step.place(), step.to(), Cause::fin_received);
  }
  if (own.in(State::closed)) return revive(notes, step);
  if (own.certainty == Certainty::seen) return;
  if (own.in(State::fin_wait_2)) return back_to(State::fin_wait_1);
  if (own.in(State::time_wait)) {
    const bool closing = covers_fin(step);
    back_to(closing ? State::closing : State::fin_wait_1);
    if (closing && own.in(State::time_wait)) {
      back_to(State::fin_wait_1);
      Mover(notes, step).own(State::closing, true, Cause::fin_received);
    }
  }
}

void take_fin(Notes& notes, Step& step) {
  if (!step.own.is(has::fin)) return take_first_fin(notes, step);
  if (step.end() - 1 == step.own.fin) return take_repeated_fin(notes, step);
  notes.anomaly_once(step.record, AnomalyKind::fin_out_of_order, step.sighting.frame, step.from);
}

// A segment that repeats what its receiver has got is answered and dropped before its ACK counts
// (3.10.7.4, first). Between the ends nobody knows whether it was got. Linux takes the ACK of one
// that ends at RCV.NXT (net/ipv4/tcp_input.c, tcp_sequence), so of a FIN that comes again.
bool acceptable(const Step& step) {
  if (step.own.is(has::keep_alive)) return false;
  // Linux takes an empty segment at the window's right edge, RFC 9293 does not: it tells nothing.
  const int64_t ahead = step.packet.seq - step.peer.ack;
  if (step.peer.is(has::ack) && ahead > 0 && ahead >= int64_t{step.peer.window}) return false;
  if (step.length == 0) return !step.peer.is(has::ack) || step.packet.seq >= step.peer.ack;
  if (!step.repeated) return true;
  if (has_fin(step) && step.peer.in(State::closing) && step.end() == step.peer.ack) return true;
  const bool got = step.peer.is(has::ack) && step.end() <= step.peer.ack;
  return !got && !taken_at(step.record, step.to());
}

// What its ACK does to the receiver.
void tell_ack(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& peer = step.peer;
  if (!step.packet.flags.ack || !acceptable(step)) return;
  // Where the other direction is not captured, the handshake went on all the same.
  const bool unseen = !peer.known() && step.own.is(has::plain_syn);
  if (unseen || (peer.in(State::syn_received) && covers_syn(step))) {
    moves.peer(State::established, Cause::handshake_ack);
  }
  if (!covers_fin(step)) return;
  peer.set(has::fin_acked);
  if (peer.in(State::fin_wait_1)) moves.peer(State::fin_wait_2, Cause::fin_acked);
  if (peer.in(State::closing)) moves.peer(State::time_wait, Cause::fin_acked);
  if (peer.in(State::last_ack)) moves.peer(State::closed, Cause::fin_acked);
}

// Whether all before the FIN passed, and the receiver has room for it.
bool fin_is_next(Notes& notes, const Step& step) {
  if (notes.has_holes(step.record, step.from)) return false;
  if (!step.peer.is(has::ack)) return true;
  return step.own.fin - step.peer.ack <= static_cast<int64_t>(step.peer.window) ||
         step.own.fin == step.peer.ack;
}

// What its FIN does to the receiver, once all before it has passed.
void tell_fin(Notes& notes, Step& step) {
  const Mover moves(notes, step);
  End& own = step.own;
  if (!own.is(has::fin) || own.is(has::fin_told) || step.length == 0) return;
  if (!fin_is_next(notes, step)) return;
  own.set(has::fin_told);
  if (step.peer.in(State::established)) moves.peer(State::close_wait, Cause::fin_received);
  if (step.peer.in(State::fin_wait_1)) moves.peer(State::closing, Cause::fin_received);
  if (step.peer.in(State::fin_wait_2)) moves.peer(State::time_wait, Cause::fin_received);
}

// More than an echo of what was on its way when the end closed.
bool speaks_on(const Step& step) {
  return step.end() > step.nxt_before || step.packet.ack > step.ack_before ||
         (step.length > 0 && !step.own.is(has::rst));
}

// It passed here and arrived, and yet this end acknowledges less: it was dropped, as one is that is
// late and whose timestamp is old (RFC 7323 5, PAWS).
void take_fin_back(Notes& notes, Step& step) {
  const End& own = step.own;
  if (!step.peer.is(has::fin_told) || covers_fin(step) || own.certainty == Certainty::seen) return;
  if (!taken_at(step.record, step.from)) return;
  const auto before = own.in(State::close_wait)  ? State::established
                      : own.in(State::closing)   ? State::fin_wait_1
                      : own.in(State::time_wait) ? State::fin_wait_2
                                                 : State::closed;
  if (before != State::closed && notes.take_back(step.record, step.from, before)) {
    step.peer.clear(has::fin_told);
  }
}

void take_segment(Notes& notes, Step& step) {
  if (step.own.in(State::closed) && speaks_on(step)) revive(notes, step);
  if (!step.own.known()) take_unknown(notes, step);
  take_handshake_of_sender(notes, step);
  take_fin_back(notes, step);
  if (covers_fin(step)) take_fin_of_peer(notes, step);
  if (has_fin(step)) take_fin(notes, step);
}

// Nothing can move: both are ESTABLISHED for sure, and nobody closes.
bool steady(const Step& step) {
  return step.own.state == State::established && step.own.certainty == Certainty::seen &&
         step.peer.state == State::established && step.peer.certainty == Certainty::seen &&
         !step.packet.flags.syn && !step.packet.flags.fin && !step.peer.is(has::fin) &&
         !step.own.is(has::fin);
}

}  // namespace

void move(Notes& notes, Record& record, const Place& place, unsigned end, State to,
          Certainty certainty, Cause cause) {
  End& one = record.end[end];
  if (one.in(to)) {
    if (certainty == Certainty::seen) {
      notes.confirm(record, place, end, taken_at(record, end));
    }
    return;
  }
  if (!one.known()) {
    const bool opens = to == State::syn_sent;
    const bool answers = to == State::syn_received;
    std::optional<State> before;
    if (opens) before = State::closed;
    if (answers) before = State::listen;
    return notes.change(record, place, end, before, to, certainty, cause);
  }
  // Between lie states that no segment showed.
  for (State at = one.state;;) {
    const std::optional<State> next = next_on_way(at, to);
    if (!next || *next == to) return notes.change(record, place, end, at, to, certainty, cause);
    notes.change(record, place, end, at, *next, Certainty::inferred, cause);
    at = *next;
  }
}

void revive(Notes& notes, Step& step) {
  const State wanted[] = {State::last_ack,    State::time_wait,    State::closing,
                          State::fin_wait_2,  State::fin_wait_1,   State::close_wait,
                          State::established, State::syn_received, State::syn_sent};
  for (const State state : wanted) {
    if (!notes.take_back(step.record, step.from, state)) continue;
    step.record.over = false;
    if (!step.own.is(has::rst)) return;
    // The RST in its name was not its own.
    step.own.clear(has::rst);
    step.record.forged = true;
    notes.anomaly_once(step.record, AnomalyKind::forged_reset, step.sighting.frame, std::nullopt);
    return;
  }
}

void run_machines(Notes& notes, Step& step) {
  if (steady(step)) return;
  const wire::TcpFlags flags = step.packet.flags;
  if (flags.syn) {
    flags.ack ? take_syn_ack(notes, step) : take_syn(notes, step);
  } else if (flags.ack) {
    take_segment(notes, step);
  } else {
    return;  // neither SYN nor ACK: dropped by whoever gets it (3.10.7.4, fifth)
  }
  tell_ack(notes, step);
  tell_fin(notes, step);
}

}  // namespace tcpdx::track
