// The link types that can be read, by https://www.tcpdump.org/linktypes.html, and their own
// headers.
#include <string>

#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

// Headers of a fixed size with nothing in them that matters here.
template <size_t kSize, Layer kNext>
Layer read_fixed(Walk& walk) {
  if (!walk.rest.has(kSize)) return Layer::broken;
  walk.rest.skip(kSize);
  return kNext;
}

template <size_t kSize, Layer (*kRead)(Walk&)>
Layer read_prefixed(Walk& walk) {
  if (!walk.rest.has(kSize)) return Layer::broken;
  walk.rest.skip(kSize);
  return kRead(walk);
}

// Headers with an EtherType at that place and nothing else that matters here.
template <size_t kSize, size_t kTypeAt>
Layer read_typed(Walk& walk) {
  if (!walk.rest.has(kSize)) return Layer::broken;
  const uint16_t type = get16(walk.rest.at(kTypeAt));
  walk.rest.skip(kSize);
  return type > 1500 ? by_ether_type(type, walk) : Layer::other;
}

Layer raw_ip(Walk& /*walk*/) { return Layer::ip; }

// The families' numbers differ between the systems, and the byte order is that of the machine that
// captured; in LOOP it is the network's.
Layer read_family(Walk& walk) {
  if (!walk.rest.has(4)) return Layer::broken;
  const uint32_t number = get32(walk.rest.at(0));
  const uint32_t family = number > 0xFFFF ? std::byteswap(number) : number;
  walk.rest.skip(4);
  switch (family) {
    case 2:   // IPv4 everywhere; IPv6:
    case 10:  // Linux
    case 23:  // Windows
    case 24:  // NetBSD, OpenBSD
    case 26:  // Solaris
    case 28:  // FreeBSD
    case 30:  // macOS
      return Layer::ip;
    default: return Layer::other;
  }
}

constexpr uint16_t kNetlinkHardware = 824;
constexpr uint16_t kEthernetIn802 = 0x0001;  // ETH_P_802_3: Novell's, without LLC
constexpr uint16_t kLlcIn802 = 0x0004;       // ETH_P_802_2

Layer by_cooked_protocol(uint16_t hardware, uint16_t protocol, Walk& walk) {
  if (hardware == kNetlinkHardware || protocol == kEthernetIn802) return Layer::other;
  if (protocol == kLlcIn802) return Layer::llc;
  return protocol > 1500 ? by_ether_type(protocol, walk) : Layer::other;
}

Layer read_sll(Walk& walk) {
  constexpr size_t kSllSize = 16;
  if (!walk.rest.has(kSllSize)) return Layer::broken;
  const uint16_t hardware = get16(walk.rest.at(2));
  const uint16_t protocol = get16(walk.rest.at(14));
  walk.rest.skip(kSllSize);
  return by_cooked_protocol(hardware, protocol, walk);
}

Layer read_sll2(Walk& walk) {
  constexpr size_t kSll2Size = 20;
  if (!walk.rest.has(kSll2Size)) return Layer::broken;
  const uint16_t protocol = get16(walk.rest.at(0));
  const uint16_t hardware = get16(walk.rest.at(8));
  walk.rest.skip(kSll2Size);
  return by_cooked_protocol(hardware, protocol, walk);
}

Layer read_cisco_hdlc(Walk& walk) { return read_typed<4, 2>(walk); }

// PPP in HDLC framing or Cisco's HDLC, which begin with other addresses (RFC 1547 4.3.1).
Layer read_serial(Walk& walk) {
  if (!walk.rest.has(1)) return Layer::broken;
  const uint8_t address = get8(walk.rest.at(0));
  return address == 0x0F || address == 0x8F ? read_cisco_hdlc(walk) : Layer::ppp;
}

// RFC 2427: an address of up to four octets, whose last has its lowest bit set; then UI and NLPID.
// Cisco's own way has an EtherType there.
Layer read_frame_relay(Walk& walk) {
  constexpr uint8_t kUnnumbered = 0x03;
  constexpr uint8_t kSnap = 0x80;
  size_t size = 1;
  for (; walk.rest.has(size) && size < 4 && (get8(walk.rest.at(size - 1)) & 1U) == 0; ++size) {
  }
  if (!walk.rest.has(size + 2)) return Layer::broken;
  const uint16_t type = get16(walk.rest.at(size));
  if (get8(walk.rest.at(size)) != kUnnumbered) {
    walk.rest.skip(size + 2);
    return type > 1500 ? by_ether_type(type, walk) : Layer::other;
  }
  walk.rest.skip(size + 1);
  if (get8(walk.rest.at(0)) == 0) walk.rest.skip(1);  // padding
  if (!walk.rest.has(1)) return Layer::broken;
  const uint8_t protocol = get8(walk.rest.at(0));
  if (protocol != kSnap) {
    walk.rest.skip(1);
    return by_nlpid(protocol);
  }
  if (!walk.rest.has(6)) return Layer::broken;
  const bool ether_type = (get32(walk.rest.at(0)) & 0xFFFFFFU) == 0;
  const uint16_t snap_type = get16(walk.rest.at(4));
  walk.rest.skip(6);
  return ether_type && snap_type > 1500 ? by_ether_type(snap_type, walk) : Layer::other;
}

// IEEE 802.5: LLC behind the addresses and, where the source's first bit says so, a route.
Layer read_token_ring(Walk& walk) {
  constexpr size_t kTokenRingSize = 14;
  if (!walk.rest.has(kTokenRingSize)) return Layer::broken;
  const bool has_llc = get8(walk.rest.at(1)) >> 6U == 1;
  const bool routed = (get8(walk.rest.at(8)) & 0x80U) != 0;
  walk.rest.skip(kTokenRingSize);
  if (!has_llc) return Layer::other;
  if (!routed) return Layer::llc;
  if (!walk.rest.has(1)) return Layer::broken;
  const size_t route = get8(walk.rest.at(0)) & 0x1FU;
  if (!walk.rest.has(route)) return Layer::broken;
  walk.rest.skip(route);
  return Layer::llc;
}

Layer read_fddi(Walk& walk) {
  constexpr size_t kFddiSize = 13;
  if (!walk.rest.has(kFddiSize)) return Layer::broken;
  const bool has_llc = (get8(walk.rest.at(0)) & 0x70U) == 0x50;
  walk.rest.skip(kFddiSize);
  return has_llc ? Layer::llc : Layer::other;
}

// Records of length and type in the byte order of the machine that captured; one is the datagram.
// Types are small numbers, which tells the order.
Layer read_nflog(Walk& walk) {
  constexpr uint16_t kPayload = 9;  // NFULA_PAYLOAD
  constexpr size_t kRecordHead = 4;
  if (!walk.rest.has(4)) return Layer::broken;
  walk.rest.skip(4);
  while (walk.rest.has(kRecordHead)) {
    uint16_t length = get16(walk.rest.at(0));
    uint16_t type = get16(walk.rest.at(2));
    if (type > 0xFF) {
      length = std::byteswap(length);
      type = std::byteswap(type);
    }
    if (length < kRecordHead) return Layer::broken;
    if (type == kPayload) {
      if (length < walk.rest.wire) walk.rest.limit(length);
      walk.rest.skip(kRecordHead);
      return Layer::ip;
    }
    const size_t padded = (size_t{length} + 3) / 4 * 4;
    if (!walk.rest.has(padded)) return Layer::broken;
    walk.rest.skip(padded);
  }
  return Layer::broken;
}

Layer read_ppi(Walk& walk);
Layer read_pktap(Walk& walk);

constexpr std::array kLinkTypes{
    LinkType{0, "BSD loopback", read_family},
    LinkType{1, "Ethernet", read_ethernet},
    LinkType{6, "token ring", read_token_ring},
    LinkType{8, "SLIP", read_fixed<16, Layer::ip>},
    LinkType{9, "PPP", read_serial},
    LinkType{10, "FDDI", read_fddi},
    LinkType{12, "raw IP", raw_ip},  // DLT_RAW of most systems, and of OpenBSD
    LinkType{14, "raw IP", raw_ip},
    LinkType{50, "PPP over serial", read_serial},
    LinkType{51, "PPPoE", read_pppoe},
    LinkType{100, "ATM", read_llc},
    LinkType{101, "raw IP", raw_ip},
    LinkType{104, "Cisco HDLC", read_cisco_hdlc},
    LinkType{105, "802.11", read_ieee80211},
    LinkType{107, "frame relay", read_frame_relay},
    LinkType{108, "OpenBSD loopback", read_family},
    LinkType{109, "OpenBSD IPsec", read_fixed<12, Layer::ip>},
    LinkType{113, "Linux cooked v1", read_sll},
    LinkType{119, "802.11 with Prism header", read_prism},
    LinkType{122, "IP over Fibre Channel", read_fixed<16, Layer::llc>},
    LinkType{127, "802.11 with radiotap", read_radiotap},
    LinkType{138, "IP over IEEE 1394", read_typed<18, 16>},
    LinkType{163, "802.11 with AVS header", read_avs},
    LinkType{192, "per-packet information", read_ppi},
    LinkType{204, "PPP with direction", read_prefixed<1, read_serial>},
    LinkType{205, "Cisco HDLC with direction", read_prefixed<1, read_cisco_hdlc>},
    LinkType{206, "frame relay with direction", read_prefixed<1, read_frame_relay>},
    LinkType{219, "MPLS", read_mpls},
    LinkType{228, "raw IPv4", raw_ip},
    LinkType{229, "raw IPv6", raw_ip},
    LinkType{239, "Linux netfilter log", read_nflog},
    LinkType{240, "netANALYZER", read_prefixed<4, read_ethernet>},
    LinkType{242, "IP over InfiniBand", read_typed<44, 40>},
    LinkType{258, "Apple PKTAP", read_pktap},
    LinkType{276, "Linux cooked v2", read_sll2},
};

// A header that names the link type of the frame behind it; not another one of its kind.
Layer read_wrapped(size_t size, uint32_t number, Walk& walk) {
  if (!walk.rest.has(size)) return Layer::broken;
  walk.rest.skip(size);
  const auto found = std::ranges::find(kLinkTypes, number, &LinkType::number);
  if (found == kLinkTypes.end() || found->read == read_ppi || found->read == read_pktap) {
    return Layer::other;
  }
  return found->read(walk);
}

// Both are little endian.
Layer read_ppi(Walk& walk) {
  if (!walk.rest.has(8)) return Layer::broken;
  const size_t size = std::byteswap(get16(walk.rest.at(2)));
  return size < 8 ? Layer::broken : read_wrapped(size, std::byteswap(get32(walk.rest.at(4))), walk);
}

Layer read_pktap(Walk& walk) {
  if (!walk.rest.has(12)) return Layer::broken;
  const size_t size = std::byteswap(get32(walk.rest.at(0)));
  const bool is_packet = std::byteswap(get32(walk.rest.at(4))) == 1;
  if (size < 12) return Layer::broken;
  return is_packet ? read_wrapped(size, std::byteswap(get32(walk.rest.at(8))), walk) : Layer::other;
}

}  // namespace

const LinkType* find_link_type(uint16_t number) {
  const auto found = std::ranges::find(kLinkTypes, number, &LinkType::number);
  return found == kLinkTypes.end() ? nullptr : &*found;
}

bool known_link_type(uint16_t link_type) { return find_link_type(link_type) != nullptr; }

std::string link_type_name(uint16_t link_type) {
  const LinkType* found = find_link_type(link_type);
  return found != nullptr ? std::string(found->name) : "link type " + std::to_string(link_type);
}

}  // namespace tcpdx::wire
