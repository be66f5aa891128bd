// What happens when time has passed (RFC 9293 3.8.3, 3.8.4, 3.8.6.1, 3.10.8; RFC 6298 5; RFC 8985
// 7).
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

unsigned give_up_after(const Core& core, const Tcb& tcb) {
  if (const auto& r2 = tcb.options().r2) return *r2;
  return tcb.holder == Holder::nobody ? core.settings.orphan_retries : core.settings.r2;
}

// One more repeat without an answer: R1 and R2 of 3.8.3. False: that was one too many.
bool repeat_allowed(Core& core, Tcb& tcb, unsigned r2) {
  if (tcb.retransmissions >= r2) {
    end(core, tcb, Event::retransmission_give_up, Notice::timed_out);
    return false;
  }
  if (tcb.retransmissions == UINT8_MAX) return true;  // R2 is beyond what is counted: for ever
  if (++tcb.retransmissions == core.settings.r1) core.notify(tcb, Notice::retransmitting);
  return true;
}

void syn_timeout(Core& core, Tcb& tcb) {
  const Settings& settings = core.settings;
  const bool active = tcb.state == syn_sent;
  unsigned r2 =
      active ? settings.syn_retries + settings.syn_linear_timeouts : settings.syn_ack_retries;
  r2 = tcb.options().r2.value_or(r2);
  // MUST-23: whatever the number, not before the least time has passed.
  if (core.now - tcb.waiting_since < settings.syn_min_give_up) r2 = UINT8_MAX;
  tcb.syn_repeated = true;
  if (!repeat_allowed(core, tcb, r2)) return;
  ++tcb.repeated_segments;
  send_syn(core, tcb);
  start_syn_timer(core, tcb);
}

// RFC 6298 5.4 to 5.6: the earliest goes again, the timeout doubles, the window falls to one.
void retransmission_timeout(Core& core, Tcb& tcb) {
  if (!repeat_allowed(core, tcb, give_up_after(core, tcb))) return;
  if (!tcb.syn_acknowledged) send_syn(core, tcb);  // a FIN waits with our SYN,ACK (3.10.4)
  if (tcb.back_offs < UINT8_MAX) ++tcb.back_offs;
  const uint32_t mss = text_limit(tcb);
  tcb.congestion.timed_out(tcb.flight(), mss, tcb.retransmissions == 1);
  tcb.transfer->sent.mark_all_lost();
  tcb.phase = Phase::loss;
  tcb.recover = tcb.snd_nxt;
  tcb.duplicate_acks = 0;
  tcb.transfer->probe.reset();
  tcb.waiting_since = core.now;
  tcb.send_timer = SendTimer::none;
  output(core, tcb);
}

// The window is closed, or too small for anything but a silly segment.
void persist_timeout(Core& core, Tcb& tcb) {
  tcb.send_timer = SendTimer::none;
  if (tcb.snd_una + tcb.snd_wnd > tcb.snd_nxt) {  // 3.8.6.2.1: the override timer
    tcb.override_silly = true;
    return output(core, tcb);
  }
  if (!repeat_allowed(core, tcb, give_up_after(core, tcb))) return;
  if (tcb.back_offs < UINT8_MAX) ++tcb.back_offs;  // SHLD-30
  send_window_probe(core, tcb);
  start_send_timer(core, tcb);
}

void run_send_timer(Core& core, Tcb& tcb) {
  switch (tcb.send_timer) {
    case SendTimer::none: tcb.retransmit_at = kNever; return;
    case SendTimer::quiet_time: return start_active_open(core, tcb);
    case SendTimer::syn: return syn_timeout(core, tcb);
    case SendTimer::retransmit: return retransmission_timeout(core, tcb);
    case SendTimer::tail_loss_probe: return send_tail_probe(core, tcb);
    case SendTimer::reordering:
      tcb.send_timer = SendTimer::none;
      find_losses_by_time(core, tcb);
      return output(core, tcb);
    case SendTimer::persist: return persist_timeout(core, tcb);
  }
}

// 3.8.4: only when nothing is outstanding and nothing was heard for the whole interval (MUST-26).
void keep_alive_timeout(Core& core, Tcb& tcb, const KeepAlive& keep) {
  const Duration interval = std::max<Duration>(keep.interval, 1ms);
  const Time idle_until = core.now - core.since_ms(tcb.last_received_ms) + keep.idle;
  if (tcb.snd_una != tcb.snd_nxt || (tcb.keep_alives == 0 && idle_until > core.now)) {
    tcb.wait_at = std::max(idle_until, core.now + interval);
    return;
  }
  if (tcb.keep_alives >= keep.probes) {
    return end(core, tcb, Event::keep_alive_give_up, Notice::timed_out);
  }
  ++tcb.keep_alives;
  send_probe(core, tcb, tcb.snd_nxt - 1, keep.with_octet);
  tcb.wait_at = core.now + interval;
}

void wait_timeout(Core& core, Tcb& tcb) {
  tcb.wait_at = kNever;
  if (tcb.state == time_wait) return end(core, tcb, Event::time_wait_timeout, Notice::closed);
  if (tcb.state == fin_wait_2 && tcb.holder == Holder::nobody) {
    return end(core, tcb, Event::user_timeout, Notice::timed_out);
  }
  if (const auto& keep = tcb.options().keep_alive) keep_alive_timeout(core, tcb, *keep);
}

}  // namespace

void keep_alive_from_now(Core& core, Tcb& tcb) {
  if (const auto& keep = tcb.options().keep_alive) tcb.wait_at = core.now + keep->idle;
}

void start_time_wait(Core& core, Tcb& tcb) {
  set_send_timer(tcb, SendTimer::none, kNever);
  tcb.ack_at = tcb.give_up_at = kNever;
  tcb.wait_at = core.now + core.settings.time_wait;
}

void start_fin_wait_2_timer(Core& core, Tcb& tcb) {
  if (tcb.holder != Holder::nobody || core.settings.fin_wait_2_timeout == Duration{}) return;
  tcb.wait_at = core.now + core.settings.fin_wait_2_timeout;
}

void end(Core& core, Tcb& tcb, Event on, Notice notice) {
  if (!core.move(tcb, on)) return;
  tcb.ending = notice;
  core.notify(tcb, notice);
}

void run_timers(Core& core, Tcb& tcb) {
  if (tcb.give_up_at <= core.now) {
    tcb.give_up_at = kNever;
    end(core, tcb, Event::user_timeout, Notice::timed_out);
  }
  if (tcb.state != closed && tcb.retransmit_at <= core.now) run_send_timer(core, tcb);
  if (tcb.state != closed && tcb.ack_at <= core.now) {
    tcb.ack_at = kNever;
    tcb.ack_now = true;
    output(core, tcb);
  }
  if (tcb.state != closed && tcb.wait_at <= core.now) wait_timeout(core, tcb);
  core.schedule(tcb);
}

}  // namespace tcpdx::tcp
