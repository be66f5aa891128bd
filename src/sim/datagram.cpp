#include "sim/datagram.hpp"

#include "wire/ip.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::sim {

std::vector<std::byte> to_datagram(const tcp::Packet& packet) {
  const wire::IpHeader header{.source = packet.source,
                              .destination = packet.destination,
                              .protocol = wire::kProtocolTcp,
                              .ttl = packet.ttl,
                              .traffic_class = packet.traffic_class,
                              .dont_fragment = packet.source.family == Family::v4};
  const size_t segment = wire::header_size(packet.header) + packet.text.size();
  const size_t before = wire::header_size(header);
  std::vector<std::byte> datagram(before + segment);
  wire::write_ip(header, segment, datagram);
  wire::write_tcp(packet.header, packet.text, packet.source, packet.destination,
                  std::span(datagram).subspan(before));
  return datagram;
}

std::optional<tcp::Packet> from_datagram(std::span<const std::byte> datagram) {
  const auto ip = wire::parse_ip(datagram);
  if (!ip || !ip->checksum_ok || ip->missing != 0 || ip->header.is_fragment() ||
      ip->header.protocol != wire::kProtocolTcp) {
    return std::nullopt;
  }
  if (!wire::tcp_checksum_ok(ip->payload, ip->header.source, ip->header.destination)) {
    return std::nullopt;
  }
  const auto segment = wire::parse_tcp(ip->payload);
  if (!segment) return std::nullopt;
  return tcp::Packet{.source = ip->header.source,
                     .destination = ip->header.destination,
                     .header = segment->header,
                     .text = segment->text,
                     .ttl = ip->header.ttl,
                     .traffic_class = ip->header.traffic_class,
                     .source_route = {}};
}

size_t ip_header_size(std::span<const std::byte> datagram) {
  const auto ip = wire::parse_ip(datagram);
  return ip ? datagram.size() - ip->payload.size() : 0;
}

void flip_bit(std::span<std::byte> datagram, size_t bit) {
  datagram[bit / 8] ^= std::byte{1} << (bit % 8);
}

}  // namespace tcpdx::sim
