// Which addresses may speak to us, and which address and port we speak from.
#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "tcp/core.hpp"

namespace tcpdx::tcp {
namespace {

constexpr size_t kMaxPortTries = 65536;

bool is_multicast(const IpAddress& address) {
  const uint8_t first = address.bytes[0];
  return address.family == Family::v4 ? first >= 224 && first < 240 : first == 0xFF;
}

}  // namespace

bool Core::is_unicast(const IpAddress& address) const {
  if (address.is_any() || is_multicast(address)) return false;
  // 240/4 is reserved, but only the limited broadcast is known to be no host (RFC 1122 3.2.1.3).
  if (address == ipv4(255, 255, 255, 255)) return false;
  return std::ranges::find(settings.broadcasts, address) == settings.broadcasts.end();
}

bool Core::is_ours(const IpAddress& address) const {
  if (settings.addresses.empty()) return is_unicast(address);
  return std::ranges::find(settings.addresses, address) != settings.addresses.end();
}

std::optional<IpAddress> Core::source_for(const IpAddress& destination) const {
  const auto found = std::ranges::find(settings.addresses, destination.family, &IpAddress::family);
  if (found == settings.addresses.end()) return std::nullopt;
  return *found;
}

Result<SocketAddress> Core::choose_ends(const SocketAddress& local, const SocketAddress& remote) {
  const auto what = [&] { return fmt::format("cannot connect to {}", to_string(remote)); };
  if (remote.port == 0) return fail("{}: a port is needed", what());
  if (!is_unicast(remote.addr)) return fail("{}: that is no address of one host", what());
  SocketAddress ends = local;
  if (local.addr.is_any()) {
    const auto source = source_for(remote.addr);
    if (!source) return fail("{}: this host has no address of that family", what());
    ends.addr = *source;
  } else if (!is_ours(local.addr)) {
    return fail("{} from {}: that is no address of this host", what(), to_string(local.addr));
  }
  if (ends.port == 0) {
    const auto port = free_port(ends, remote);
    if (!port) return fail("{}: every local port is taken for this destination", what());
    ends.port = *port;
    return ends;
  }
  Tcb* before = find(ends, remote);
  if (before == nullptr) return ends;
  if (!may_replace(*before)) return fail("{}: the connection exists already", what());
  move(*before, Event::time_wait_timeout);
  return ends;
}

bool Core::may_replace(const Tcb& tcb) const {
  return settings.reuse_time_wait && tcb.state == State::time_wait && tcb.timestamps &&
         since_ms(tcb.last_received_ms) > 1s;
}

std::optional<uint16_t> Core::free_port(const SocketAddress& local, const SocketAddress& remote) {
  const unsigned first = settings.first_local_port;
  const unsigned ports = settings.last_local_port - first + 1U;
  // Starting where the secret says, so that ports cannot be foretold (RFC 6056 3.3.2).
  if (next_port_ == 0) next_port_ = static_cast<uint16_t>(first + secret[0] % ports);
  for (size_t tries = 0; tries < std::min<size_t>(ports, kMaxPortTries); ++tries) {
    const uint16_t port = next_port_;
    next_port_ = static_cast<uint16_t>(port == settings.last_local_port ? first : port + 1U);
    if (by_port_.contains(port)) continue;
    if (find({local.addr, port}, remote) == nullptr) return port;
  }
  return std::nullopt;
}

}  // namespace tcpdx::tcp
