// A captured frame down to its TCP segment: link layers, VLANs, tunnels, IP and its fragments.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::wire {

// MPLS is none: labels differ between the two directions of one connection, and the last hop before
// the end takes them off.
enum class TunnelKind : uint8_t { pppoe, gre, ipip, vxlan, geneve, gtp_u };
std::string_view to_string(TunnelKind kind);

struct Tunnel {
  TunnelKind kind{};
  // VNI of VXLAN and Geneve, key of GRE. GTP's tunnel ids differ between the two directions of one
  // connection, so it has none.
  std::optional<uint32_t> id{};

  bool operator==(const Tunnel&) const = default;
};

// What lies around a connection's addresses and tells it from another with the same ones.
struct LinkPath {
  std::vector<uint16_t> vlans;  // the outermost first
  std::vector<Tunnel> tunnels;

  bool operator==(const LinkPath&) const = default;
};

enum class Checksum : uint8_t {
  unknown,  // not all of the segment was captured
  right,
  offloaded,  // only the pseudo header's sum: the network card was to fill it in
  wrong,
};

// A TCP segment as it was found in a frame. Spans point into the frame, or into the decoder where
// the segment was put together from fragments; they live until the next decode().
struct Packet {
  IpAddress source;
  IpAddress destination;
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t link = 0;  // index into Decoder::links(); 0: no VLAN, no tunnel
  Seq seq;
  Seq ack;  // means something only where flags.ack is set
  TcpFlags flags;
  uint8_t ttl = 0;      // hop limit
  uint16_t window = 0;  // as on the wire: not scaled
  uint16_t urgent = 0;
  uint32_t length = 0;     // octets of text on the wire, captured or not
  uint32_t ip_octets = 0;  // of the whole datagram on the wire, with its headers
  uint32_t ip_id = 0;      // IPv6: 0 unless fragmented
  uint8_t traffic_class = 0;
  Checksum checksum = Checksum::unknown;
  bool options_cut = false;            // not all options were captured
  bool reassembled = false;            // from IP fragments
  std::span<const std::byte> options;  // as captured
  std::span<const std::byte> text;     // as captured
};

enum class Found : uint8_t {
  tcp,
  icmp_error,  // about a TCP segment: Decoder::icmp_error()
  fragment,    // kept until the others are there
  other,       // no TCP inside, or a link type without IP
  broken,      // headers that cannot be, or cut off before the TCP header's first 14 octets
};

struct DecodeOptions {
  bool checksums = true;
  // Fragments kept at once, in octets; the oldest datagrams go first (RFC 791 3.2, RFC 8200 4.5).
  size_t fragment_memory = size_t{16} << 20U;
};

class Decoder {
 public:
  explicit Decoder(DecodeOptions options = {});
  ~Decoder();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;

  // `packet` is meaningful only where Found::tcp is returned. Never reads beyond `data`, never
  // fails: whatever the octets are, the answer is one of Found.
  Found decode(uint16_t link_type, std::span<const std::byte> data, uint32_t original_size,
               int64_t time_ns, Packet& packet);
  // Of the last decode() that returned Found::icmp_error, and the link path it came by.
  const IcmpError& icmp_error() const;
  uint32_t icmp_link() const;

  const std::vector<LinkPath>& links() const;
  // Packets whose path came after all numbers were given away: they share the last one, whose entry
  // is empty.
  uint64_t crowded() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Whether frames of that LINKTYPE_ can be read.
bool known_link_type(uint16_t link_type);
// "Ethernet", "Linux cooked v2"; "link type 147" for those without a name.
std::string link_type_name(uint16_t link_type);

}  // namespace tcpdx::wire
