// Addresses as the system's socket calls take and give them.
#pragma once

#include <sys/socket.h>

#include <optional>

#include "base/address.hpp"

namespace tcpdx::probe {

struct SystemAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
};

// `scope` is the interface of an IPv6 link-local address, 0: none.
SystemAddress system_address(const SocketAddress& address, uint32_t scope = 0);

// Nothing where it is neither IPv4 nor IPv6. IPv4-mapped IPv6 addresses stay as they are.
std::optional<SocketAddress> address_of(const sockaddr_storage& storage);

constexpr int system_family(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }

}  // namespace tcpdx::probe
