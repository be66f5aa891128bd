// Opening: what SYNs say, the way through SYN-RECEIVED, and where a failed handshake leads.
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

constexpr uint16_t kLeastMss = 48;  // net.ipv4.tcp_min_snd_mss: a smaller one is an attack

uint16_t default_mss(Family family) { return family == Family::v4 ? 536 : 1220; }  // MUST-15

void choose_numbers(Core& core, Tcb& tcb, Seq iss) {
  tcb.iss = tcb.snd_una = iss;
  tcb.snd_nxt = tcb.snd_end = iss + 1;
  tcb.snd_up = tcb.recover = iss;
  tcb.syn_acknowledged = false;
  tcb.timestamps = core.settings.timestamps;
  if (tcb.timestamps) tcb.ts_offset = timestamp_offset(tcb.local, tcb.remote, core.secret);
  tcb.sack = core.settings.sack;
  tcb.scaling = core.settings.window_scaling;
}

}  // namespace

void take_syn(Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  const wire::TcpOptions& options = header.options;
  tcb.irs = header.seq;
  tcb.rcv_nxt = header.seq + 1;
  tcb.rcv_up = tcb.rcv_nxt;
  tcb.last_ack_sent = tcb.rcv_nxt;
  tcb.rcv_edge = tcb.rcv_nxt + std::min<uint32_t>(core.settings.receive_buffer, UINT16_MAX);
  if (tcb.transfer) tcb.transfer->receive.start(tcb.rcv_nxt);
  tcb.peer_mss = std::max(options.mss.value_or(default_mss(tcb.local.addr.family)), kLeastMss);
  tcb.scaling = tcb.scaling && options.window_scale;
  tcb.sack = tcb.sack && options.sack_permitted;
  tcb.timestamps = tcb.timestamps && options.timestamps;
  if (tcb.scaling && options.window_scale) {
    tcb.snd_scale = std::min<uint8_t>(*options.window_scale, 14);
    tcb.rcv_scale = scale_for(core.settings.receive_buffer);
  }
  if (tcb.timestamps && options.timestamps) {
    tcb.ts_recent = options.timestamps->value;
    tcb.ts_recent_s = static_cast<uint32_t>(seconds(core.now));
  }
  tcb.snd_wnd = tcb.max_snd_wnd = header.window;  // never scaled in a SYN: RFC 7323 2.2
  tcb.snd_wl1 = header.seq;
  tcb.snd_wl2 = tcb.snd_una;
  tcb.last_received_ms = core.now_ms();
  tcb.received_traffic_class = packet.traffic_class;
}

void take_source_route(Tcb& tcb, const Packet& packet) {
  if (packet.source_route.empty()) return;
  if (!tcb.options().source_route.empty() && !tcb.route_learned) return;
  const std::vector<IpAddress> back(packet.source_route.rbegin(), packet.source_route.rend());
  if (back == tcb.options().source_route) return;
  ConnectionOptions options = tcb.options();
  options.source_route = back;
  tcb.set_options(options);
  tcb.route_learned = true;
}

void start_syn_timer(Core& core, Tcb& tcb) {
  const unsigned linear = tcb.state == State::syn_sent ? core.settings.syn_linear_timeouts : 0;
  const unsigned doublings = tcb.retransmissions > linear ? tcb.retransmissions - linear : 0;
  const Duration wait = tcb.rtt.rto(core.settings.rto, doublings);
  set_send_timer(tcb, SendTimer::syn, core.now + wait);
  const Duration limit = tcb.options().user_timeout.value_or(core.settings.user_timeout);
  if (tcb.retransmissions == 0 && limit != Duration{}) tcb.give_up_at = core.now + limit;
}

void start_active_open(Core& core, Tcb& tcb) {
  choose_numbers(core, tcb, initial_sequence_number(tcb.local, tcb.remote, core.secret, core.now));
  tcb.origin = Origin::active;
  tcb.waiting_since = core.now;
  const Time quiet_until = core.start + core.settings.quiet_time;
  if (core.now < quiet_until) {  // 3.4.3
    set_send_timer(tcb, SendTimer::quiet_time, quiet_until);
    return core.schedule(tcb);
  }
  send_syn(core, tcb);
  start_syn_timer(core, tcb);
  core.schedule(tcb);
}

void start_passive_open(Core& core, Tcb& tcb, const Packet& packet, Event on, Seq iss) {
  choose_numbers(core, tcb, iss);
  take_source_route(tcb, packet);
  take_syn(core, tcb, packet);
  tcb.waiting_since = core.now;
  core.move(tcb, on);
}

void back_to_listen(Core& core, Tcb& tcb) {
  if (tcb.holder != Holder::user) return core.retire(tcb);
  const Listener& own = core.listener(tcb.listener);
  core.leave(tcb);
  core.unschedule(tcb);
  tcb.local = own.local;
  tcb.remote = own.remote.value_or(SocketAddress{});
  tcb.retransmissions = tcb.back_offs = 0;
  tcb.send_timer = SendTimer::none;
  tcb.retransmit_at = tcb.ack_at = tcb.wait_at = tcb.give_up_at = kNever;
  tcb.syn_repeated = tcb.fin_queued = tcb.ack_now = tcb.peer_fin_seen = false;
  tcb.transfer.reset();
  if (!tcb.route_learned) return;
  ConnectionOptions options = tcb.options();
  options.source_route.clear();
  tcb.set_options(options);
  tcb.route_learned = false;
}

bool admit(Core& core, Tcb& tcb) {
  if (tcb.holder != Holder::listener) return true;
  Listener& listener = core.listener(tcb.listener);
  if (listener.waiting.size() > listener.backlog) {  // sk_acceptq_is_full()
    ++listener.counters.listen_overflows;
    ++listener.counters.listen_drops;
    if (core.settings.reset_on_overflow) {
      send_reset(core, tcb);
      core.move(tcb, Event::abort);
    }
    return false;
  }
  --listener.half_open;
  listener.waiting.push_back(tcb.slot);
  tcb.holder = Holder::accept_queue;
  return true;
}

void synchronized(Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  const uint32_t mss = text_limit(tcb);
  // RFC 6298 3 and 5.7, RFC 6928 2: a repeated SYN measures nothing and begins carefully.
  if (!tcb.syn_repeated) {
    tcb.rtt.sample(std::max<Duration>(core.now - tcb.waiting_since, 1us));
  }
  const unsigned segments = tcb.syn_repeated ? 1 : core.settings.initial_window;
  tcb.congestion = Congestion(core.settings.congestion, segments * mss);
  tcb.snd_una = tcb.iss + 1;
  tcb.syn_acknowledged = true;
  tcb.recover = tcb.iss;
  tcb.retransmissions = tcb.back_offs = 0;
  tcb.give_up_at = kNever;
  tcb.last_received_ms = core.now_ms();
  set_send_timer(tcb, SendTimer::none, kNever);
  const unsigned scale = header.flags.syn ? 0 : tcb.snd_scale;
  tcb.snd_wnd = static_cast<uint32_t>(header.window) << scale;
  tcb.max_snd_wnd = std::max(tcb.max_snd_wnd, tcb.snd_wnd);
  tcb.snd_wl1 = header.seq;
  tcb.snd_wl2 = header.ack;
}

}  // namespace tcpdx::tcp
