// The door of an endpoint: finds the record or the listener that a call or a segment is for, and
// gives back what ended during the call.
#include "tcp/endpoint.hpp"

#include <algorithm>
#include <utility>

#include "tcp/machine.hpp"
#include "tcp/user_calls.hpp"

namespace tcpdx::tcp {
namespace {

std::unexpected<Error> no_connection() {
  return fail("there is no such connection (any more); its id ended with close() or abort()");
}

Result<void> check_source_route(const ConnectionOptions& options, Family family) {
  if (options.source_route.empty()) return {};
  if (family != Family::v4 || options.source_route.size() > 9) {
    return fail("a source route has at most nine IPv4 addresses, and belongs to IPv4");
  }
  return {};
}

}  // namespace

std::string_view to_string(Notice notice) {
  switch (notice) {
    case Notice::opened: return "opened";
    case Notice::readable: return "readable";
    case Notice::writable: return "writable";
    case Notice::urgent: return "urgent";
    case Notice::peer_closed: return "peer closed";
    case Notice::closed: return "closed";
    case Notice::reset: return "reset";
    case Notice::refused: return "refused";
    case Notice::timed_out: return "timed out";
    case Notice::aborted: return "aborted";
    case Notice::soft_error: return "soft error";
    case Notice::retransmitting: return "retransmitting";
  }
  return {};
}

Endpoint::Endpoint(Settings settings, const Secret& secret, Sink& sink, Time start)
    : core_(std::make_unique<Core>(std::move(settings), secret, sink, start)) {}

Endpoint::~Endpoint() = default;

Result<ListenerId> Endpoint::listen(Time now, const SocketAddress& local,
                                    const ListenOptions& options) {
  core_->now = now;
  if (local.port == 0) return fail("cannot listen on {}: a port is needed", to_string(local));
  if (core_->listens_exactly(local, std::nullopt)) {
    return fail("cannot listen on {}: something listens there already", to_string(local));
  }
  Listener listener;
  listener.local = local;
  listener.backlog = std::min(options.backlog, core_->settings.max_backlog);
  listener.options = options.connection;
  return core_->add_listener(std::move(listener));
}

Result<ConnectionId> Endpoint::open_passive(Time now, const SocketAddress& local,
                                            const std::optional<SocketAddress>& remote,
                                            const ConnectionOptions& options) {
  core_->now = now;
  if (core_->listens_exactly(local, remote)) {
    return fail("cannot open {}: something listens there already", to_string(local));
  }
  if (remote && !core_->is_unicast(remote->addr)) {  // MUST-46
    return fail("cannot open {} to {}: that is no address of one host", to_string(local),
                to_string(*remote));
  }
  if (auto route = check_source_route(options, local.addr.family); !route) {
    return std::unexpected(route.error());
  }
  Tcb& tcb = core_->create(local, remote.value_or(SocketAddress{}));
  tcb.set_options(options);
  tcb.holder = Holder::user;
  core_->move(tcb, Event::passive_open);
  Listener listener;
  listener.local = local;
  listener.remote = remote;
  listener.record = tcb.slot;
  listener.options = options;
  tcb.listener = core_->add_listener(std::move(listener)).slot;
  return tcb.id();
}

Result<ConnectionId> Endpoint::connect(Time now, const SocketAddress& local,
                                       const SocketAddress& remote,
                                       const ConnectionOptions& options) {
  core_->now = now;
  const auto ends = core_->choose_ends(local, remote);
  if (!ends) return std::unexpected(ends.error());
  if (auto route = check_source_route(options, remote.addr.family); !route) {
    return std::unexpected(route.error());
  }
  Tcb& tcb = core_->create(*ends, remote);
  tcb.set_options(options);
  tcb.holder = Holder::user;
  core_->enter(tcb);
  core_->move(tcb, Event::active_open);
  start_active_open(*core_, tcb);
  core_->sweep();
  return tcb.id();
}

Result<void> Endpoint::connect(Time now, ConnectionId id, const SocketAddress& remote) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  if (tcb->state != State::listen) return fail("cannot open: the connection exists already");
  const auto ends = core_->choose_ends(tcb->local, remote);
  if (!ends) return std::unexpected(ends.error());
  tcb->local = *ends;
  tcb->remote = remote;
  core_->enter(*tcb);
  core_->move(*tcb, Event::active_open);
  start_active_open(*core_, *tcb);
  return {};
}

std::optional<ConnectionId> Endpoint::accept(Time now, ListenerId id) {
  core_->now = now;
  Listener* listener = core_->listener(id);
  if (listener == nullptr || listener->waiting.empty()) return std::nullopt;
  Tcb& tcb = core_->at(listener->waiting.front());
  listener->waiting.pop_front();
  tcb.holder = Holder::user;
  return tcb.id();
}

void Endpoint::stop_listening(Time now, ListenerId id) {
  core_->now = now;
  if (core_->listener(id) == nullptr) return;
  core_->stop_listening(id.slot);
  core_->sweep();
}

Result<size_t> Endpoint::send(Time now, ConnectionId id, std::span<const std::byte> octets,
                              SendOptions options) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  return tcb == nullptr ? no_connection() : user_send(*core_, *tcb, octets, options);
}

Result<size_t> Endpoint::receive(Time now, ConnectionId id, std::span<std::byte> out) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  return tcb == nullptr ? no_connection() : user_receive(*core_, *tcb, out);
}

Result<void> Endpoint::shutdown(Time now, ConnectionId id) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  auto done = user_shutdown(*core_, *tcb);
  core_->sweep();
  return done;
}

Result<void> Endpoint::close(Time now, ConnectionId id) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  user_close(*core_, *tcb);
  core_->sweep();
  return {};
}

Result<void> Endpoint::abort(Time now, ConnectionId id) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  user_abort(*core_, *tcb);
  core_->sweep();
  return {};
}

Result<Status> Endpoint::status(ConnectionId id) const {
  const Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  return status_of(*core_, *tcb);
}

Result<Readiness> Endpoint::readiness(ConnectionId id) const {
  const Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  return readiness_of(*core_, *tcb);
}

Result<ListenerStatus> Endpoint::status(ListenerId id) const {
  const Listener* listener = core_->listener(id);
  if (listener == nullptr) return fail("there is no such listener (any more)");
  ListenerStatus status = listener->counters;
  status.local = listener->local;
  status.half_open = listener->half_open;
  status.waiting = static_cast<uint32_t>(listener->waiting.size());
  status.backlog = listener->backlog;
  return status;
}

Result<void> Endpoint::set_options(Time now, ConnectionId id, const ConnectionOptions& options) {
  core_->now = now;
  Tcb* tcb = core_->find(id);
  if (tcb == nullptr) return no_connection();
  ConnectionOptions changed = options;
  changed.source_route = tcb->options().source_route;
  tcb->set_options(changed);
  const State state = tcb->state;
  if (state == State::established || state == State::close_wait || state == State::fin_wait_1 ||
      state == State::fin_wait_2) {
    tcb->wait_at = kNever;
    keep_alive_from_now(*core_, *tcb);
    output(*core_, *tcb);  // without Nagle's rule something may go now
  }
  return {};
}

void Endpoint::arrive(Time now, const Packet& packet) {
  Core& core = *core_;
  core.now = now;
  // Silently: from or to what cannot be one host (MUST-57, MUST-63); in the quiet time (3.4.3).
  if (!core.is_ours(packet.destination) || !core.is_unicast(packet.source)) return;
  if (now < core.start + core.settings.quiet_time) return;
  const SocketAddress local = packet.to();
  const SocketAddress remote = packet.from();
  if (Tcb* tcb = core.find(local, remote)) {
    tcb->state == State::syn_sent ? arrive_syn_sent(core, *tcb, packet)
                                  : arrive_otherwise(core, *tcb, packet);
  } else if (Listener* listener = core.find_listener(local, remote)) {
    arrive_listen(core, *listener, packet);
  } else {
    arrive_closed(core, packet);
  }
  core.sweep();
}

void Endpoint::arrive(Time now, const IcmpError& error) {
  core_->now = now;
  arrive_icmp(*core_, error);
  core_->sweep();
}

std::optional<Time> Endpoint::next_deadline() const { return core_->next_deadline(); }

void Endpoint::advance(Time now) {
  core_->now = now;
  while (Tcb* tcb = core_->next_due()) run_timers(*core_, *tcb);
  core_->sweep();
}

size_t Endpoint::connections() const { return core_->alive(); }

std::optional<ConnectionId> Endpoint::find(const SocketAddress& local,
                                           const SocketAddress& remote) const {
  const Tcb* tcb = core_->find(local, remote);
  if (tcb == nullptr) return std::nullopt;
  return tcb->id();
}

size_t Endpoint::memory() const { return core_->memory(); }

}  // namespace tcpdx::tcp
