// The link types that can be read, by https://www.tcpdump.org/linktypes.html, and their own
// headers.
#include <string>

#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

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

constexpr uint16_t kGreHardware = 778;  // ARPHRD_IPGRE: the protocol is GRE's
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

Layer read_cisco_hdlc(Walk& walk) {
  constexpr size_t kCiscoSize = 4;
  if (!walk.rest.has(kCiscoSize)) return Layer::broken;
  const uint16_t type = get16(walk.rest.at(2));
  walk.rest.skip(kCiscoSize);
  return type > 1500 ? by_ether_type(type, walk) : Layer::other;
}

// PPP in HDLC framing or Cisco's HDLC, which begin with other addresses (RFC 1547 4.3.1).
Layer read_serial(Walk& walk) {
  if (!walk.rest.has(1)) return Layer::broken;
  const uint8_t address = get8(walk.rest.at(0));
  return address == 0x0F || address == 0x8F ? read_cisco_hdlc(walk) : Layer::ppp;
}

constexpr std::array kLinkTypes{
    LinkType{0, "BSD loopback", read_family},
    LinkType{1, "Ethernet", read_ethernet},
    LinkType{9, "PPP", read_serial},
    LinkType{12, "raw IP", raw_ip},  // DLT_RAW of most systems, and of OpenBSD
    LinkType{14, "raw IP", raw_ip},
    LinkType{50, "PPP over serial", read_serial},
    LinkType{51, "PPPoE", read_pppoe},
    LinkType{101, "raw IP", raw_ip},
    LinkType{104, "Cisco HDLC", read_cisco_hdlc},
    LinkType{108, "OpenBSD loopback", read_family},
    LinkType{113, "Linux cooked v1", read_sll},
    LinkType{228, "raw IPv4", raw_ip},
    LinkType{229, "raw IPv6", raw_ip},
    LinkType{276, "Linux cooked v2", read_sll2},
};

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
