// An endpoint's packets as IP datagrams, and what an arriving datagram means to an endpoint.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "tcp/packet.hpp"
#include "wire/ip.hpp"

namespace tcpdx::lab {

// No IP datagram is longer than its 16-bit length field allows.
inline constexpr size_t kMaxDatagramSize = 65535;

// A TCP segment or an ICMP error about one; std::monostate: neither, damaged, or a fragment, which
// nobody here puts together.
using Arrival = std::variant<std::monostate, tcp::Packet, tcp::IcmpError>;

// Checks every checksum. The packet points into the bytes and into `route`.
Arrival read_datagram(std::span<const std::byte> bytes, wire::SourceRoute& route);

// With DF set, because routers shall tell the path's MTU (RFC 1191 3), and an id of the caller's.
// Returns the octets written; 0 where the packet does not fit in `out`.
size_t write_datagram(const tcp::Packet& packet, uint16_t id, std::span<std::byte> out);

}  // namespace tcpdx::lab
