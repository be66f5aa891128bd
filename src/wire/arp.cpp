#include "wire/arp.hpp"

#include <cstring>

#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

// RFC 826, "Packet format"; the numbers are IANA's.
constexpr size_t kHardwareAt = 0;
constexpr size_t kProtocolAt = 2;
constexpr size_t kLengthsAt = 4;
constexpr size_t kOperationAt = 6;
constexpr size_t kSenderMacAt = 8;
constexpr size_t kSenderAt = 14;
constexpr size_t kTargetMacAt = 18;
constexpr size_t kTargetAt = 24;
constexpr uint16_t kEthernet = 1;
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kLengths = 0x0604;  // of a MAC and an IPv4 address

MacAddress get_mac(const std::byte* at) {
  MacAddress mac;
  std::memcpy(mac.bytes.data(), at, mac.bytes.size());
  return mac;
}

void put_mac(std::byte* at, const MacAddress& mac) {
  std::memcpy(at, mac.bytes.data(), mac.bytes.size());
}

}  // namespace

std::optional<ArpMessage> parse_arp(std::span<const std::byte> octets) {
  if (octets.size() < kArpSize) return std::nullopt;
  const std::byte* at = octets.data();
  const uint16_t operation = get16(at + kOperationAt);
  const bool ours = get16(at + kHardwareAt) == kEthernet && get16(at + kProtocolAt) == kIpv4 &&
                    get16(at + kLengthsAt) == kLengths;
  if (!ours || (operation != 1 && operation != 2)) return std::nullopt;
  return ArpMessage{.operation = static_cast<ArpOperation>(operation),
                    .sender_mac = get_mac(at + kSenderMacAt),
                    .sender = get_address(at + kSenderAt, Family::v4),
                    .target_mac = get_mac(at + kTargetMacAt),
                    .target = get_address(at + kTargetAt, Family::v4)};
}

std::array<std::byte, kArpSize> write_arp(const ArpMessage& message) {
  std::array<std::byte, kArpSize> octets{};
  std::byte* at = octets.data();
  put16(at + kHardwareAt, kEthernet);
  put16(at + kProtocolAt, kIpv4);
  put16(at + kLengthsAt, kLengths);
  put16(at + kOperationAt, static_cast<uint16_t>(message.operation));
  put_mac(at + kSenderMacAt, message.sender_mac);
  put_address(at + kSenderAt, message.sender);
  put_mac(at + kTargetMacAt, message.target_mac);
  put_address(at + kTargetAt, message.target);
  return octets;
}

}  // namespace tcpdx::wire
