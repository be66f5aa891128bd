#include "faults/facts.hpp"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "faults/age.hpp"

namespace tcpdx::faults {
namespace {

// The kernel names a socket by its cookie; /proc/net/tcp has none, there the four numbers and the
// inode must do.
auto identity(const Socket& s) {
  const bool named = s.cookie != 0;
  return std::tuple(s.netns, s.cookie, named ? 0 : s.inode, named ? SocketAddress{} : s.local,
                    named ? SocketAddress{} : s.remote);
}

std::pair<SocketAddress, SocketAddress> tuple_of(const Socket& s) {
  return {{s.local.addr.unmapped(), s.local.port}, {s.remote.addr.unmapped(), s.remote.port}};
}

bool accepts(const SocketAddress& listener, const SocketAddress& local) {
  if (listener.port != local.port) return false;
  const IpAddress at = listener.addr.unmapped();
  const IpAddress to = local.addr.unmapped();
  return at == to || (at.is_any() && (at.family == to.family || at.family == Family::v6));
}

std::vector<uint32_t> processes_of(const Look& look, const Socket& socket) {
  std::vector<uint32_t> found;  // the owners of a socket are sorted by process
  for (const Owner& owner : owners_of(look, socket)) {
    if (found.empty() || found.back() != owner.process) found.push_back(owner.process);
  }
  return found;
}

template <class Test>
void keep_if_any(std::vector<uint32_t>& list, Test test) {
  if (std::ranges::any_of(list, test)) std::erase_if(list, std::not_fn(test));
}

// Stopped by a signal or a debugger, or waiting in the kernel for a device.
bool cannot_run(const Process& process) {
  return process.state == 'T' || process.state == 't' || process.state == 'D';
}

bool never_accepted(const Socket& s) {
  return s.inode == 0 && (s.state == tcp::State::established || s.state == tcp::State::close_wait);
}

}  // namespace

Facts::Facts(const Observation& observation)
    : seen(observation),
      now(observation.looks.back()),
      before(observation.looks.size() > 1 ? &observation.looks.front() : nullptr) {
  if (before != nullptr) {
    windows_ = std::max<size_t>(1, static_cast<size_t>(seen.window / kWindow));
    if (windows_ < kSustainedWindows) windows_ = 1;
  }
  index_states();
  for (const TcpEvent& event : seen.events.events) {
    by_kind_[std::to_underlying(event.kind)].push_back(&event);
  }
  index_earlier();
  index_listeners();
  attach_samples();
  attach_children();
  find_acceptors();
}

void Facts::index_states() {
  for (const Socket& s : now.sockets) by_state_[std::to_underlying(s.state)].push_back(&s);
  by_tuple_.reserve(now.sockets.size());
  for (const Socket& s : now.sockets) {
    if (s.state != tcp::State::listen) by_tuple_.push_back(&s);
  }
  std::ranges::sort(by_tuple_, {}, [](const Socket* s) { return tuple_of(*s); });
}

void Facts::index_earlier() {
  if (before == nullptr) return;
  earlier_.reserve(before->sockets.size());
  for (const Socket& s : before->sockets) earlier_.push_back(&s);
  std::ranges::sort(earlier_, {}, [](const Socket* s) { return identity(*s); });
}

void Facts::index_listeners() {
  for (const Socket* s : in(tcp::State::listen)) {
    listeners_by_port_.emplace(std::pair(s->netns, s->local.port), listeners_.size());
    listeners_.push_back(
        {.socket = s, .samples = {}, .waiting = {}, .half_open = {}, .least_queued = s->recv_q});
  }
  for (Listener& one : listeners_) {
    const auto [first, last] =
        listeners_by_port_.equal_range({one.socket->netns, one.socket->local.port});
    one.group = static_cast<size_t>(std::count_if(first, last, [&](const auto& entry) {
      return listeners_[entry.second].socket->local == one.socket->local;
    }));
  }
}

void Facts::attach_children() {
  for (const Socket& s : now.sockets) {
    if (s.state != tcp::State::syn_received && !never_accepted(s)) continue;
    Listener* listener = listener_for(s);
    if (listener == nullptr) continue;
    (s.state == tcp::State::syn_received ? listener->half_open : listener->waiting).push_back(&s);
  }
}

// The most specific listener: an exact address before a wildcard, IPv4's before IPv6's. In a
// SO_REUSEPORT group the one that drains least stands for all.
Listener* Facts::listener_for(const Socket& child) {
  Listener* best = nullptr;
  const auto rank = [](const Listener& l) {
    const IpAddress at = l.socket->local.addr.unmapped();
    return std::tuple(!at.is_any(), at.family == Family::v4, l.least_queued, l.socket->recv_q);
  };
  const auto [first, last] = listeners_by_port_.equal_range({child.netns, child.local.port});
  for (auto entry = first; entry != last; ++entry) {
    Listener& candidate = listeners_[entry->second];
    if (!accepts(candidate.socket->local, child.local)) continue;
    if (best == nullptr || rank(candidate) > rank(*best)) best = &candidate;
  }
  return best;
}

void Facts::attach_samples() {
  for (const Sample& sample : seen.samples) {
    for (const ListenerSample& one : sample.listeners) {
      const auto [first, last] = listeners_by_port_.equal_range({one.netns, one.local.port});
      for (auto entry = first; entry != last; ++entry) {
        Listener& listener = listeners_[entry->second];
        if (listener.socket->cookie == one.cookie && listener.socket->local == one.local) {
          listener.samples.push_back(&one);
          listener.least_queued = std::min(listener.least_queued, one.queued);
        }
      }
    }
  }
}

// Several processes may hold a listening socket, and some of them never call accept(): the master
// of a prefork server, a supervisor, the service manager that opened it. Who holds a connection of
// its port has accepted it. One that cannot run stands first: it is the one to name.
void Facts::find_acceptors() {
  std::map<const Listener*, std::set<uint32_t>> accepting;
  std::set<std::pair<uint16_t, uint16_t>> shared;
  for (Listener& one : listeners_) {
    one.acceptors = processes_of(now, *one.socket);
    if (one.acceptors.size() > 1) shared.emplace(one.socket->netns, one.socket->local.port);
  }
  for (const Socket& s : now.sockets) {
    if (shared.empty() || s.state == tcp::State::listen || s.first_owner == kNoIndex) continue;
    if (!shared.contains({s.netns, s.local.port})) continue;
    const Listener* listener = listener_for(s);
    for (const uint32_t p : processes_of(now, s)) accepting[listener].insert(p);
  }
  for (Listener& one : listeners_) {
    const std::set<uint32_t>& busy = accepting[&one];
    keep_if_any(one.acceptors, [&](uint32_t p) { return busy.contains(p); });
    keep_if_any(one.acceptors, [&](uint32_t p) { return seen.processes[p].pid != 1; });
    const auto stuck = std::ranges::find_if(
        one.acceptors, [&](uint32_t p) { return cannot_run(seen.processes[p]); });
    if (stuck != one.acceptors.end()) std::iter_swap(one.acceptors.begin(), stuck);
  }
}

const Listener* Facts::listener_of(const Socket& listening) const {
  const std::less<const Socket*> before_in_memory;
  const auto at =
      std::ranges::lower_bound(listeners_, &listening, before_in_memory, &Listener::socket);
  return at != listeners_.end() && at->socket == &listening ? &*at : nullptr;
}

const std::vector<const Socket*>& Facts::in(tcp::State state) const {
  return by_state_[std::to_underlying(state)];
}

const Socket* Facts::earlier(const Socket& socket) const {
  const auto at = std::ranges::lower_bound(earlier_, identity(socket), {},
                                           [](const Socket* s) { return identity(*s); });
  return at != earlier_.end() && identity(**at) == identity(socket) ? *at : nullptr;
}

std::vector<const Socket*> Facts::earlier_in(tcp::State state) const {
  std::vector<const Socket*> found;
  if (before == nullptr) return found;
  for (const Socket& s : before->sockets) {
    if (s.state == state) found.push_back(&s);
  }
  return found;
}

const Socket* Facts::other_end(const Socket& socket) const {
  const auto tuple = tuple_of(socket);
  if (tuple.first == tuple.second) return nullptr;  // connected to itself
  const auto with = [&](const std::pair<SocketAddress, SocketAddress>& wanted) {
    return std::ranges::equal_range(by_tuple_, wanted, {},
                                    [](const Socket* s) { return tuple_of(*s); });
  };
  const auto others = with({tuple.second, tuple.first});
  const auto same = std::ranges::find(others, socket.netns, &Socket::netns);
  if (same != others.end()) return *same;
  // Containers may have equal addresses, and every namespace has its own loopback.
  const bool only_one = others.size() == 1 && with(tuple).size() == 1;
  return only_one && !socket.local.addr.is_loopback() ? others.front() : nullptr;
}

bool Facts::reaches(uint64_t from, const SocketAddress& destination,
                    const Listener& listener) const {
  if (!accepts(listener.socket->local, destination)) return false;
  const uint16_t netns = listener.socket->netns;
  const bool same = seen.namespaces[netns].inode == from;
  if (destination.addr.is_loopback()) return same;
  return listener.socket->local.addr.unmapped() == destination.addr.unmapped() ||
         std::ranges::any_of(now.sockets, [&](const Socket& s) {
           return s.netns == netns && s.local.addr.unmapped() == destination.addr.unmapped();
         });
}

const Look& Facts::look_of(const Socket& socket) const {
  const std::less<const Socket*> before_in_memory;
  if (before == nullptr || before->sockets.empty()) return now;
  const Socket* first = before->sockets.data();
  const bool earlier = !before_in_memory(&socket, first) &&
                       before_in_memory(&socket, first + before->sockets.size());
  return earlier ? *before : now;
}

std::optional<uint64_t> Facts::known(const Socket& socket, std::string_view field) const {
  const TcpInfo* info = this->info(socket);
  return info == nullptr ? std::nullopt : known_value(*info, field);
}

uint32_t Facts::owner_index(const Socket& socket) const {
  if (socket.state == tcp::State::listen && socket.owner_count > 1) {
    const Listener* listener = listener_of(socket);
    if (listener != nullptr && !listener->acceptors.empty()) return listener->acceptors.front();
  }
  const auto owners = owners_of(look_of(socket), socket);
  return owners.empty() ? kNoIndex : owners.front().process;
}

const Process* Facts::owner(const Socket& socket) const {
  const uint32_t index = owner_index(socket);
  return index == kNoIndex ? nullptr : &seen.processes[index];
}

Age Facts::age(const Socket& socket) const {
  const Socket* was = earlier(socket);
  Age best;
  if (was != nullptr && was->state == socket.state) best = {seen.window, "tracked by its cookie"};
  const Age by_kernel =
      age_from_kernel(socket, info(socket), seen.namespaces[socket.netns].sysctls);
  return by_kernel.at_least > best.at_least ? by_kernel : best;
}

std::optional<uint64_t> Facts::rise_between(size_t netns, std::string_view counter, Duration from,
                                            Duration to) const {
  const auto at = [&](Duration when) {
    return std::ranges::min_element(seen.samples, {},
                                    [&](const Sample& s) { return std::chrono::abs(s.at - when); });
  };
  const auto first = at(from);
  const auto last = at(to);
  if (first == last || netns >= first->counters.size() || netns >= last->counters.size()) {
    return std::nullopt;
  }
  const auto start = first->counters[netns].get(counter);
  const auto end = last->counters[netns].get(counter);
  if (!start || !end || *end < *start) return std::nullopt;
  return *end - *start;
}

std::optional<uint64_t> Facts::rise(size_t netns, std::string_view counter) const {
  if (seen.samples.empty()) return std::nullopt;
  return rise_between(netns, counter, 0s, seen.window);
}

Rises Facts::rises(size_t netns, std::string_view counter, size_t parts) const {
  Rises found;
  for (size_t i = 0; i < parts && !seen.samples.empty(); ++i) {
    const Duration length = seen.window / static_cast<int64_t>(parts);
    const Duration from = length * static_cast<int64_t>(i);
    found.push_back(rise_between(netns, counter, from, from + length));
  }
  return found;
}

std::optional<uint64_t> Facts::counter(size_t netns, std::string_view name) const {
  if (seen.samples.empty() || netns >= seen.samples.back().counters.size()) return std::nullopt;
  return seen.samples.back().counters[netns].get(name);
}

std::optional<uint64_t> Facts::sysctl(size_t netns, std::string_view name, size_t number) const {
  return seen.namespaces[netns].sysctls.number(name, number);
}

const std::vector<const TcpEvent*>& Facts::events(EventKind kind) const {
  return by_kind_[std::to_underlying(kind)];
}

uint64_t Facts::count_of(EventKind kind) const {
  return seen.events.counted[std::to_underlying(kind)];
}

std::string_view Facts::reason(const TcpEvent& event) const {
  return seen.events.reasons[event.reason];
}

const Process* Facts::process(const TcpEvent& event) const {
  return event.process == kNoIndex ? nullptr : &seen.processes[event.process];
}

}  // namespace tcpdx::faults
