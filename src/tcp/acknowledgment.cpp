// 3.10.7.4, fifth: the acknowledgment field. What arrived over there is dropped here, losses are
// found (RFC 5681, 6582, 6675, 8985), the round-trip time is measured and the window moves.
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

void enter_recovery(Tcb& tcb) {
  tcb.phase = Phase::recovery;
  tcb.recover = tcb.snd_nxt;
  tcb.congestion.enter_recovery(tcb.flight(), text_limit(tcb));
}

void count_duplicate(Core& core, Tcb& tcb, bool& newly_lost) {
  if (tcb.duplicate_acks < UINT8_MAX) ++tcb.duplicate_acks;
  // RFC 6582 3.2, step 2: not for what was repeated already before the last recovery ended.
  if (tcb.duplicate_acks != core.settings.dup_thresh || tcb.phase != Phase::open) return;
  if (tcb.snd_una - 1 >= tcb.recover) newly_lost |= tcb.transfer->sent.mark_first_lost();
}

void note_reordering(Core& core, Tcb& tcb, const Scoreboard::RackResult& found) {
  if (!found.wait || found.newly_lost) return;
  const Time at = core.now + std::max<Duration>(*found.wait, 1us);
  if (at >= tcb.retransmit_at) return;
  tcb.send_timer = SendTimer::reordering;
  tcb.retransmit_at = at;
}

// RFC 8985 7.4.2: the probe of the tail is answered. Where it repeated a segment and no duplicate
// is reported, it repaired a loss, which counts as one.
void answer_probe(Tcb& tcb, const AckedSegments& acked) {
  auto& probe = tcb.transfer->probe;
  if (!probe || tcb.snd_una < probe->end) return;
  const bool repaired = probe->repeats && !acked.dsack;
  probe.reset();
  if (!repaired || tcb.phase != Phase::open) return;
  const uint32_t mss = text_limit(tcb);
  tcb.congestion.enter_recovery(std::max(tcb.flight(), mss), mss);
  tcb.congestion.leave_recovery(std::max(tcb.flight(), mss), mss);
}

void find_losses(Core& core, Tcb& tcb, bool duplicate, bool advanced) {
  Scoreboard& sent = tcb.transfer->sent;
  bool newly_lost = false;
  if (tcb.sack) {
    newly_lost |= sent.mark_lost_by_count(text_limit(tcb), core.settings.dup_thresh);
    if (core.settings.rack) {
      const auto found = sent.mark_lost_by_time(core.now, tcb.rtt, tcb.phase != Phase::open,
                                                core.settings.dup_thresh);
      newly_lost |= found.newly_lost;
      note_reordering(core, tcb, found);
    }
  } else if (duplicate) {
    count_duplicate(core, tcb, newly_lost);
  } else if (advanced) {
    tcb.duplicate_acks = 0;
    // RFC 6582 3.2, step 3: a partial acknowledgment tells of the next loss.
    if (tcb.phase == Phase::recovery && tcb.snd_una < tcb.recover) sent.mark_first_lost();
  }
  if (newly_lost && tcb.phase == Phase::open) enter_recovery(tcb);
}

void leave_recovery(Tcb& tcb) {
  if (tcb.phase == Phase::open || tcb.snd_una < tcb.recover) return;
  if (tcb.phase == Phase::recovery) {
    tcb.congestion.leave_recovery(tcb.flight(), text_limit(tcb));
  }
  tcb.phase = Phase::open;
  tcb.duplicate_acks = 0;
}

void measure(const Core& core, Tcb& tcb, const Packet& packet, const AckedSegments& acked,
             bool advanced) {
  const auto& ts = packet.header.options.timestamps;
  if (acked.rtt) {
    tcb.rtt.sample(*acked.rtt);
  } else if (tcb.timestamps && ts && advanced && ts->echo != 0) {
    // RFC 7323 4: the echo tells which sending this answers, even of what was sent twice.
    const auto ms = static_cast<int32_t>(timestamp_now(core, tcb) - ts->echo);
    if (ms < 0) return;
    tcb.rtt.sample(std::max<Duration>(std::chrono::milliseconds(ms), 1us));
  } else {
    return;
  }
  tcb.back_offs = 0;
}

void advance(Core& core, Tcb& tcb, Seq ack) {
  tcb.snd_una = ack;
  tcb.snd_up = later(tcb.snd_up, ack);
  tcb.retransmissions = 0;
  tcb.waiting_since = core.now;
  if (tcb.transfer) {
    tcb.transfer->send.acknowledge(earlier(ack, tcb.snd_end));
    tcb.transfer->push_end = later(tcb.transfer->push_end, ack);
  }
  tcb.give_up_at = kNever;  // the user timeout counts from the last progress
  const Duration limit = tcb.options().user_timeout.value_or(core.settings.user_timeout);
  if (limit != Duration{} && tcb.snd_una != tcb.snd_nxt) tcb.give_up_at = core.now + limit;
  if (tcb.wants_room && tcb.transfer &&
      tcb.transfer->send.size() <= core.settings.send_buffer / 2) {
    tcb.wants_room = false;
    core.notify(tcb, Notice::writable);
  }
}

// RFC 5681 2: nothing but the same acknowledgment again, while something is outstanding.
bool is_duplicate(const Tcb& tcb, const Packet& packet, uint32_t window) {
  return packet.header.ack == tcb.snd_una && tcb.snd_una != tcb.snd_nxt &&
         segment_length(packet) == 0 && window == tcb.snd_wnd;
}

// The scoreboard, the clock and the congestion window learn from an acceptable acknowledgment.
void learn(Core& core, Tcb& tcb, const Packet& packet, bool duplicate) {
  const Seq una = tcb.snd_una;
  const Seq ack = packet.header.ack;
  const bool advanced = ack > una;
  const uint32_t flight = tcb.flight();
  Scoreboard& sent = tcb.transfer->sent;
  const auto blocks = tcb.sack ? packet.header.options.sacks() : std::span<const wire::SackBlock>{};
  const AckedSegments acked = sent.acknowledge(una, ack, blocks, core.now);
  measure(core, tcb, packet, acked, advanced);
  if (advanced) advance(core, tcb, ack);
  if (advanced) set_send_timer(tcb, SendTimer::none, kNever);
  find_losses(core, tcb, duplicate, advanced);
  leave_recovery(tcb);
  answer_probe(tcb, acked);
  if (advanced && tcb.phase != Phase::recovery) {
    const uint32_t mss = text_limit(tcb);
    // Growth in slow start is for a sender that uses half of its window at least (RFC 7661 1).
    const uint32_t used = tcb.congestion.slow_start() ? 2 * flight : flight + mss;
    tcb.congestion.acknowledged(octets(una, ack), mss, used >= tcb.congestion.cwnd(), core.now,
                                tcb.rtt.srtt());
  }
  if (tcb.send_timer == SendTimer::none) start_send_timer(core, tcb);
}

}  // namespace

void take_window(Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  const bool newer =
      tcb.snd_wl1 < header.seq || (tcb.snd_wl1 == header.seq && tcb.snd_wl2 <= header.ack);
  if (!newer) return;
  const uint32_t window = static_cast<uint32_t>(header.window)
                          << (header.flags.syn ? 0 : tcb.snd_scale);
  if (tcb.snd_wnd == 0 && window != 0 && tcb.send_timer == SendTimer::persist) {
    tcb.send_timer = SendTimer::none;  // the probes have their answer
    tcb.back_offs = 0;
  }
  tcb.snd_wnd = window;
  tcb.max_snd_wnd = std::max(tcb.max_snd_wnd, window);
  tcb.snd_wl1 = header.seq;
  tcb.snd_wl2 = header.ack;
}

bool take_ack(Core& core, Tcb& tcb, const Packet& packet) {
  const Seq ack = packet.header.ack;
  // RFC 5961 5.2 (MAY-12): neither of what was never sent nor older than any window.
  if (ack > tcb.snd_nxt || ack < tcb.snd_una - tcb.max_snd_wnd) {
    send_challenge_ack(core, tcb);
    return false;
  }
  tcb.last_received_ms = core.now_ms();
  tcb.keep_alives = 0;
  if (tcb.snd_wnd == 0) tcb.retransmissions = 0;  // a closed window that answers lives (MUST-37)
  const uint32_t window = static_cast<uint32_t>(packet.header.window) << tcb.snd_scale;
  const bool duplicate = is_duplicate(tcb, packet, window);
  if (ack >= tcb.snd_una) {
    if (tcb.transfer && !tcb.transfer->sent.empty()) {
      learn(core, tcb, packet, duplicate);
    } else if (ack > tcb.snd_una) {
      advance(core, tcb, ack);
    }
    take_window(tcb, packet);
  }
  return true;
}

void find_losses_by_time(Core& core, Tcb& tcb) {
  find_losses(core, tcb, false, false);
  if (tcb.send_timer == SendTimer::none) start_send_timer(core, tcb);
}

}  // namespace tcpdx::tcp
