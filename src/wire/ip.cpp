#include "wire/ip.hpp"

#include <algorithm>
#include <cstring>

#include "wire/checksum.hpp"
#include "wire/ip_fields.hpp"

namespace tcpdx::wire {
namespace {

// RFC 791 3.1: kind 0 ends the options, kind 1 is one octet, all others have a length.
constexpr uint8_t kEnd = 0;
constexpr uint8_t kNop = 1;
constexpr uint8_t kLooseRoute = 131;
constexpr uint8_t kStrictRoute = 137;
constexpr size_t kRouteHead = 3;  // type, length, pointer

// Cuts the payload to the announced number of octets, which may be more than there are.
void set_payload(ParsedIp& parsed, std::span<const std::byte> rest, size_t announced) {
  parsed.payload = rest.first(std::min(announced, rest.size()));
  parsed.missing = announced - parsed.payload.size();
}

std::optional<ParsedIp> parse_ipv4(std::span<const std::byte> packet) {
  std::optional<ParsedIp> parsed;  // returned on every path, so that it is never copied
  if (packet.size() < kIpv4HeaderSize) return parsed;
  const std::byte* at = packet.data();
  const size_t size = size_t{get8(at)} % 16 * 4;
  if (size < kIpv4HeaderSize || size > packet.size()) return parsed;
  const size_t told = get16(at + 2);
  const size_t total = told == 0 ? packet.size() : told;
  if (total < size) return parsed;
  const uint16_t fragment = get16(at + 6);
  IpHeader& header = parsed.emplace().header;
  header.traffic_class = get8(at + 1);
  header.id = get16(at + 4);
  header.dont_fragment = (fragment & kDontFragment) != 0;
  header.more_fragments = (fragment & kMoreFragments4) != 0;
  header.fragment_offset = static_cast<uint16_t>((fragment & kOffsetMask4) * 8);
  header.ttl = get8(at + 8);
  header.protocol = get8(at + 9);
  header.source = get_address(at + 12, Family::v4);
  header.destination = get_address(at + 16, Family::v4);
  header.options = packet.subspan(kIpv4HeaderSize, size - kIpv4HeaderSize);
  parsed->checksum_ok = checksum(add_words(packet.first(size))) == 0;
  parsed->length_unknown = told == 0;
  set_payload(*parsed, packet.subspan(size), total - size);
  return parsed;
}

// Octets of the extension header at the beginning of `rest`, if it is of a kind to pass over and
// is there whole; 0 if it is of another kind.
std::optional<size_t> extension_size(uint8_t kind, std::span<const std::byte> rest) {
  if (kind != kHopByHop && kind != kRouting && kind != kFragment && kind != kDestinationOptions) {
    return 0;
  }
  if (rest.size() < 8) return std::nullopt;
  const size_t size = kind == kFragment ? kFragmentSize : size_t{get8(&rest[1])} * 8 + 8;
  if (size > rest.size()) return std::nullopt;
  return size;
}

// The payload still begins with the extension headers: passes over them. False where they are cut.
bool skip_extensions(ParsedIp& parsed) {
  IpHeader& header = parsed.header;
  while (header.fragment_offset == 0) {
    const std::byte* at = parsed.payload.data();
    const auto size = extension_size(header.protocol, parsed.payload);
    if (!size) return false;
    if (*size == 0) return true;
    if (header.protocol == kFragment) {
      const uint16_t fragment = get16(at + 2);
      header.more_fragments = (fragment & kMoreFragments6) != 0;
      header.fragment_offset = fragment & kOffsetMask6;
      header.id = get32(at + 4);
    }
    header.protocol = get8(at);
    parsed.payload = parsed.payload.subspan(*size);
  }
  return true;
}

std::optional<ParsedIp> parse_ipv6(std::span<const std::byte> packet) {
  if (packet.size() < kIpv6HeaderSize) return std::nullopt;
  const std::byte* at = packet.data();
  std::optional<ParsedIp> parsed(std::in_place);
  IpHeader& header = parsed->header;
  header.traffic_class = static_cast<uint8_t>(get16(at) >> 4 & 0xFF);
  header.protocol = get8(at + 6);
  header.ttl = get8(at + 7);
  header.source = get_address(at + 8, Family::v6);
  header.destination = get_address(at + 24, Family::v6);
  const auto rest = packet.subspan(kIpv6HeaderSize);
  const size_t told = get16(at + 4);
  parsed->length_unknown = told == 0 && !rest.empty();
  set_payload(*parsed, rest, told == 0 ? rest.size() : told);
  if (!skip_extensions(*parsed)) return std::nullopt;
  return parsed;
}

size_t padded(size_t size) { return (size + 3) / 4 * 4; }

size_t write_ipv4(const IpHeader& header, size_t payload_size, std::span<std::byte> out) {
  const size_t size = header_size(header);
  std::byte* at = out.data();
  put8(at, static_cast<uint8_t>(0x40 | size / 4));
  put8(at + 1, header.traffic_class);
  put16(at + 2, static_cast<uint16_t>(size + payload_size));
  put16(at + 4, static_cast<uint16_t>(header.id));
  put16(at + 6, static_cast<uint16_t>((header.dont_fragment ? kDontFragment : 0) |
                                      (header.more_fragments ? kMoreFragments4 : 0) |
                                      header.fragment_offset / 8));
  put8(at + 8, header.ttl);
  put8(at + 9, header.protocol);
  put16(at + 10, 0);
  put_address(at + 12, header.source);
  put_address(at + 16, header.destination);
  // The padding is of kind 0, the end of the options.
  const auto end = std::ranges::copy(header.options, at + kIpv4HeaderSize).out;
  std::fill(end, at + size, std::byte{kEnd});
  put16(at + 10, checksum(add_words(out.first(size))));
  return size;
}

size_t write_ipv6(const IpHeader& header, size_t payload_size, std::span<std::byte> out) {
  const size_t size = header_size(header);
  std::byte* at = out.data();
  put32(at, 6U << 28 | uint32_t{header.traffic_class} << 20);
  put16(at + 4, static_cast<uint16_t>(size - kIpv6HeaderSize + payload_size));
  put8(at + 6, header.is_fragment() ? kFragment : header.protocol);
  put8(at + 7, header.ttl);
  put_address(at + 8, header.source);
  put_address(at + 24, header.destination);
  if (header.is_fragment()) {
    at += kIpv6HeaderSize;
    put8(at, header.protocol);
    put8(at + 1, 0);
    put16(at + 2, static_cast<uint16_t>(header.fragment_offset |
                                        (header.more_fragments ? kMoreFragments6 : 0)));
    put32(at + 4, header.id);
  }
  return size;
}

// The first source route option, whole; empty without one. A host sends at most one (RFC 1122
// 3.2.1.8 (c)).
std::span<const std::byte> find_route(std::span<const std::byte> left) {
  while (!left.empty() && get8(left.data()) != kEnd) {
    const uint8_t kind = get8(left.data());
    if (kind == kNop) {
      left = left.subspan(1);
      continue;
    }
    if (left.size() < 2) return {};
    const size_t size = get8(&left[1]);
    if (size < 2 || size > left.size()) return {};
    if (kind == kLooseRoute || kind == kStrictRoute) return left.first(size);
    left = left.subspan(size);
  }
  return {};
}

}  // namespace

std::optional<ParsedIp> parse_ip(std::span<const std::byte> packet) {
  if (packet.empty()) return std::nullopt;
  const int version = get8(packet.data()) >> 4;
  if (version == 4) return parse_ipv4(packet);
  if (version == 6) return parse_ipv6(packet);
  return std::nullopt;
}

size_t header_size(const IpHeader& header) {
  if (header.source.family == Family::v4) return kIpv4HeaderSize + padded(header.options.size());
  return kIpv6HeaderSize + (header.is_fragment() ? kFragmentSize : 0);
}

size_t write_ip(const IpHeader& header, size_t payload_size, std::span<std::byte> out) {
  return header.source.family == Family::v4 ? write_ipv4(header, payload_size, out)
                                            : write_ipv6(header, payload_size, out);
}

bool has_source_route(std::span<const std::byte> options) { return !find_route(options).empty(); }

std::optional<SourceRoute> recorded_route(const IpHeader& received) {
  const auto option = find_route(received.options);
  if (option.size() <= kRouteHead || (option.size() - kRouteHead) % 4 != 0) return std::nullopt;
  // The pointer counts octets from 1: beyond the length, the route is used up.
  if (get8(&option[2]) <= option.size()) return std::nullopt;
  SourceRoute route;
  route.strict = get8(option.data()) == kStrictRoute;
  for (auto left = option.subspan(kRouteHead); !left.empty(); left = left.subspan(4)) {
    route.hops[route.count++] = get_address(left.data(), Family::v4);
  }
  return route;
}

SourceRoute return_route(const SourceRoute& recorded, const IpAddress& origin) {
  auto gateways = recorded.gateways();
  if (!gateways.empty() && gateways.front() == origin) gateways = gateways.subspan(1);
  SourceRoute route;
  route.strict = recorded.strict;
  route.count = static_cast<uint8_t>(gateways.size());
  std::ranges::reverse_copy(gateways, route.hops.begin());
  return route;
}

size_t source_route_size(const SourceRoute& route) { return kRouteHead + size_t{route.count} * 4; }

size_t write_source_route(const SourceRoute& route, const IpAddress& destination,
                          std::span<std::byte> out) {
  std::byte* at = out.data();
  put8(at, route.strict ? kStrictRoute : kLooseRoute);
  put8(at + 1, static_cast<uint8_t>(source_route_size(route)));
  put8(at + 2, kRouteHead + 1);
  at += kRouteHead;
  // The first gateway stands in the IP header, the destination at the end.
  for (const IpAddress& hop : route.gateways().subspan(1)) {
    put_address(at, hop);
    at += 4;
  }
  put_address(at, destination);
  return source_route_size(route);
}

}  // namespace tcpdx::wire
