// Tunnels in IP and UDP: GRE with ERSPAN and PPTP, VXLAN, Geneve and GTP-U.
#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

constexpr size_t kUdpSize = 8;

struct Port {
  uint16_t number;
  Layer layer;
};
constexpr std::array kPorts{
    Port{2152, Layer::gtp_u},   // 3GPP TS 29.281 4.4.2
    Port{4789, Layer::vxlan},   // RFC 7348
    Port{6081, Layer::geneve},  // RFC 8926
    Port{8472, Layer::vxlan},   // Linux's default (drivers/net/vxlan/vxlan_core.c)
};

// RFC 2784, RFC 2890; sequence and acknowledgment of version 1: RFC 2637 4.1.
constexpr uint16_t kGreChecksum = 0x8000;
constexpr uint16_t kGreRouting = 0x4000;
constexpr uint16_t kGreKey = 0x2000;
constexpr uint16_t kGreSequence = 0x1000;
constexpr uint16_t kGreAcknowledgment = 0x0080;
constexpr uint16_t kGreVersion = 0x0007;

constexpr uint16_t kErspan = 0x88BE;   // types I and II
constexpr uint16_t kErspan3 = 0x22EB;  // type III
constexpr uint16_t kMaxLength = 1500;

// Type I has no header of its own and no sequence number, type II has 8 octets, type III 12 and
// perhaps 8 more (draft-foschiano-erspan-03 section 4).
Layer read_erspan(uint16_t type, bool numbered, Walk& walk) {
  size_t size = numbered ? 8 : 0;
  if (type == kErspan3) {
    if (!walk.rest.has(12)) return Layer::broken;
    size = (get8(walk.rest.at(11)) & 1U) != 0 ? 20 : 12;
  }
  if (!walk.rest.has(size)) return Layer::broken;
  walk.rest.skip(size);
  return Layer::ethernet;
}

constexpr uint8_t kTransportMessage = 255;  // T-PDU
constexpr uint8_t kGtpExtension = 0x04;
constexpr uint8_t kGtpOptional = 0x07;  // extension, sequence number or N-PDU number

// The optional part's last octet, and each extension header's, tells what follows (3GPP TS 29.281
// 5.2.1). False where one is cut, or of no length.
bool skip_gtp_extensions(Rest& rest) {
  uint8_t next = get8(rest.at(3));
  rest.skip(4);
  while (next != 0) {
    if (!rest.has(1)) return false;
    const size_t size = size_t{get8(rest.at(0))} * 4;
    if (size == 0 || !rest.has(size)) return false;
    next = get8(rest.at(size - 1));
    rest.skip(size);
  }
  return true;
}

}  // namespace

Layer read_udp(Walk& walk) {
  if (!walk.rest.has(kUdpSize)) return Layer::broken;
  const uint16_t port = get16(walk.rest.at(2));
  const auto found = std::ranges::find(kPorts, port, &Port::number);
  if (found == kPorts.end()) return Layer::other;
  const size_t length = get16(walk.rest.at(4));
  if (length >= kUdpSize && length < walk.rest.wire) walk.rest.limit(length);
  walk.rest.skip(kUdpSize);
  return found->layer;
}

Layer read_gre(Walk& walk) {
  if (!walk.rest.has(4)) return Layer::broken;
  const uint16_t flags = get16(walk.rest.at(0));
  const uint16_t type = get16(walk.rest.at(2));
  const uint16_t version = flags & kGreVersion;
  // RFC 1701's source routes are out of use, and there is no other version.
  if ((flags & kGreRouting) != 0 || version > 1) return Layer::other;
  const bool keyed = (flags & kGreKey) != 0;
  const bool numbered = (flags & kGreSequence) != 0;
  const size_t key_at = (flags & kGreChecksum) != 0 ? 8 : 4;
  size_t size = key_at + (keyed ? 4 : 0) + (numbered ? 4 : 0);
  if (version == 1 && (flags & kGreAcknowledgment) != 0) size += 4;
  if (!walk.rest.has(size)) return Layer::broken;
  Tunnel tunnel{.kind = TunnelKind::gre};
  // In version 1 it is the payload's length and one direction's call.
  if (keyed && version == 0) tunnel.id = get32(walk.rest.at(key_at));
  walk.path.add(tunnel);
  walk.rest.skip(size);
  if (type == kErspan || type == kErspan3) return read_erspan(type, numbered, walk);
  return type > kMaxLength ? by_ether_type(type, walk) : Layer::other;
}

Layer read_vxlan(Walk& walk) {
  constexpr size_t kVxlanSize = 8;
  if (!walk.rest.has(kVxlanSize)) return Layer::broken;
  if ((get8(walk.rest.at(0)) & 0x08U) == 0) return Layer::other;  // no valid VNI
  walk.path.add(Tunnel{.kind = TunnelKind::vxlan, .id = get32(walk.rest.at(4)) >> 8U});
  walk.rest.skip(kVxlanSize);
  return Layer::ethernet;
}

Layer read_geneve(Walk& walk) {
  if (!walk.rest.has(8)) return Layer::broken;
  const uint8_t first = get8(walk.rest.at(0));
  const size_t size = 8 + size_t{first & 0x3FU} * 4;
  if (first >> 6U != 0) return Layer::other;  // another version
  if (!walk.rest.has(size)) return Layer::broken;
  const uint16_t type = get16(walk.rest.at(2));
  walk.path.add(Tunnel{.kind = TunnelKind::geneve, .id = get32(walk.rest.at(4)) >> 8U});
  walk.rest.skip(size);
  return type > kMaxLength ? by_ether_type(type, walk) : Layer::other;
}

Layer read_gtp_u(Walk& walk) {
  if (!walk.rest.has(8)) return Layer::broken;
  const uint8_t flags = get8(walk.rest.at(0));
  // Version 1 and not GTP', which carries accounts.
  if (flags >> 4U != 3 || get8(walk.rest.at(1)) != kTransportMessage) return Layer::other;
  walk.rest.skip(8);
  if ((flags & kGtpOptional) != 0) {
    if (!walk.rest.has(4)) return Layer::broken;
    if ((flags & kGtpExtension) == 0) {
      walk.rest.skip(4);
    } else if (!skip_gtp_extensions(walk.rest)) {
      return Layer::broken;
    }
  }
  walk.path.add(Tunnel{.kind = TunnelKind::gtp_u});
  if (!walk.rest.has(1)) return Layer::broken;
  const uint8_t version = get8(walk.rest.at(0)) >> 4U;
  return version == 4 || version == 6 ? Layer::ip : Layer::other;  // else Ethernet, or not IP
}

}  // namespace tcpdx::wire
