// How the decoder goes through a frame: each layer's reader takes its header away from the rest and
// says what stands behind it. One file per family of layers; decode.cpp has the loop.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

#include "wire/decode.hpp"
#include "wire/octets.hpp"

namespace tcpdx::wire {

// Headers in front of a segment, link layers and tunnels together. Real frames have fewer than ten.
inline constexpr size_t kMaxLayers = 32;

// What is left of a frame: the octets captured, and how many of them there were on the wire.
struct Rest {
  std::span<const std::byte> data{};
  size_t wire = 0;  // at least data.size()

  bool has(size_t size) const { return data.size() >= size; }
  const std::byte* at(size_t offset) const { return data.data() + offset; }
  // Only what was captured can be taken away.
  void skip(size_t size) {
    data = data.subspan(size);
    wire -= size;
  }
  // A length field ends the layer here: padding and trailers go. It may also tell of more than
  // there is, in a frame that was cut before it was captured.
  void limit(size_t size) {
    wire = size;
    data = data.first(std::min(data.size(), size));
  }
};

// VLANs and tunnels on the way, outermost first. Each layer adds at most one.
struct Path {
  uint32_t vlan_count = 0;
  uint32_t tunnel_count = 0;
  std::array<uint16_t, kMaxLayers> vlans{};
  std::array<Tunnel, kMaxLayers> tunnels{};

  bool empty() const { return vlan_count == 0 && tunnel_count == 0; }
  void clear() { vlan_count = tunnel_count = 0; }
  void add(uint16_t vlan) { vlans[vlan_count++] = vlan; }
  void add(const Tunnel& tunnel) { tunnels[tunnel_count++] = tunnel; }
};

// What stands at the beginning of the rest.
enum class Layer : uint8_t {
  ethernet,
  vlan,
  llc,
  mpls,
  pppoe,
  ppp,
  ip,
  fragment,  // the part of a datagram that Walk tells
  tcp,
  icmp,
  udp,
  gre,
  vxlan,
  geneve,
  gtp_u,
  other,   // nothing to go on with
  broken,  // what was to stand there does not
};

// A frame being read. What IP headers say goes into `packet` at once, the innermost last.
struct Walk {
  Rest rest;
  Path& path;
  Packet& packet;
  uint8_t protocol = 0;  // of what follows the IP header
  bool length_unknown = false;
  bool routed = false;  // not yet on the way to the address that TCP's checksum is over
  bool more_fragments = false;
  uint16_t fragment_offset = 0;
};

// Each takes away its header.
Layer read_ethernet(Walk& walk);
Layer read_vlan(Walk& walk);
Layer read_llc(Walk& walk);
Layer read_mpls(Walk& walk);
Layer read_pppoe(Walk& walk);
Layer read_ppp(Walk& walk);
Layer read_ip(Walk& walk);
Layer read_udp(Walk& walk);
Layer read_gre(Walk& walk);
Layer read_vxlan(Walk& walk);
Layer read_geneve(Walk& walk);
Layer read_gtp_u(Walk& walk);

// Link types with a file of their own.
Layer read_ieee80211(Walk& walk);
Layer read_radiotap(Walk& walk);
Layer read_prism(Walk& walk);
Layer read_avs(Walk& walk);

// What follows an EtherType. Numbers up to 1500 are the length of an IEEE 802.3 frame.
Layer by_ether_type(uint16_t type, Walk& walk);
// What follows the number of a network layer protocol of ISO/IEC TR 9577.
Layer by_nlpid(uint8_t protocol);
// What an IP datagram carries, beginning with a header of walk.protocol.
Layer read_ip_payload(Walk& walk);

// The reader of a link type's own header.
struct LinkType {
  uint16_t number;  // LINKTYPE_*
  std::string_view name;
  Layer (*read)(Walk&);
};
const LinkType* find_link_type(uint16_t number);

}  // namespace tcpdx::wire
