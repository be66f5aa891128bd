// 3.10.7.1 and 3.10.7.2: segments for no connection, and those that begin one. Full queues are
// answered as Linux does (tcp_conn_request), SYN cookies included (RFC 4987 3.6).
#include <algorithm>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

bool syn_queue_full(const Core& core, const Listener& listener) {
  return listener.half_open >= listener.backlog ||
         listener.half_open >= core.settings.max_syn_backlog;
}

Tcb& create_child(Core& core, Listener& listener, const Packet& packet) {
  Tcb& tcb = core.create(packet.to(), packet.from());
  tcb.set_options(listener.options);
  tcb.listener = core.slot_of(listener);
  tcb.holder = Holder::listener;
  tcb.origin = Origin::passive;
  tcb.state = State::listen;
  core.enter(tcb);
  ++listener.half_open;
  return tcb;
}

void answer_syn(Core& core, Tcb& tcb) {
  send_syn(core, tcb);
  start_syn_timer(core, tcb);
  core.schedule(tcb);
}

void send_cookie(Core& core, Listener& listener, const Packet& packet) {
  const SocketAddress local = packet.to();
  const SocketAddress remote = packet.from();
  const wire::TcpOptions& theirs = packet.header.options;
  const Settings& settings = core.settings;
  const bool timestamps = settings.timestamps && theirs.timestamps;
  const bool v4 = local.addr.family == Family::v4;
  CookieFacts facts;
  facts.mss = theirs.mss.value_or(v4 ? 536 : 1220);
  if (timestamps) {  // window scale and SACK fit only there
    if (settings.window_scaling) facts.window_scale = theirs.window_scale;
    facts.sack_permitted = settings.sack && theirs.sack_permitted;
  }
  const uint32_t ts = core.now_ms() + timestamp_offset(local, remote, core.secret);
  const Cookie cookie =
      make_cookie(local, remote, packet.header.seq, facts, ts, core.secret, core.now);
  Packet answer;
  answer.source = packet.destination;
  answer.destination = packet.source;
  answer.ttl = listener.options.ttl;
  answer.traffic_class = listener.options.traffic_class;
  const std::vector<IpAddress> back(packet.source_route.rbegin(), packet.source_route.rend());
  answer.source_route =
      listener.options.source_route.empty() ? back : listener.options.source_route;
  wire::TcpHeader& header = answer.header;
  header.source_port = local.port;
  header.destination_port = remote.port;
  header.seq = cookie.iss;
  header.ack = packet.header.seq + 1;
  header.flags = {.syn = true, .ack = true};
  header.window = static_cast<uint16_t>(std::min<uint32_t>(settings.receive_buffer, UINT16_MAX));
  header.options.mss = static_cast<uint16_t>(settings.mtu - (v4 ? 40 : 60));
  if (facts.window_scale) header.options.window_scale = scale_for(settings.receive_buffer);
  header.options.sack_permitted = facts.sack_permitted;
  if (timestamps && theirs.timestamps) {
    header.options.timestamps = {cookie.ts_value, theirs.timestamps->value};
  }
  ++listener.counters.cookies_sent;
  core.sink.send(answer);
}

// The SYN as the cookie remembers it, with the window of the segment that brought it back.
Packet remembered_syn(const Packet& packet, const CookieFacts& facts) {
  Packet syn = packet;
  syn.text = {};
  syn.header.flags = {.syn = true};
  syn.header.seq = packet.header.seq - 1;
  syn.header.options = {.mss = facts.mss,
                        .window_scale = facts.window_scale,
                        .sack_permitted = facts.sack_permitted,
                        .timestamps = packet.header.options.timestamps};
  return syn;
}

// A third segment without a record: its cookie makes one. False: it is no such segment.
bool take_cookie(Core& core, Listener& listener, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  if (listener.record != kNone || listener.counters.cookies_sent == 0) return false;
  const auto& ts = header.options.timestamps;
  const auto facts =
      check_cookie(packet.to(), packet.from(), header.seq - 1, header.ack - 1,
                   ts && core.settings.timestamps ? std::optional(ts->echo) : std::nullopt,
                   core.secret, core.now);
  if (!facts) {
    ++listener.counters.cookies_failed;
    return false;
  }
  if (listener.waiting.size() > listener.backlog) {
    ++listener.counters.listen_overflows;
    ++listener.counters.listen_drops;
    return true;
  }
  ++listener.counters.cookies_received;
  Tcb& tcb = create_child(core, listener, packet);
  start_passive_open(core, tcb, remembered_syn(packet, *facts), Event::syn, header.ack - 1);
  tcb.syn_repeated = true;  // when the SYN,ACK went out is not known: nothing to measure
  tcb.snd_nxt = header.ack;
  arrive_otherwise(core, tcb, packet);
  return true;
}

void take_new_syn(Core& core, Listener& listener, const Packet& packet) {
  if (core.settings.syn_cookies == SynCookies::always ||
      (syn_queue_full(core, listener) && core.settings.syn_cookies == SynCookies::when_full)) {
    if (listener.waiting.size() <= listener.backlog) return send_cookie(core, listener, packet);
  }
  const bool accept_queue_full = listener.waiting.size() > listener.backlog;
  if (accept_queue_full || syn_queue_full(core, listener)) {
    if (accept_queue_full) ++listener.counters.listen_overflows;
    ++listener.counters.listen_drops;
    return;
  }
  Tcb& tcb = create_child(core, listener, packet);
  const Seq iss = initial_sequence_number(tcb.local, tcb.remote, core.secret, core.now);
  start_passive_open(core, tcb, packet, Event::syn, iss);
  answer_syn(core, tcb);
}

// The RFC's passive OPEN: the record that waits becomes the connection.
void take_syn_of_record(Core& core, Tcb& tcb, const Packet& packet) {
  tcb.local = packet.to();
  tcb.remote = packet.from();
  tcb.origin = Origin::passive;
  core.enter(tcb);
  const Seq iss = initial_sequence_number(tcb.local, tcb.remote, core.secret, core.now);
  start_passive_open(core, tcb, packet, Event::syn, iss);
  answer_syn(core, tcb);
}

}  // namespace

void arrive_closed(Core& core, const Packet& packet) { send_reset_for(core, packet); }

void arrive_listen(Core& core, Listener& listener, const Packet& packet) {
  const wire::TcpFlags flags = packet.header.flags;
  if (flags.rst) return;  // first: it cannot answer anything sent from here
  if (flags.ack) {        // second: any ACK is bad, but for one that returns a cookie
    if (!flags.syn && take_cookie(core, listener, packet)) return;
    return send_reset_for(core, packet);
  }
  if (!flags.syn) return;  // fourth: no SYN, nothing to do
  if (listener.record != kNone) return take_syn_of_record(core, core.at(listener.record), packet);
  take_new_syn(core, listener, packet);
}

bool reopen(Core& core, Tcb& tcb, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  if (!header.flags.syn || header.flags.ack || header.flags.rst) return false;
  const auto& ts = header.options.timestamps;
  // RFC 6191 2: the timestamps decide; the sequence numbers only where those do not.
  const int32_t newer = tcb.timestamps && ts ? static_cast<int32_t>(ts->value - tcb.ts_recent) : 0;
  if (newer < 0 || (newer == 0 && header.seq <= tcb.rcv_nxt)) return false;
  Listener* listener = core.find_listener(tcb.local, tcb.remote);
  if (listener == nullptr || listener->record != kNone || tcb.holder != Holder::nobody)
    return false;
  if (syn_queue_full(core, *listener) || listener->waiting.size() > listener->backlog) return false;
  // 3.6.1 (a): larger than any number of the connection before; as far beyond as Linux goes.
  const Seq snd_nxt = tcb.snd_nxt;
  const Seq fresh = initial_sequence_number(tcb.local, tcb.remote, core.secret, core.now);
  const Seq iss = later(fresh, snd_nxt + 65535 + 2);
  tcb.holder = Holder::listener;
  tcb.listener = core.slot_of(*listener);
  tcb.set_options(listener->options);
  tcb.origin = Origin::reopened;
  tcb.wait_at = kNever;
  tcb.fin_queued = tcb.peer_fin_seen = tcb.route_learned = false;
  ++listener->half_open;
  start_passive_open(core, tcb, packet, Event::new_connection_syn, iss);
  tcb.recover = snd_nxt;
  answer_syn(core, tcb);
  return true;
}

}  // namespace tcpdx::tcp
