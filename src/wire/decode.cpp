#include "wire/decode.hpp"

#include <algorithm>

#include "wire/checksum.hpp"
#include "wire/fragments.hpp"
#include "wire/ip.hpp"
#include "wire/layers.hpp"
#include "wire/link_paths.hpp"

namespace tcpdx::wire {
namespace {

constexpr size_t kThroughFlags = 14;
constexpr size_t kThroughWindow = 16;

Checksum check_segment(const Rest& segment, const Walk& walk) {
  const Packet& packet = walk.packet;
  const uint64_t pseudo =
      pseudo_header_sum(packet.source, packet.destination, kProtocolTcp, segment.wire);
  if (checksum(add_words(segment.data, pseudo)) == 0) return Checksum::right;
  // Some systems leave the length to the card as well, because it differs for each segment it cuts.
  const uint64_t without_length =
      pseudo_header_sum(packet.source, packet.destination, kProtocolTcp, 0);
  const uint16_t field = get16(segment.at(16));
  for (const uint64_t sum : {pseudo, without_length}) {
    if (field == static_cast<uint16_t>(~checksum(sum))) return Checksum::offloaded;
  }
  return walk.length_unknown || walk.routed ? Checksum::unknown : Checksum::wrong;
}

Found read_tcp(Walk& walk, bool checksums) {
  const Rest& segment = walk.rest;
  if (!segment.has(kThroughFlags)) return Found::broken;
  const std::byte* at = segment.at(0);
  const size_t size = size_t{get8(at + 12)} / 16 * 4;
  if (size < kTcpHeaderSize || size > segment.wire) return Found::broken;
  const size_t captured = std::min(size, segment.data.size());
  Packet& packet = walk.packet;
  packet.source_port = get16(at);
  packet.destination_port = get16(at + 2);
  packet.seq = {get32(at + 4)};
  packet.ack = {get32(at + 8)};
  packet.flags = flags_from_octet(get8(at + 13));
  packet.window = captured >= kThroughWindow ? get16(at + 14) : uint16_t{0};
  packet.urgent = captured >= kTcpHeaderSize ? get16(at + 18) : uint16_t{0};
  packet.length = static_cast<uint32_t>(segment.wire - size);
  packet.options_cut = captured < size;
  packet.options = captured > kTcpHeaderSize
                       ? segment.data.subspan(kTcpHeaderSize, captured - kTcpHeaderSize)
                       : std::span<const std::byte>{};
  packet.text = segment.data.subspan(captured);
  const bool whole = segment.data.size() == segment.wire;
  packet.checksum = checksums && whole ? check_segment(segment, walk) : Checksum::unknown;
  return Found::tcp;
}

}  // namespace

std::string_view to_string(TunnelKind kind) {
  switch (kind) {
    case TunnelKind::pppoe: return "pppoe";
    case TunnelKind::gre: return "gre";
    case TunnelKind::ipip: return "ipip";
    case TunnelKind::vxlan: return "vxlan";
    case TunnelKind::geneve: return "geneve";
    case TunnelKind::gtp_u: return "gtp-u";
  }
  return "unknown";
}

struct Decoder::State {
  DecodeOptions options;
  Fragments fragments{options.fragment_memory};
  WholeDatagram whole{};  // what a packet put together from fragments points into
  LinkPaths links{};
  Path path{};
  const LinkType* link_type = nullptr;  // of the last frame
  IcmpError error{};
  uint32_t error_link = 0;

  Found read(Layer layer, Walk& walk, int64_t time_ns);
  Layer read_fragment(Walk& walk, int64_t time_ns);
  Found read_icmp(const Walk& walk);
};

Found Decoder::State::read(Layer layer, Walk& walk, int64_t time_ns) {
  for (size_t depth = 0; depth < kMaxLayers; ++depth) {
    switch (layer) {
      case Layer::ethernet: layer = read_ethernet(walk); break;
      case Layer::vlan: layer = read_vlan(walk); break;
      case Layer::llc: layer = read_llc(walk); break;
      case Layer::mpls: layer = read_mpls(walk); break;
      case Layer::pppoe: layer = read_pppoe(walk); break;
      case Layer::ppp: layer = read_ppp(walk); break;
      case Layer::ip: layer = read_ip(walk); break;
      case Layer::fragment:
        layer = read_fragment(walk, time_ns);
        if (layer == Layer::fragment) return Found::fragment;
        break;
      case Layer::tcp:
        walk.packet.link = links.index(path);
        return read_tcp(walk, options.checksums);
      case Layer::icmp: return read_icmp(walk);
      case Layer::udp: layer = read_udp(walk); break;
      case Layer::gre: layer = read_gre(walk); break;
      case Layer::vxlan: layer = read_vxlan(walk); break;
      case Layer::geneve: layer = read_geneve(walk); break;
      case Layer::gtp_u: layer = read_gtp_u(walk); break;
      case Layer::other: return Found::other;
      case Layer::broken: return Found::broken;
    }
  }
  return Found::broken;
}

// What the datagram carries once it is complete, until then Layer::fragment.
Layer Decoder::State::read_fragment(Walk& walk, int64_t time_ns) {
  Packet& packet = walk.packet;
  const bool v4 = packet.source.family == Family::v4;
  // RFC 8200 4.5; in IPv4 the odd octets are cut off, as Linux does.
  if (walk.more_fragments && walk.rest.wire % 8 != 0) {
    if (!v4) return Layer::broken;
    walk.rest.limit(walk.rest.wire / 8 * 8);
  }
  const FragmentKey key{.source = packet.source,
                        .destination = packet.destination,
                        .id = packet.ip_id,
                        .link = links.index(path),
                        .protocol = v4 ? walk.protocol : uint8_t{0}};
  const FragmentPart part{.offset = walk.fragment_offset,
                          .more = walk.more_fragments,
                          .data = walk.rest.data,
                          .size = walk.rest.wire,
                          .protocol = walk.protocol,
                          .ip_octets = packet.ip_octets};
  switch (fragments.add(key, part, time_ns, whole)) {
    case Fragments::Result::kept: return Layer::fragment;
    case Fragments::Result::refused: return Layer::broken;
    case Fragments::Result::complete: break;
  }
  walk.rest = {whole.data, whole.size};
  walk.protocol = whole.protocol;
  walk.more_fragments = false;
  walk.fragment_offset = 0;
  walk.length_unknown = false;
  packet.ip_octets = whole.ip_octets;
  packet.reassembled = true;
  return read_ip_payload(walk);
}

Found Decoder::State::read_icmp(const Walk& walk) {
  ParsedIp datagram;
  datagram.header.source = walk.packet.source;
  datagram.header.destination = walk.packet.destination;
  datagram.header.protocol = walk.protocol;
  datagram.payload = walk.rest.data;
  const auto found = parse_icmp_error(datagram);
  if (!found) return Found::other;
  error = *found;
  error_link = links.index(path);
  return Found::icmp_error;
}

Decoder::Decoder(DecodeOptions options) : state_(std::make_unique<State>(State{options})) {}
Decoder::~Decoder() = default;
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;

Found Decoder::decode(uint16_t link_type, std::span<const std::byte> data, uint32_t original_size,
                      int64_t time_ns, Packet& packet) {
  State& state = *state_;
  if (state.link_type == nullptr || state.link_type->number != link_type) {
    state.link_type = find_link_type(link_type);
    if (state.link_type == nullptr) return Found::other;
  }
  state.path.clear();
  packet.reassembled = false;
  Walk walk{.rest = {data, std::max<size_t>(original_size, data.size())},
            .path = state.path,
            .packet = packet};
  return state.read(state.link_type->read(walk), walk, time_ns);
}

const IcmpError& Decoder::icmp_error() const { return state_->error; }
uint32_t Decoder::icmp_link() const { return state_->error_link; }
const std::vector<LinkPath>& Decoder::links() const { return state_->links.all(); }
uint64_t Decoder::crowded() const { return state_->links.shared(); }

}  // namespace tcpdx::wire
