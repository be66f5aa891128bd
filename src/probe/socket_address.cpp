#include "probe/socket_address.hpp"

#include <netinet/in.h>

#include <cstring>

#include "wire/octets.hpp"

namespace tcpdx::probe {

SystemAddress system_address(const SocketAddress& address, uint32_t scope) {
  SystemAddress system;
  if (address.addr.family == Family::v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = wire::big_endian(address.port);
    std::memcpy(&in.sin_addr, address.addr.bytes.data(), sizeof in.sin_addr);
    std::memcpy(&system.storage, &in, sizeof in);
    system.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = wire::big_endian(address.port);
    in.sin6_scope_id = scope;
    std::memcpy(&in.sin6_addr, address.addr.bytes.data(), sizeof in.sin6_addr);
    std::memcpy(&system.storage, &in, sizeof in);
    system.size = sizeof in;
  }
  return system;
}

std::optional<SocketAddress> address_of(const sockaddr_storage& storage) {
  SocketAddress address;
  if (storage.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &storage, sizeof in);
    std::memcpy(address.addr.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    address.port = wire::big_endian(in.sin_port);
    return address;
  }
  if (storage.ss_family != AF_INET6) return std::nullopt;
  sockaddr_in6 in{};
  std::memcpy(&in, &storage, sizeof in);
  address.addr.family = Family::v6;
  std::memcpy(address.addr.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  address.port = wire::big_endian(in.sin6_port);
  return address;
}

}  // namespace tcpdx::probe
