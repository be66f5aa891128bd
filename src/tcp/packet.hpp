// What goes between a TCP and the network below it: segments with what IP must know of them, and
// the ICMP messages that IP hands up (RFC 9293 3.9.2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "base/time.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::tcp {

// Since a moment that the caller chooses; it never runs backwards.
using Time = Duration;

struct Packet {
  IpAddress source;
  IpAddress destination;
  wire::TcpHeader header;
  std::span<const std::byte> text;  // valid during the call that hands the packet over
  uint8_t ttl = 64;                 // hop limit
  uint8_t traffic_class = 0;        // DSCP in its upper six bits
  // The addresses to pass through (RFC 9293 3.9.2.1); of a packet that arrived, those that its
  // source route recorded, in the order of travel. Empty: none.
  std::span<const IpAddress> source_route;

  SocketAddress from() const { return {source, header.source_port}; }
  SocketAddress to() const { return {destination, header.destination_port}; }
};

// The octets of sequence space that a segment takes: text, SYN and FIN (SEG.LEN, RFC 9293 3.3.1).
constexpr uint32_t segment_length(const Packet& packet) {
  return static_cast<uint32_t>(packet.text.size()) + (packet.header.flags.syn ? 1 : 0) +
         (packet.header.flags.fin ? 1 : 0);
}

// ICMP messages as RFC 9293 3.9.2.2 groups them.
enum class IcmpKind : uint8_t {
  soft_error,    // destination unreachable 0, 1, 5; ICMPv6 unreachable 0, 3; time exceeded;
                 // parameter problem: never abort (MUST-56)
  hard_error,    // destination unreachable 2 to 4, ICMPv6 unreachable 1, 4: SHLD-26
  too_big,       // fragmentation needed with a next-hop MTU (RFC 1191), ICMPv6 packet too big
  source_quench  // discarded silently (MUST-55)
};

struct IcmpError {
  IcmpKind kind{};
  SocketAddress local;   // source of the quoted segment
  SocketAddress remote;  // its destination
  Seq seq;               // its sequence number
  uint16_t mtu = 0;      // of too_big
};

}  // namespace tcpdx::tcp
