// Ethernet and what may follow its addresses: VLAN tags, LLC and SNAP, MPLS, PPPoE and PPP.
#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

constexpr size_t kEthernetSize = 14;
constexpr size_t kTypeAt = 12;

// IEEE's EtherTypes.
constexpr uint16_t kIpv4 = 0x0800;
constexpr uint16_t kTransparentEthernet = 0x6558;  // RFC 1701
constexpr uint16_t kVlan = 0x8100;                 // IEEE 802.1Q
constexpr uint16_t kIpv6 = 0x86DD;
constexpr uint16_t kPpp = 0x880B;
constexpr uint16_t kMplsUnicast = 0x8847;
constexpr uint16_t kMplsMulticast = 0x8848;
constexpr uint16_t kPppoeSession = 0x8864;
constexpr uint16_t kServiceVlan = 0x88A8;  // IEEE 802.1ad
constexpr uint16_t kOldVlan = 0x9100;      // stacked tags before 802.1ad
constexpr uint16_t kMaxLength = 1500;

constexpr uint8_t kSnap = 0xAA;
constexpr uint8_t kIpSap = 0x06;
constexpr uint8_t kOsiSap = 0xFE;
constexpr uint8_t kUnnumbered = 0x03;         // UI frames
constexpr uint32_t kBridgeTunnel = 0x0000F8;  // IEEE 802.1H
// RFC 2427 3.
constexpr uint8_t kNlpidIpv4 = 0xCC;
constexpr uint8_t kNlpidIpv6 = 0x8E;

// https://www.iana.org/assignments/ppp-numbers
constexpr uint16_t kPppIpv4 = 0x0021;
constexpr uint16_t kPppIpv6 = 0x0057;
constexpr uint16_t kPppMpls = 0x0281;

// Whether Ethernet addresses stand there, as far as the type behind them can tell.
bool looks_like_ethernet(const Rest& rest, size_t offset) {
  if (!rest.has(offset + kEthernetSize)) return false;
  const uint16_t type = get16(rest.at(offset + kTypeAt));
  return type == kIpv4 || type == kIpv6 || type == kVlan || type == kServiceVlan ||
         type == kMplsUnicast || type == kPppoeSession;
}

// A stack does not tell what it carries (RFC 3032 2.2): the first bits have to. Pseudowires put a
// word with four bits of zero before their frames so that they are not taken for IP (RFC 4385).
Layer behind_labels(Walk& walk) {
  constexpr size_t kControlWord = 4;
  if (!walk.rest.has(1)) return Layer::broken;
  const uint8_t first = get8(walk.rest.at(0));
  if ((first >= 0x45 && first <= 0x4F) || first >> 4U == 6) return Layer::ip;
  if (looks_like_ethernet(walk.rest, 0)) return Layer::ethernet;
  if (first >> 4U != 0 || !looks_like_ethernet(walk.rest, kControlWord)) return Layer::other;
  walk.rest.skip(kControlWord);
  return Layer::ethernet;
}

}  // namespace

Layer read_ethernet(Walk& walk) {
  if (!walk.rest.has(kEthernetSize)) return Layer::broken;
  const uint16_t type = get16(walk.rest.at(kTypeAt));
  walk.rest.skip(kEthernetSize);
  return by_ether_type(type, walk);
}

Layer by_ether_type(uint16_t type, Walk& walk) {
  switch (type) {
    case kIpv4:
    case kIpv6: return Layer::ip;
    case kVlan:
    case kServiceVlan:
    case kOldVlan: return Layer::vlan;
    case kMplsUnicast:
    case kMplsMulticast: return Layer::mpls;
    case kPppoeSession: return Layer::pppoe;
    case kPpp: return Layer::ppp;
    case kTransparentEthernet: return Layer::ethernet;
    default: break;
  }
  if (type > kMaxLength) return Layer::other;
  if (type > 0 && type < walk.rest.wire) walk.rest.limit(type);
  return Layer::llc;
}

Layer read_vlan(Walk& walk) {
  constexpr size_t kTagSize = 4;
  if (!walk.rest.has(kTagSize)) return Layer::broken;
  const auto vlan = static_cast<uint16_t>(get16(walk.rest.at(0)) & 0x0FFFU);
  const uint16_t type = get16(walk.rest.at(2));
  walk.rest.skip(kTagSize);
  if (vlan != 0) walk.path.add(vlan);  // 0 is a priority alone
  return by_ether_type(type, walk);
}

Layer read_llc(Walk& walk) {
  constexpr size_t kLlcSize = 3;
  constexpr size_t kSnapSize = 8;
  if (!walk.rest.has(kLlcSize)) return Layer::broken;
  const uint8_t sap = get8(walk.rest.at(0));
  if (get8(walk.rest.at(2)) != kUnnumbered) return Layer::other;
  if (sap == kIpSap) {
    walk.rest.skip(kLlcSize);
    return Layer::ip;
  }
  if (sap == kOsiSap && walk.rest.has(kLlcSize + 1)) {
    const uint8_t protocol = get8(walk.rest.at(kLlcSize));
    walk.rest.skip(kLlcSize + 1);
    return by_nlpid(protocol);
  }
  if (sap != kSnap) return Layer::other;
  if (!walk.rest.has(kSnapSize)) return Layer::broken;
  const uint32_t organisation = get32(walk.rest.at(2)) & 0xFFFFFFU;
  const uint16_t type = get16(walk.rest.at(6));
  walk.rest.skip(kSnapSize);
  if (organisation != 0 && organisation != kBridgeTunnel) return Layer::other;
  return type > kMaxLength ? by_ether_type(type, walk) : Layer::other;
}

Layer by_nlpid(uint8_t protocol) {
  return protocol == kNlpidIpv4 || protocol == kNlpidIpv6 ? Layer::ip : Layer::other;
}

Layer read_mpls(Walk& walk) {
  constexpr size_t kEntrySize = 4;
  for (bool last = false; !last;) {
    if (!walk.rest.has(kEntrySize)) return Layer::broken;
    last = (get8(walk.rest.at(2)) & 1U) != 0;
    walk.rest.skip(kEntrySize);
  }
  return behind_labels(walk);
}

Layer read_pppoe(Walk& walk) {
  constexpr size_t kPppoeSize = 6;  // RFC 2516 4
  if (!walk.rest.has(kPppoeSize)) return Layer::broken;
  if (get8(walk.rest.at(0)) != 0x11) return Layer::broken;  // version and type
  const uint8_t code = get8(walk.rest.at(1));
  const size_t length = get16(walk.rest.at(4));
  walk.rest.skip(kPppoeSize);
  if (code != 0) return Layer::other;  // not of a session
  if (length < walk.rest.wire) walk.rest.limit(length);
  walk.path.add(Tunnel{.kind = TunnelKind::pppoe});
  return Layer::ppp;
}

Layer read_ppp(Walk& walk) {
  if (walk.rest.has(2) && get16(walk.rest.at(0)) == 0xFF03) walk.rest.skip(2);  // RFC 1662 3.1
  if (!walk.rest.has(2)) return Layer::broken;
  // An odd first octet is the whole number (RFC 1661 6.5).
  const bool compressed = (get8(walk.rest.at(0)) & 1U) != 0;
  const uint16_t protocol = compressed ? get8(walk.rest.at(0)) : get16(walk.rest.at(0));
  walk.rest.skip(compressed ? 1 : 2);
  if (protocol == kPppIpv4 || protocol == kPppIpv6) return Layer::ip;
  return protocol == kPppMpls ? Layer::mpls : Layer::other;
}

}  // namespace tcpdx::wire
