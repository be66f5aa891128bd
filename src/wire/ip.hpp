// IPv4 and IPv6 headers as bytes and as values (RFC 791, RFC 8200), and IPv4's source routes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/address.hpp"
#include "wire/octets.hpp"

namespace tcpdx::wire {

struct IpHeader {
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = kProtocolTcp;  // of the payload: in IPv6 behind the extension headers
  uint8_t ttl = 64;                 // IPv6: hop limit
  uint8_t traffic_class = 0;        // DSCP and ECN
  uint32_t id = 0;                  // IPv4: 16 bits; IPv6: of the fragment header, else 0
  bool dont_fragment = false;       // IPv4 only
  bool more_fragments = false;
  uint16_t fragment_offset = 0;          // in octets, a multiple of 8
  std::span<const std::byte> options{};  // IPv4 only

  bool is_fragment() const { return more_fragments || fragment_offset > 0; }
};

// Spans point into the bytes that were parsed.
struct ParsedIp {
  IpHeader header;
  // Cut to the length that the header tells, so without an Ethernet frame's padding.
  std::span<const std::byte> payload;
  // Octets that the header announces and that are not there: a capture's snap length, or the
  // quotation in an ICMP error.
  size_t missing = 0;
  // The header tells a length of 0, as packets have that were captured before the network card
  // cuts them (Linux's BIG TCP), and jumbograms (RFC 2675): the payload is all that was there.
  bool length_unknown = false;
  // False where an IPv4 header's checksum is wrong; IPv6 has none.
  bool checksum_ok = true;
};

// Nothing where the bytes cannot hold the headers that they announce. IPv6: hop-by-hop, routing,
// fragment and destination options headers are passed over; behind a later fragment's header there
// is none to be found.
std::optional<ParsedIp> parse_ip(std::span<const std::byte> packet);

inline constexpr size_t kIpv4HeaderSize = 20;
inline constexpr size_t kIpv6HeaderSize = 40;
inline constexpr size_t kMaxIpv4OptionsSize = 40;

// Octets that the header takes: IPv4 options are padded to 32 bits, an IPv6 fragment has a fragment
// header.
size_t header_size(const IpHeader& header);

// Writes the header for a payload of that size, which must fit in the 16 bits of its length field;
// options must not exceed kMaxIpv4OptionsSize. `out` must hold header_size(). Returns the octets
// written; the payload belongs behind them.
size_t write_ip(const IpHeader& header, size_t payload_size, std::span<std::byte> out);

// The gateways of a source route (RFC 791 3.1), in the order in which they are passed.
struct SourceRoute {
  static constexpr size_t kMaxHops = 9;  // what 40 octets of options hold

  bool strict = false;
  uint8_t count = 0;
  std::array<IpAddress, kMaxHops> hops{};

  std::span<const IpAddress> gateways() const { return std::span(hops).first(count); }
  bool operator==(const SourceRoute&) const = default;
};

// Whether an IPv4 header's options have a source route, used up or not: the header's destination
// may be a gateway then, while TCP's checksum is over the last one (RFC 9293 3.9.2.1).
bool has_source_route(std::span<const std::byte> options);

// The route that a received datagram took, where it holds a completed source route option
// (RFC 9293 3.9.2.1). Nothing where it holds none, or one that is not used up yet.
std::optional<SourceRoute> recorded_route(const IpHeader& received);

// The way back over a recorded route. `origin` is the sender of the received datagram: some senders
// wrongly record themselves as the first gateway (RFC 1122 3.2.1.8 (c), case B).
SourceRoute return_route(const SourceRoute& recorded, const IpAddress& origin);

// Octets of options that a route takes.
size_t source_route_size(const SourceRoute& route);

// Writes the option that leads over `route` to `destination`. The datagram itself must be addressed
// to the first gateway, while the TCP checksum is over `destination` (RFC 9293 3.9.2.1). The route
// has at least one gateway, all addresses are IPv4. Returns the octets written.
size_t write_source_route(const SourceRoute& route, const IpAddress& destination,
                          std::span<std::byte> out);

}  // namespace tcpdx::wire
