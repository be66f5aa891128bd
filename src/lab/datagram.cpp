#include "lab/datagram.hpp"

#include <algorithm>
#include <optional>

#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::lab {
namespace {

tcp::IcmpKind kind_of_v4(const wire::IcmpCause& cause) {
  if (cause.type == wire::icmp4::kSourceQuench) return tcp::IcmpKind::source_quench;
  if (cause.type != wire::icmp4::kUnreachable) return tcp::IcmpKind::soft_error;
  if (cause.code == wire::icmp4::kFragmentationNeeded && cause.mtu) return tcp::IcmpKind::too_big;
  const bool hard =
      cause.code >= wire::icmp4::kProtocol && cause.code <= wire::icmp4::kFragmentationNeeded;
  return hard ? tcp::IcmpKind::hard_error : tcp::IcmpKind::soft_error;
}

tcp::IcmpKind kind_of_v6(const wire::IcmpCause& cause) {
  if (cause.type == wire::icmp6::kPacketTooBig) return tcp::IcmpKind::too_big;
  const bool hard = cause.type == wire::icmp6::kUnreachable &&
                    (cause.code == wire::icmp6::kProhibited || cause.code == wire::icmp6::kPort);
  return hard ? tcp::IcmpKind::hard_error : tcp::IcmpKind::soft_error;
}

Arrival read_icmp(const wire::ParsedIp& ip) {
  if (!wire::icmp_checksum_ok(ip)) return {};
  const auto error = wire::parse_icmp_error(ip);
  if (!error) return {};
  const bool v4 = ip.header.source.family == Family::v4;
  return tcp::IcmpError{
      .kind = v4 ? kind_of_v4(error->cause) : kind_of_v6(error->cause),
      .local = {error->quoted.source, error->source_port},
      .remote = {error->quoted.destination, error->destination_port},
      .seq = error->seq,
      .mtu = static_cast<uint16_t>(std::min<uint32_t>(error->cause.mtu.value_or(0), UINT16_MAX)),
  };
}

Arrival read_tcp(const wire::ParsedIp& ip, wire::SourceRoute& route) {
  if (!wire::tcp_checksum_ok(ip.payload, ip.header.source, ip.header.destination)) return {};
  const auto segment = wire::parse_tcp(ip.payload);
  if (!segment) return {};
  route = wire::recorded_route(ip.header).value_or(wire::SourceRoute{});
  return tcp::Packet{.source = ip.header.source,
                     .destination = ip.header.destination,
                     .header = segment->header,
                     .text = segment->text,
                     .ttl = ip.header.ttl,
                     .traffic_class = ip.header.traffic_class,
                     .source_route = route.gateways()};
}

}  // namespace

Arrival read_datagram(std::span<const std::byte> bytes, wire::SourceRoute& route) {
  const auto ip = wire::parse_ip(bytes);
  if (!ip || !ip->checksum_ok || ip->missing > 0 || ip->header.is_fragment()) return {};
  switch (ip->header.protocol) {
    case wire::kProtocolTcp: return read_tcp(*ip, route);
    case wire::kProtocolIcmp:
    case wire::kProtocolIcmp6: return read_icmp(*ip);
    default: return {};
  }
}

size_t write_datagram(const tcp::Packet& packet, uint16_t id, std::span<std::byte> out) {
  wire::IpHeader ip{.source = packet.source,
                    .destination = packet.destination,
                    .ttl = packet.ttl,
                    .traffic_class = packet.traffic_class,
                    .id = packet.source.family == Family::v4 ? id : uint32_t{0},
                    .dont_fragment = packet.source.family == Family::v4};
  std::array<std::byte, wire::kMaxIpv4OptionsSize> options{};
  if (!packet.source_route.empty()) {
    wire::SourceRoute route;
    route.count = static_cast<uint8_t>(
        std::min(packet.source_route.size(), size_t{wire::SourceRoute::kMaxHops}));
    std::ranges::copy(packet.source_route.first(route.count), route.hops.begin());
    ip.options =
        std::span(options).first(wire::write_source_route(route, packet.destination, options));
    ip.destination = route.hops.front();
  }
  const size_t before = wire::header_size(ip);
  const size_t segment = wire::header_size(packet.header) + packet.text.size();
  if (before + segment > out.size()) return 0;
  wire::write_ip(ip, segment, out);
  return before + wire::write_tcp(packet.header, packet.text, packet.source, packet.destination,
                                  out.subspan(before));
}

}  // namespace tcpdx::lab
