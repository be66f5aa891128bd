#include "engine/trace_story.hpp"

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tcpdx::engine {

namespace {

using tcp::State;

bool is_any(const IpAddress& listener, const IpAddress& local) {
  // A listener of :: takes IPv4 too, whose addresses are mapped then.
  return listener.is_any() && (listener.family == Family::v6 || local.family == Family::v4);
}

// Which side took the first step to the end, as far as one change of state tells it.
ClosedBy closer(const host::KernelEvent& event, ClosedBy before) {
  if (event.to == State::closing) return ClosedBy::both;
  if (before != ClosedBy::unknown) return before;
  if (event.to == State::fin_wait_1) return ClosedBy::local;
  if (event.to == State::close_wait) return ClosedBy::remote;
  return ClosedBy::unknown;
}

ClosedBy ended_by(const host::KernelEvent& event, ClosedBy before) {
  if (event.error == ECONNRESET || event.error == ECONNREFUSED || event.error == EPIPE) {
    return ClosedBy::remote_reset;
  }
  if (event.error != 0) return ClosedBy::error;
  // A close with unread data or SO_LINGER 0 goes there at once.
  const bool abrupt = event.from == State::established || event.from == State::close_wait;
  if (before == ClosedBy::unknown && abrupt) return ClosedBy::local_reset;
  if (event.from == State::close_wait) return ClosedBy::local_reset;
  return before;
}

}  // namespace

TraceStory::Known* TraceStory::entry(uint64_t cookie) {
  if (cookie == 0) return nullptr;
  const auto found = known_.find(cookie);
  if (found != known_.end()) return &found->second;
  return known_.size() < kMostKnown ? &known_[cookie] : nullptr;
}

void TraceStory::set_owner(Known& known, uint32_t pid, std::string_view comm) {
  known.pid = pid;
  known.comm.fill('\0');
  std::copy_n(comm.begin(), std::min(comm.size(), known.comm.size()), known.comm.begin());
}

std::optional<TraceOwner> TraceStory::owner_of(const Known& known) {
  if (known.pid == 0) return std::nullopt;
  const auto end = std::ranges::find(known.comm, '\0');
  return TraceOwner{known.pid, std::string(known.comm.begin(), end), {}};
}

void TraceStory::seed(const Observation& seen, const Look& look, Nanoseconds at) {
  for (const Socket& socket : look.sockets) {
    // An entry, not a socket: nothing will be heard of it.
    if (socket.state == State::time_wait || socket.state == State::syn_received) continue;
    Known* known = entry(socket.cookie);
    if (known == nullptr) continue;
    known->state = socket.state;
    known->state_known = true;
    known->seen_at = at;
    known->local_port = socket.local.port;
    std::vector<TraceOwner> owners;
    for (const Owner& owner : owners_of(look, socket)) {
      const Process& process = seen.processes[owner.process];
      owners.push_back({process.pid, process.comm, {}});
    }
    if (!owners.empty()) set_owner(*known, owners.front().pid, owners.front().comm);
    if (socket.state != State::listen) continue;
    const uint64_t netns = seen.namespaces[socket.netns].inode;
    auto& listeners = listeners_[{netns, socket.local.port}];
    std::erase_if(listeners, [&](const Listener& l) { return l.cookie == socket.cookie; });
    listeners.push_back({socket.cookie, socket.local.addr, std::move(owners)});
  }
}

void TraceStory::listens(const host::KernelEvent& event, const Known& known) {
  auto& listeners = listeners_[{event.netns, event.local.port}];
  std::erase_if(listeners, [&](const Listener& l) { return l.cookie == event.cookie; });
  if (event.to == State::listen) {
    Listener& added = listeners.emplace_back();
    added.cookie = event.cookie;
    added.addr = event.local.addr;
    if (auto owner = owner_of(known)) added.owners.push_back(std::move(*owner));
  }
  if (listeners.empty()) listeners_.erase({event.netns, event.local.port});
}

void TraceStory::learn(const host::KernelEvent& event) {
  Known* known = entry(event.cookie);
  if (known == nullptr) return;
  if (event.pid != 0) set_owner(*known, event.pid, event.comm);
  if (event.only_user) return;
  if (event.to == State::syn_sent && event.from == State::closed) known->local_port = 0;
  if (event.local.port != 0) known->local_port = event.local.port;
  if (event.kind != EventKind::state) return;
  // LISTEN to SYN-RECEIVED is a new socket that was copied from its listener.
  const bool child = event.to == State::syn_received;
  if ((event.to == State::listen || event.from == State::listen) && !child) listens(event, *known);
}

void TraceStory::find_owner(const Known* known, TraceSubject& who) const {
  if (known != nullptr && known->pid != 0) {
    who.owner = owner_of(*known);
    return;
  }
  const auto listeners = listeners_.find({who.netns, who.local.port});
  if (listeners == listeners_.end()) return;
  const Listener* best = nullptr;
  for (const Listener& listener : listeners->second) {
    if (listener.addr == who.local.addr) best = &listener;
    if (best == nullptr && is_any(listener.addr, who.local.addr)) best = &listener;
  }
  // Of several that may accept nobody knows which one will.
  if (best == nullptr || best->owners.size() != 1) return;
  who.owner = best->owners.front();
  who.owner_listens = true;
}

TraceEvent TraceStory::event_of(const host::KernelEvent& event, const Known* known) const {
  TraceEvent told;
  told.at = wall(event.at);
  told.kind = event.kind;
  told.retransmit = event.retransmit;
  told.from = event.from;
  told.to = event.to;
  told.error = event.error;
  if (event.duration > Duration::zero()) told.duration = event.duration;
  told.who.local = event.local;
  told.who.remote = event.remote;
  told.who.cookie = event.cookie;
  told.who.netns = event.netns;
  told.who.uid = event.uid;
  const auto name = names_.find(event.netns);
  if (name != names_.end()) told.who.netns_name = name->second;
  if (told.who.local.port == 0 && known != nullptr) told.who.local.port = known->local_port;
  if (event.pid != 0) {
    told.who.owner = TraceOwner{event.pid, event.comm, {}};
  } else {
    find_owner(known, told.who);
  }
  return told;
}

// A step that was lost shows itself: the socket is not where it was left.
void TraceStory::bridge(const host::KernelEvent& event, const Known& known) {
  if (!known.state_known || event.at < known.seen_at || known.state == event.from) return;
  if (event.from == State::listen && event.to == State::syn_received) return;  // a new socket
  if (known.state == State::time_wait) return;  // an entry, told by the one who follows it
  TraceEvent step = event_of(event, &known);
  step.from = known.state;
  step.to = event.from;
  step.error = 0;
  step.joined = true;
  sink_.event(std::move(step));
}

void TraceStory::tell_state(const host::KernelEvent& event, Known* known) {
  if (known == nullptr) {
    sink_.event(event_of(event, known));
    return;
  }
  bridge(event, *known);
  sink_.event(event_of(event, known));
  if (event.from == State::closed && event.to == State::syn_sent) {
    known->opened = Opened::active;
    known->closed = ClosedBy::unknown;
    known->began = event.at;
  } else if (event.from == State::syn_received && event.to == State::established &&
             known->opened != Opened::active) {
    known->opened = Opened::passive;
    known->began = event.at;
  }
  if (event.from == State::syn_sent && event.to == State::established) {
    TraceEvent connected = event_of(event, known);
    connected.kind = EventKind::connect;
    connected.from = connected.to = State::syn_sent;
    if (known->began != Nanoseconds{}) {
      connected.duration = std::chrono::round<Duration>(event.at - known->began);
    }
    sink_.event(std::move(connected));
  }
  known->closed = closer(event, known->closed);
  known->state = event.to;
  known->state_known = true;
  known->seen_at = std::max(known->seen_at, event.at);
  if (event.to != State::closed) return;
  if (event.life) tell_life(event, *known);
  ended_.emplace_back(event.at, event.cookie);
}

void TraceStory::tell_life(const host::KernelEvent& event, const Known& known) {
  if (event.from == State::listen || event.from == State::closed) return;
  TraceLife life;
  life.at = wall(event.at);
  if (known.began != Nanoseconds{}) {
    life.duration = std::chrono::round<Duration>(event.at - known.began);
  }
  life.who = event_of(event, &known).who;
  life.opened = known.opened;
  life.closed_by = ended_by(event, known.closed);
  life.last = event.from;
  life.error = event.error;
  life.bytes_sent = event.life->bytes_sent;
  life.bytes_received = event.life->bytes_received;
  life.retransmits = event.life->retransmits;
  if (event.life->rtt > Duration::zero()) life.rtt = event.life->rtt;
  sink_.life(std::move(life));
}

void TraceStory::tell(const host::KernelEvent& event, const std::string& reason) {
  if (event.only_user) return;
  const auto found = known_.find(event.cookie);
  Known* known = found == known_.end() ? nullptr : &found->second;
  if (event.kind == EventKind::state) {
    tell_state(event, known);
    return;
  }
  TraceEvent told = event_of(event, known);
  told.reason = reason;
  if (event.kind == EventKind::connect && known != nullptr && known->began != Nanoseconds{}) {
    told.duration = std::chrono::round<Duration>(event.at - known->began);
  }
  sink_.event(std::move(told));
}

void TraceStory::tell_joined(TraceEvent event, Nanoseconds at) {
  event.at = wall(at);
  event.joined = true;
  const auto found = known_.find(event.who.cookie);
  Known* known = found == known_.end() ? nullptr : &found->second;
  const auto name = names_.find(event.who.netns);
  if (name != names_.end()) event.who.netns_name = name->second;
  if (!event.who.owner) find_owner(known, event.who);
  sink_.event(std::move(event));
}

void TraceStory::forget(Nanoseconds before) {
  for (; !ended_.empty() && ended_.front().first < before; ended_.pop_front()) {
    const auto found = known_.find(ended_.front().second);
    if (found == known_.end()) continue;
    // The same socket may have been opened again.
    const bool closed = found->second.state == State::closed && found->second.state_known;
    if (closed && found->second.seen_at < before) known_.erase(found);
  }
}

bool TraceStory::has_port(uint64_t cookie) const {
  const auto found = known_.find(cookie);
  return found != known_.end() && found->second.local_port != 0;
}

}  // namespace tcpdx::engine
