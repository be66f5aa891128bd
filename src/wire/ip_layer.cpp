// The decoder's way through an IP header and IPv6's extension headers (RFC 791, RFC 8200).
#include <cstring>

#include "wire/ip.hpp"
#include "wire/ip_fields.hpp"
#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

// IANA's protocol numbers.
constexpr uint8_t kIpv4InIp = 4;
constexpr uint8_t kUdp = 17;
constexpr uint8_t kIpv6InIp = 41;
constexpr uint8_t kGre = 47;
constexpr uint8_t kAuthentication = 51;
constexpr uint8_t kMplsInIp = 137;

// RFC 2675 2: option type and length, which the next header octets stand before.
constexpr uint16_t kJumboPayload = 0xC204;

// As one number of 128 bits: two of 64 bits would be put together on the stack and read back from
// there before they have arrived, which costs more than the rest of the header.
void set_address4(IpAddress& into, const std::byte* at) {
  __extension__ using Wide = unsigned __int128;
  uint32_t address = 0;
  std::memcpy(&address, at, sizeof address);
  const Wide wide = std::endian::native == std::endian::little ? address : Wide{address} << 96U;
  std::memcpy(into.bytes.data(), &wide, sizeof wide);
  into.family = Family::v4;
}

void set_address6(IpAddress& into, const std::byte* at) {
  std::memcpy(into.bytes.data(), at, into.bytes.size());
  into.family = Family::v6;
}

void start_datagram(Walk& walk) {
  walk.routed = false;
  walk.more_fragments = false;
  walk.fragment_offset = 0;
}

Layer read_ipv4(Walk& walk) {
  if (!walk.rest.has(kIpv4HeaderSize)) return Layer::broken;
  const std::byte* at = walk.rest.at(0);
  const size_t size = size_t{get8(at)} % 16 * 4;
  const size_t told = get16(at + 2);
  // 0 before the network card cut the datagram into segments.
  const size_t total = told == 0 ? walk.rest.wire : told;
  if (size < kIpv4HeaderSize || !walk.rest.has(size) || total < size) return Layer::broken;
  const uint16_t fragment = get16(at + 6);
  start_datagram(walk);
  walk.length_unknown = told == 0;
  walk.protocol = get8(at + 9);
  Packet& packet = walk.packet;
  set_address4(packet.source, at + 12);
  set_address4(packet.destination, at + 16);
  packet.traffic_class = get8(at + 1);
  packet.ttl = get8(at + 8);
  packet.ip_id = get16(at + 4);
  packet.ip_octets = static_cast<uint32_t>(total);
  if (size > kIpv4HeaderSize)
    walk.routed = has_source_route(walk.rest.data.subspan(kIpv4HeaderSize, size - kIpv4HeaderSize));
  walk.rest.limit(total);
  walk.rest.skip(size);
  if ((fragment & (kMoreFragments4 | kOffsetMask4)) == 0) return read_ip_payload(walk);
  walk.more_fragments = (fragment & kMoreFragments4) != 0;
  walk.fragment_offset = static_cast<uint16_t>((fragment & kOffsetMask4) * 8);
  return Layer::fragment;
}

// The length of a jumbogram, where the hop-by-hop header begins with it, as Linux writes it
// (ip6_xmit() of net/ipv6/ip6_output.c). Elsewhere the length is that of the frame.
size_t jumbo_length(const Rest& rest) {
  if (!rest.has(8) || get16(rest.at(2)) != kJumboPayload) return 0;
  return get32(rest.at(4));
}

Layer read_ipv6(Walk& walk) {
  if (!walk.rest.has(kIpv6HeaderSize)) return Layer::broken;
  const std::byte* at = walk.rest.at(0);
  start_datagram(walk);
  walk.protocol = get8(at + 6);
  Packet& packet = walk.packet;
  set_address6(packet.source, at + 8);
  set_address6(packet.destination, at + 24);
  packet.traffic_class = static_cast<uint8_t>(get16(at) >> 4U & 0xFFU);
  packet.ttl = get8(at + 7);
  packet.ip_id = 0;
  walk.rest.skip(kIpv6HeaderSize);
  size_t told = get16(at + 4);
  if (told == 0 && walk.protocol == kHopByHop) told = jumbo_length(walk.rest);
  walk.length_unknown = told == 0 && walk.rest.wire > 0;
  if (!walk.length_unknown) walk.rest.limit(told);
  packet.ip_octets = static_cast<uint32_t>(kIpv6HeaderSize + walk.rest.wire);
  return read_ip_payload(walk);
}

bool is_extension(Family family, uint8_t protocol) {
  if (protocol == kAuthentication) return true;
  return family == Family::v6 && (protocol == kHopByHop || protocol == kRouting ||
                                  protocol == kFragment || protocol == kDestinationOptions);
}

// Lengths count units of 8 octets without the first, RFC 4302 2.2 units of 4 without the first two.
size_t extension_size(uint8_t protocol, uint8_t length) {
  if (protocol == kFragment) return kFragmentSize;
  if (protocol == kAuthentication) return (size_t{length} + 2) * 4;
  return (size_t{length} + 1) * 8;
}

// Takes away one extension header; false where it is cut.
bool read_extension(Walk& walk) {
  if (!walk.rest.has(8)) return false;
  const std::byte* at = walk.rest.at(0);
  const size_t size = extension_size(walk.protocol, get8(at + 1));
  if (!walk.rest.has(size)) return false;
  if (walk.protocol == kRouting && get8(at + 3) > 0) walk.routed = true;
  if (walk.protocol == kFragment) {
    const uint16_t fragment = get16(at + 2);
    walk.more_fragments = (fragment & kMoreFragments6) != 0;
    walk.fragment_offset = fragment & kOffsetMask6;
    walk.packet.ip_id = get32(at + 4);
  }
  walk.protocol = get8(at);
  walk.rest.skip(size);
  return true;
}

Layer ip_in_ip(Walk& walk) {
  walk.path.add(Tunnel{.kind = TunnelKind::ipip});
  return Layer::ip;
}

Layer by_protocol(Family family, Walk& walk) {
  switch (walk.protocol) {
    case kProtocolTcp: return Layer::tcp;
    case kUdp: return Layer::udp;
    case kProtocolIcmp: return family == Family::v4 ? Layer::icmp : Layer::other;
    case kProtocolIcmp6: return family == Family::v6 ? Layer::icmp : Layer::other;
    case kIpv4InIp:
    case kIpv6InIp: return ip_in_ip(walk);
    case kGre: return Layer::gre;
    case kMplsInIp: return Layer::mpls;
    default: return Layer::other;
  }
}

}  // namespace

Layer read_ip(Walk& walk) {
  if (!walk.rest.has(1)) return Layer::broken;
  const int version = get8(walk.rest.at(0)) >> 4;
  if (version == 4) return read_ipv4(walk);
  if (version == 6) return read_ipv6(walk);
  return Layer::broken;
}

Layer read_ip_payload(Walk& walk) {
  const Family family = walk.packet.source.family;
  while (is_extension(family, walk.protocol)) {
    const bool at_fragment = walk.protocol == kFragment;
    if (!read_extension(walk)) return Layer::broken;
    // Without others it is a whole datagram (RFC 6946).
    if (at_fragment && (walk.more_fragments || walk.fragment_offset > 0)) return Layer::fragment;
  }
  return by_protocol(family, walk);
}

}  // namespace tcpdx::wire
