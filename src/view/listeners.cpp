// Joins connections to their listening sockets.
#include "view/listeners.hpp"

namespace tcpdx::view {
namespace {

uint32_t key(uint16_t netns, uint16_t port) { return uint32_t{netns} << 16U | port; }

// A socket on :: takes IPv4 connections as well, unless IPV6_V6ONLY, which the tables do not show.
bool any_takes(const IpAddress& any, const IpAddress& local) {
  return any.is_any() && (any.family == Family::v6 || local.family == Family::v4);
}

}  // namespace

Listeners::Listeners(const Look& look) {
  for (const Socket& socket : look.sockets) {
    if (socket.state != tcp::State::listen) continue;
    by_port_[key(socket.netns, socket.local.port)].push_back(&socket);
  }
}

bool Listeners::on_port(uint16_t netns, uint16_t port) const {
  return by_port_.contains(key(netns, port));
}

std::vector<const Socket*> Listeners::of(const Socket& socket) const {
  const auto found = by_port_.find(key(socket.netns, socket.local.port));
  if (found == by_port_.end()) return {};
  const IpAddress local = socket.local.addr.unmapped();
  std::vector<const Socket*> exact;
  std::vector<const Socket*> any;
  for (const Socket* listener : found->second) {
    const IpAddress bound = listener->local.addr.unmapped();
    if (bound == local) {
      exact.push_back(listener);
    } else if (any_takes(bound, local)) {
      any.push_back(listener);
    }
  }
  return exact.empty() ? any : exact;
}

bool waits_for_accept(const Socket& socket) {
  if (socket.inode != 0) return false;
  return socket.state == tcp::State::syn_received || socket.state == tcp::State::established ||
         socket.state == tcp::State::close_wait;
}

}  // namespace tcpdx::view
