// ICMP errors about TCP segments, as bytes and as values (RFC 792, RFC 1191, RFC 4443).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "wire/ip.hpp"

namespace tcpdx::wire {

// Types that report an error, and the codes of "unreachable".
namespace icmp4 {
inline constexpr uint8_t kUnreachable = 3;
inline constexpr uint8_t kSourceQuench = 4;
inline constexpr uint8_t kTimeExceeded = 11;
inline constexpr uint8_t kParameterProblem = 12;
inline constexpr uint8_t kNet = 0;
inline constexpr uint8_t kHost = 1;
inline constexpr uint8_t kProtocol = 2;
inline constexpr uint8_t kPort = 3;
inline constexpr uint8_t kFragmentationNeeded = 4;
inline constexpr uint8_t kSourceRouteFailed = 5;
inline constexpr uint8_t kProhibited = 13;  // RFC 1812 5.2.7.1
}  // namespace icmp4
namespace icmp6 {
inline constexpr uint8_t kUnreachable = 1;
inline constexpr uint8_t kPacketTooBig = 2;
inline constexpr uint8_t kTimeExceeded = 3;
inline constexpr uint8_t kParameterProblem = 4;
inline constexpr uint8_t kNoRoute = 0;
inline constexpr uint8_t kProhibited = 1;
inline constexpr uint8_t kAddress = 3;
inline constexpr uint8_t kPort = 4;
}  // namespace icmp6

struct IcmpCause {
  uint8_t type = 0;  // of icmp4 or icmp6, as the addresses are
  uint8_t code = 0;
  // Next-hop MTU of "fragmentation needed" and "packet too big"; none from routers older than
  // RFC 1191, which write 0.
  std::optional<uint32_t> mtu{};

  bool operator==(const IcmpCause&) const = default;
};

struct IcmpError {
  IcmpCause cause;
  IpAddress reporter;  // who sent the error
  // The segment it is about: its IP header, and the first eight octets of its TCP header.
  IpHeader quoted;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  Seq seq;
};

// Nothing where the datagram is no ICMP error about a TCP segment with ports and sequence number.
std::optional<IcmpError> parse_icmp_error(const ParsedIp& datagram);

// Whether the checksum of a whole ICMP or ICMPv6 message is right.
bool icmp_checksum_ok(const ParsedIp& datagram);

// No error that write_icmp_error() makes is longer.
inline constexpr size_t kMaxIcmpErrorSize = 1280;

// The datagram by which `reporter` tells the sender of `offending`, a whole IP datagram of the
// reporter's family, what became of it. It quotes as much as IPv4 allows in 576 octets (RFC 1812
// 4.3.2.3) and IPv6 in 1280 (RFC 4443 2.4 (c)). `out` must hold kMaxIcmpErrorSize. Returns the
// octets written; 0 where `offending` is no such datagram.
size_t write_icmp_error(const IcmpCause& cause, const IpAddress& reporter,
                        std::span<const std::byte> offending, std::span<std::byte> out);

}  // namespace tcpdx::wire
