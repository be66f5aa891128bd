// Segments as the bytes of IP datagrams and back: everything that the simulated network carries
// passes through them.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "tcp/packet.hpp"

namespace tcpdx::sim {

std::vector<std::byte> to_datagram(const tcp::Packet& packet);

// Spans of the packet point into the datagram. Nothing for what is no whole TCP segment or whose
// checksum is wrong (RFC 9293 MUST-3).
std::optional<tcp::Packet> from_datagram(std::span<const std::byte> datagram);

// Octets of IP header before the TCP header.
size_t ip_header_size(std::span<const std::byte> datagram);

// Bit 0 is the lowest of the first octet.
void flip_bit(std::span<std::byte> datagram, size_t bit);

}  // namespace tcpdx::sim
