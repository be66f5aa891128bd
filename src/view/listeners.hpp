// Which listening sockets a connection belongs to, by namespace, port and address.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "model/observation.hpp"

namespace tcpdx::view {

class Listeners {
 public:
  explicit Listeners(const Look& look);

  // Does any socket listen on this port in this namespace?
  bool on_port(uint16_t netns, uint16_t port) const;

  // Those that a connection to the socket's local end came through: bound to its address, or else
  // to any address. Several when they share the port (SO_REUSEPORT): nothing tells which one.
  std::vector<const Socket*> of(const Socket& socket) const;

 private:
  std::unordered_map<uint32_t, std::vector<const Socket*>> by_port_;
};

// Has the handshake begun or ended without the program having taken the connection? The kernel
// gives such a socket no inode (net/ipv4/inet_diag.c, sock_i_ino).
bool waits_for_accept(const Socket& socket);

}  // namespace tcpdx::view
