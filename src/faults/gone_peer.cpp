#include "faults/gone_peer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"

namespace tcpdx::faults {

std::optional<Duration> quiet_for(const Facts& facts, const Socket& socket) {
  const TcpInfo* info = facts.info(socket);
  if (info == nullptr) return std::nullopt;
  const Duration quiet = std::chrono::milliseconds(
      std::min({info->last_data_sent_ms, info->last_data_recv_ms, info->last_ack_recv_ms}));
  const Process* owner = facts.owner(socket);
  if (owner != nullptr && owner->age && quiet > *owner->age) return std::nullopt;
  return quiet;
}

std::set<IpAddress> hosts_of(const Sockets& group) {
  std::set<IpAddress> hosts;
  for (const Socket* s : group) hosts.insert(s->remote.addr);
  return hosts;
}

size_t alive_to(const Facts& facts, const Sockets& group, Duration recent) {
  const std::set<IpAddress> hosts = hosts_of(group);
  return static_cast<size_t>(
      std::ranges::count_if(facts.in(tcp::State::established), [&](const Socket* s) {
        const bool repeats = s->timer.kind == TimerKind::retransmit ||
                             (s->timer.kind == TimerKind::keepalive && s->timer.retransmits > 0);
        if (s->netns != group.front()->netns || repeats || !hosts.contains(s->remote.addr)) {
          return false;
        }
        const auto heard = facts.known(*s, "last_ack_recv_ms");
        return heard && *heard < static_cast<uint64_t>(milliseconds(recent));
      }));
}

std::string cause_of_silence(size_t alive, size_t hosts) {
  const std::string_view s = hosts == 1 ? "" : "s";
  if (alive > 0) {
    return fmt::format(
        "the peer forgot these connections or a box between drops them: {} to the same host{} "
        "still answer",
        grouped(alive), s);
  }
  return fmt::format(
      "the peer{0} or the path there {1} gone without a word (crash, power, cable, radio, "
      "firewall); no connection to {2} host{0} answers",
      s, hosts == 1 ? "is" : "are", hosts == 1 ? "that" : "these");
}

std::optional<SocketAddress> service_of(const Facts& facts, const Socket& socket) {
  const auto at = std::ranges::find_if(facts.listeners(), [&](const Listener& l) {
    return l.socket->netns == socket.netns && l.socket->local.port == socket.local.port;
  });
  return at == facts.listeners().end() ? std::nullopt : std::optional(at->socket->local);
}

std::set<IpAddress> local_addresses(const Facts& facts) {
  std::set<IpAddress> addresses;
  for (const Socket& s : facts.now.sockets) addresses.insert(s.local.addr.unmapped());
  return addresses;
}

}  // namespace tcpdx::faults
