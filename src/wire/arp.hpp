// ARP messages about IPv4 on Ethernet (RFC 826), as bytes and as values.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/mac_address.hpp"

namespace tcpdx::wire {

inline constexpr size_t kArpSize = 28;  // octets

enum class ArpOperation : uint16_t { request = 1, reply = 2 };

struct ArpMessage {
  ArpOperation operation = ArpOperation::request;
  MacAddress sender_mac;
  IpAddress sender;
  MacAddress target_mac;
  IpAddress target;
};

// What follows is padding and passed over. Nothing: not a request or a reply of that kind.
std::optional<ArpMessage> parse_arp(std::span<const std::byte> octets);
std::array<std::byte, kArpSize> write_arp(const ArpMessage& message);

}  // namespace tcpdx::wire
