// SEND, RECEIVE, CLOSE, ABORT and STATUS on a record (RFC 9293 3.10.2 to 3.10.6).
#include "tcp/user_calls.hpp"

#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

using enum State;

std::string_view why_closed(const Tcb& tcb) {
  switch (tcb.ending) {
    case Notice::reset: return "the other end reset the connection";
    case Notice::refused: return "the other end refused the connection";
    case Notice::timed_out: return "the other end did not answer in time";
    case Notice::aborted: return "the connection was aborted";
    case Notice::opened:
    case Notice::readable:
    case Notice::writable:
    case Notice::urgent:
    case Notice::peer_closed:
    case Notice::closed:
    case Notice::soft_error:
    case Notice::retransmitting: return "the connection is closed";
  }
  return {};
}

bool ended_badly(const Tcb& tcb) { return tcb.state == closed && tcb.ending != Notice::closed; }

size_t unread(const Tcb& tcb) { return tcb.transfer ? tcb.transfer->receive.in_order() : 0; }

// The octet after the last one that the user read.
Seq next_read(const Tcb& tcb) {
  const bool peer_closed = tcb.peer_fin_seen && tcb.rcv_nxt == tcb.rcv_fin + 1;
  return tcb.rcv_nxt - static_cast<uint32_t>(unread(tcb)) - (peer_closed ? 1U : 0U);
}

// Our side's close is under way (3.10.2: error).
bool is_closing(const Tcb& tcb) {
  return tcb.fin_queued || tcb.state == fin_wait_1 || tcb.state == fin_wait_2 ||
         tcb.state == closing || tcb.state == last_ack || tcb.state == time_wait;
}

void queue_fin(Core& core, Tcb& tcb) {
  tcb.fin_queued = true;
  core.transfer(tcb);
  // From SYN-RECEIVED at once where nothing waits; with data it is for ESTABLISHED to do (3.10.4).
  // From CLOSE-WAIT the state changes when the FIN goes out.
  const bool at_once = tcb.state == established || (tcb.state == syn_received && tcb.unsent() == 0);
  if (at_once) core.move(tcb, Event::close);
  output(core, tcb);
}

// CLOSE in a state that has one to make.
void start_close(Core& core, Tcb& tcb) {
  if (tcb.state == listen || tcb.state == syn_sent) {
    end(core, tcb, Event::close, Notice::closed);
  } else {
    queue_fin(core, tcb);
  }
}

}  // namespace

Result<size_t> user_send(Core& core, Tcb& tcb, std::span<const std::byte> octets,
                         SendOptions options) {
  if (tcb.state == closed) return fail("cannot send: {}", why_closed(tcb));
  if (is_closing(tcb)) return fail("cannot send: our side of the connection is closed already");
  if (tcb.state == listen) {
    if (tcb.remote.port == 0) return fail("cannot send: no remote end is known yet");
    core.move(tcb, Event::send);
    start_active_open(core, tcb);
  }
  Transfer& t = core.transfer(tcb);
  const size_t taken = t.send.append(octets, core.settings.send_buffer);
  tcb.snd_end = t.send.end();
  if (taken < octets.size()) tcb.wants_room = true;
  if (options.push && taken != 0) t.push_end = tcb.snd_end;
  if (options.urgent && taken != 0) tcb.snd_up = tcb.snd_end;
  if (tcb.state == established || tcb.state == close_wait) {
    // 5681 4.1: after an idle time the window says nothing about the path any more.
    const bool idle = tcb.snd_una == tcb.snd_nxt && tcb.rtt.measured() &&
                      core.since_ms(tcb.last_sent_ms) > rto(core, tcb);
    if (idle && core.settings.slow_start_after_idle) {
      tcb.congestion.restart_after_idle(core.settings.initial_window * text_limit(tcb));
    }
    output(core, tcb);
  }
  core.release_idle(tcb);
  return taken;
}

Result<size_t> user_receive(Core& core, Tcb& tcb, std::span<std::byte> out) {
  if (tcb.transfer && tcb.transfer->receive.in_order() != 0) {
    const size_t got = tcb.transfer->receive.read(out);
    tcb.rcv_up = later(tcb.rcv_up, next_read(tcb));  // in pace, lest a lap make it urgent
    if (tcb.state != closed) {
      const bool reads_on =
          tcb.state == established || tcb.state == fin_wait_1 || tcb.state == fin_wait_2;
      if (reads_on && window_update_due(core, tcb)) send_ack(core, tcb);
      core.release_idle(tcb);
    }
    return got;
  }
  if (ended_badly(tcb)) return fail("cannot receive: {}", why_closed(tcb));
  return 0;
}

Result<void> user_shutdown(Core& core, Tcb& tcb) {
  if (tcb.state == closed) return fail("cannot close: {}", why_closed(tcb));
  if (is_closing(tcb)) return fail("cannot close: our side of the connection is closed already");
  start_close(core, tcb);
  return {};
}

void user_close(Core& core, Tcb& tcb) {
  if (tcb.state == closed) {
    tcb.holder = Holder::nobody;
    return core.retire(tcb);
  }
  const bool lost =
      unread(tcb) != 0 && tcb.state != time_wait && tcb.state != last_ack && tcb.state != closing;
  tcb.holder = Holder::nobody;
  if (lost) return user_abort(core, tcb);  // RFC 2525 2.17, as Linux does
  if (!is_closing(tcb)) start_close(core, tcb);
  if (tcb.state == fin_wait_2) start_fin_wait_2_timer(core, tcb);
  core.schedule(tcb);
}

void user_abort(Core& core, Tcb& tcb) {
  tcb.holder = Holder::nobody;
  switch (tcb.state) {
    case closed: return core.retire(tcb);
    case syn_received:
    case established:
    case fin_wait_1:
    case fin_wait_2:
    case close_wait: send_reset(core, tcb); break;
    case listen:
    case syn_sent:
    case closing:
    case last_ack:
    case time_wait: break;
  }
  core.move(tcb, Event::abort);
}

Status status_of(const Core& core, const Tcb& tcb) {
  Status s;
  s.state = tcb.state;
  s.local = tcb.local;
  s.remote = tcb.remote;
  s.iss = tcb.iss;
  s.snd_una = tcb.snd_una;
  s.snd_nxt = tcb.snd_nxt;
  s.snd_up = tcb.snd_up;
  s.snd_wnd = tcb.snd_wnd;
  s.irs = tcb.irs;
  s.rcv_nxt = tcb.rcv_nxt;
  s.rcv_up = tcb.rcv_up;
  s.rcv_wnd = tcb.rcv_wnd();
  s.timestamps = tcb.timestamps;
  s.sack = tcb.sack;
  if (tcb.scaling) {
    s.snd_scale = tcb.snd_scale;
    s.rcv_scale = tcb.rcv_scale;
  }
  if (tcb.peer_mss != 0) s.mss = static_cast<uint16_t>(text_limit(tcb));
  s.unsent = tcb.unsent();
  s.unacknowledged = tcb.flight();
  s.unread = unread(tcb);
  s.cwnd = tcb.congestion.cwnd();
  s.ssthresh = tcb.congestion.ssthresh();
  if (tcb.rtt.measured()) s.srtt = tcb.rtt.srtt();
  s.rto = rto(core, tcb);
  s.retransmissions = tcb.retransmissions;
  s.retransmitted_segments = tcb.repeated_segments;
  s.in_recovery = tcb.phase != Phase::open;
  s.received_traffic_class = tcb.received_traffic_class;
  return s;
}

Readiness readiness_of(const Core& core, const Tcb& tcb) {
  Readiness r;
  r.readable = unread(tcb);
  const bool may_send = tcb.state != closed && tcb.state != listen && !is_closing(tcb);
  const size_t queued = tcb.transfer ? tcb.transfer->send.size() : 0;
  if (may_send)
    r.writable = core.settings.send_buffer - std::min<size_t>(queued, core.settings.send_buffer);
  const bool peer_closed = tcb.peer_fin_seen && tcb.rcv_nxt == tcb.rcv_fin + 1;
  const Seq next = next_read(tcb);
  if (tcb.synchronized() && tcb.rcv_up > next) r.urgent = octets(next, tcb.rcv_up);
  r.end_of_data = r.readable == 0 && (peer_closed || tcb.state == closed);
  return r;
}

}  // namespace tcpdx::tcp
