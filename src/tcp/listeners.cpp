// Ports that are listened on, found for a SYN by the most exact match.
#include <algorithm>
#include <utility>

#include "tcp/core.hpp"
#include "tcp/user_calls.hpp"

namespace tcpdx::tcp {
namespace {

// How well a listener fits a SYN; 0: not at all. A named remote end beats a named address, and
// that beats any address.
int fit(const Listener& listener, const SocketAddress& local, const SocketAddress& remote) {
  if (!listener.open || listener.local.port != local.port) return 0;
  if (listener.remote && *listener.remote != remote) return 0;
  if (!listener.local.addr.is_any() && listener.local.addr != local.addr) return 0;
  return 1 + (listener.local.addr.is_any() ? 0 : 1) + (listener.remote ? 2 : 0);
}

}  // namespace

ListenerId Core::add_listener(Listener added) {
  const auto unused = std::ranges::find(listeners_, false, &Listener::open);
  const auto slot = static_cast<uint32_t>(unused - listeners_.begin());
  if (unused == listeners_.end()) listeners_.emplace_back();
  Listener& place = listeners_[slot];
  added.generation = place.generation + 1;
  added.open = true;
  place = std::move(added);
  by_port_[place.local.port].push_back(slot);
  return {slot, place.generation};
}

void Core::forget_listener(uint32_t slot) {
  Listener& gone = listeners_[slot];
  const auto port = by_port_.find(gone.local.port);
  std::erase(port->second, slot);
  if (port->second.empty()) by_port_.erase(port);
  gone.open = false;
  gone.record = kNone;
}

void Core::stop_listening(uint32_t slot) {
  const std::deque<uint32_t> waiting = std::exchange(listeners_[slot].waiting, {});
  for (const uint32_t complete : waiting) user_abort(*this, at(complete));
  for (const auto& chunk : chunks_) {
    for (Tcb& tcb : *chunk) {
      if (tcb.holder == Holder::listener && tcb.listener == slot) retire(tcb);
    }
  }
  forget_listener(slot);
}

Listener* Core::find_listener(const SocketAddress& local, const SocketAddress& remote) {
  const auto port = by_port_.find(local.port);
  if (port == by_port_.end()) return nullptr;
  Listener* best = nullptr;
  int best_fit = 0;
  for (const uint32_t slot : port->second) {
    const Listener& candidate = listeners_[slot];
    // A passive OPEN whose record is no longer waiting listens no more.
    if (candidate.record != kNone && at(candidate.record).state != State::listen) continue;
    const int this_fit = fit(candidate, local, remote);
    if (this_fit <= best_fit) continue;
    best = &listeners_[slot];
    best_fit = this_fit;
  }
  return best;
}

Listener* Core::listener(ListenerId id) {
  if (id.slot >= listeners_.size()) return nullptr;
  Listener& found = listeners_[id.slot];
  return found.open && found.generation == id.generation ? &found : nullptr;
}

bool Core::listens_exactly(const SocketAddress& local,
                           const std::optional<SocketAddress>& remote) const {
  return std::ranges::any_of(listeners_, [&](const Listener& l) {
    return l.open && l.local == local && l.remote == remote;
  });
}

uint32_t Core::slot_of(const Listener& listener) const {
  const auto port = by_port_.find(listener.local.port);
  for (const uint32_t slot : port->second) {
    if (&listeners_[slot] == &listener) return slot;
  }
  return kNone;
}

}  // namespace tcpdx::tcp
