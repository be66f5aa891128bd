#include "lab/path.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "lab/datagram.hpp"
#include "lab/icmp_report.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/octets.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::lab {
namespace {

constexpr double kBurst = 6;
constexpr uint8_t kProtocolUdp = 17;
constexpr size_t kTtlOfIpv4 = 8;
constexpr size_t kTtlOfIpv6 = 7;
constexpr size_t kSumOfIpv4 = 10;
constexpr size_t kSumOfTcp = 16;
constexpr uint8_t kEchoRequest4 = 8;
constexpr uint8_t kEchoReply4 = 0;
constexpr uint8_t kEchoRequest6 = 128;
constexpr uint8_t kEchoReply6 = 129;
constexpr size_t kEchoHeader = 8;

const IpAddress* address_of(const std::vector<IpAddress>& addresses, Family family) {
  const auto at = std::ranges::find(addresses, family, &IpAddress::family);
  return at == addresses.end() ? nullptr : &*at;
}

bool is_v4(const wire::ParsedIp& parsed) { return parsed.header.source.family == Family::v4; }

// A router writes the TTL and, in IPv4, the header's checksum anew.
void write_ttl(std::span<std::byte> datagram, size_t header, bool v4, uint8_t ttl) {
  wire::put8(&datagram[v4 ? kTtlOfIpv4 : kTtlOfIpv6], ttl);
  if (!v4) return;
  wire::put16(&datagram[kSumOfIpv4], 0);
  wire::put16(&datagram[kSumOfIpv4], wire::checksum(wire::add_words(datagram.first(header))));
}

// The value of a SYN's MSS option, at its place in the segment; empty: it has none.
std::span<std::byte> mss_option(std::span<std::byte> segment) {
  if (segment.size() < wire::kTcpHeaderSize) return {};
  const size_t end = std::min(segment.size(), size_t{wire::get8(&segment[12])} / 16 * 4);
  for (size_t at = wire::kTcpHeaderSize; at + 1 < end;) {
    const uint8_t kind = wire::get8(&segment[at]);
    if (kind == 0) break;
    const size_t length = kind == 1 ? 1 : wire::get8(&segment[at + 1]);
    if (length == 0 || at + length > end) break;
    if (kind == 2 && length == 4) return segment.subspan(at + 2, 2);
    at += length;
  }
  return {};
}

bool is_syn(std::span<const std::byte> segment) {
  const auto tcp = wire::parse_tcp(segment);
  return tcp && tcp->header.flags.syn && !tcp->header.flags.ack;
}

}  // namespace

// A datagram on its way, with what routers have changed in it so far.
struct Path::Travel {
  tcp::Time sent;
  std::vector<std::byte> datagram;
  size_t header = 0;  // octets of the IP header
  bool v4 = false;
  uint8_t ttl = 0;
  bool may_be_cut = false;
  IpAddress source;
  IpAddress destination;
  uint8_t protocol = 0;

  std::span<std::byte> payload() { return std::span(datagram).subspan(header); }
};

Path::Path(PathSettings settings)
    : settings_(std::move(settings)), chance_(settings_.seed), buckets_(settings_.hops.size()) {
  for (Bucket& bucket : buckets_) bucket.tokens = kBurst;
}

void Path::put(tcp::Time now, std::span<const std::byte> datagram) {
  const auto parsed = wire::parse_ip(datagram);
  if (!parsed || parsed->missing > 0) return;
  const wire::IpHeader& ip = parsed->header;
  Travel travel{.sent = now,
                .datagram = {datagram.begin(), datagram.end()},
                .header = datagram.size() - parsed->payload.size(),
                .v4 = is_v4(*parsed),
                .ttl = ip.ttl,
                .may_be_cut = is_v4(*parsed) && !ip.dont_fragment,
                .source = ip.source,
                .destination = ip.destination,
                .protocol = ip.protocol};
  for (size_t at = 0; at < settings_.hops.size(); ++at) {
    if (!passes(settings_.hops[at], at, travel)) return;
  }
  answer_of_target(travel);
}

// Whether the datagram leaves the router and arrives behind its link.
bool Path::passes(const Hop& hop, size_t at, Travel& travel) {
  --travel.ttl;
  if (travel.ttl == 0) {
    report(at, travel, travel.v4 ? wire::icmp4::kTimeExceeded : wire::icmp6::kTimeExceeded, 0, 0);
    return false;
  }
  write_ttl(travel.datagram, travel.header, travel.v4, travel.ttl);
  if (travel.datagram.size() > hop.mtu && !travel.may_be_cut) {
    const auto mtu = static_cast<uint32_t>(hop.mtu);
    if (hop.hides_mtu) return false;
    if (travel.v4) {
      report(at, travel, wire::icmp4::kUnreachable, wire::icmp4::kFragmentationNeeded, mtu);
    } else {
      report(at, travel, wire::icmp6::kPacketTooBig, 0, mtu);
    }
    return false;
  }
  if (hop.clamp_mss != 0 && travel.protocol == wire::kProtocolTcp) {
    const auto option = mss_option(travel.payload());
    if (!option.empty() && wire::get16(option.data()) > hop.clamp_mss) {
      wire::put16(option.data(), hop.clamp_mss);
      std::byte* sum = &travel.payload()[kSumOfTcp];
      wire::put16(sum, 0);
      wire::put16(sum, wire::checksum(wire::add_words(
                           travel.payload(),
                           wire::pseudo_header_sum(travel.source, travel.destination,
                                                   wire::kProtocolTcp, travel.payload().size()))));
    }
  }
  return !chance_(hop.loss);
}

bool Path::lost_on_the_way_back(size_t hops) {
  return std::ranges::any_of(std::span(settings_.hops).first(hops),
                             [this](const Hop& hop) { return chance_(hop.loss); });
}

bool Path::may_send(size_t hop, tcp::Time now) {
  const Hop& router = settings_.hops[hop];
  if (router.silent) return false;
  if (router.rate == 0) return true;
  Bucket& bucket = buckets_[hop];
  bucket.tokens = std::min(kBurst, bucket.tokens + seconds(now - bucket.filled) * router.rate);
  bucket.filled = now;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

void Path::report(size_t hop, const Travel& travel, uint8_t type, uint8_t code, uint32_t info) {
  const Hop& router = settings_.hops[hop];
  const IpAddress* from = address_of(router.addresses, travel.v4 ? Family::v4 : Family::v6);
  if (from == nullptr || !may_send(hop, travel.sent + router.away)) return;
  if (lost_on_the_way_back(hop)) return;
  arrive(travel.sent + 2 * router.away,
         icmp_report({.type = type,
                      .code = code,
                      .info = info,
                      .reporter = *from,
                      .ttl = static_cast<uint8_t>(64 - std::min<size_t>(hop, 63)),
                      .quote = router.quote,
                      .labels = router.labels},
                     travel.datagram));
}

void Path::answer_of_target(Travel& travel) {
  const IpAddress* own =
      address_of(settings_.target.addresses, travel.v4 ? Family::v4 : Family::v6);
  if (own == nullptr || *own != travel.destination) return;
  ++reached_;
  const auto parsed = wire::parse_ip(travel.datagram);
  if (!parsed) return;
  if (travel.protocol == wire::kProtocolTcp && is_syn(parsed->payload)) ++syns_;
  if (settings_.target.silent || lost_on_the_way_back(settings_.hops.size())) return;
  switch (travel.protocol) {
    case wire::kProtocolIcmp:
    case wire::kProtocolIcmp6: return echo(travel, *parsed);
    case wire::kProtocolTcp: return segment(travel, *parsed);
    case kProtocolUdp: return unreachable_port(travel);
    default: return;
  }
}

// Octets of the message come back as they are, but for type and checksum (RFC 792, RFC 4443 4.2).
void Path::echo(const Travel& travel, const wire::ParsedIp& parsed) {
  const auto message = parsed.payload;
  const uint8_t request = travel.v4 ? kEchoRequest4 : kEchoRequest6;
  if (!settings_.target.echoes || message.size() < kEchoHeader ||
      wire::get8(message.data()) != request) {
    return;
  }
  const wire::IpHeader ip{
      .source = travel.destination,
      .destination = travel.source,
      .protocol = travel.v4 ? wire::kProtocolIcmp : wire::kProtocolIcmp6,
      .ttl = static_cast<uint8_t>(64 - std::min<size_t>(settings_.hops.size(), 63))};
  std::vector<std::byte> reply(wire::header_size(ip) + message.size());
  const size_t start = wire::write_ip(ip, message.size(), reply);
  const auto body = std::span(reply).subspan(start);
  std::ranges::copy(message, body.begin());
  wire::put8(body.data(), travel.v4 ? kEchoReply4 : kEchoReply6);
  wire::put16(&body[2], 0);
  const uint64_t sum = travel.v4 ? 0
                                 : wire::pseudo_header_sum(ip.source, ip.destination,
                                                           wire::kProtocolIcmp6, body.size());
  wire::put16(&body[2], wire::checksum(wire::add_words(body, sum)));
  arrive(travel.sent + 2 * settings_.target.away, std::move(reply));
}

// SYN,ACK from an open port; RST for anything else but a RST (RFC 9293 3.5.2, group 1). Nothing is
// kept of a connection: whoever was let in is told at its next segment that there is none.
void Path::segment(const Travel& travel, const wire::ParsedIp& parsed) {
  const auto tcp = wire::parse_tcp(parsed.payload);
  if (!tcp || tcp->header.flags.rst) return;
  const wire::TcpHeader& asked = tcp->header;
  const bool open = is_syn(parsed.payload) &&
                    std::ranges::find(settings_.target.open_ports, asked.destination_port) !=
                        settings_.target.open_ports.end();
  wire::TcpHeader answer;
  answer.source_port = asked.destination_port;
  answer.destination_port = asked.source_port;
  if (asked.flags.ack) answer.seq = asked.ack;
  answer.flags.rst = !open;
  answer.flags.syn = open;
  if (open) {
    answer.window = 65535;
    answer.options.mss = 1460;
  }
  if (open || !asked.flags.ack) {
    answer.flags.ack = true;
    answer.ack = asked.seq + static_cast<uint32_t>(tcp->text.size()) +
                 ((asked.flags.syn || asked.flags.fin) ? 1U : 0U);
  }
  const tcp::Packet packet{
      .source = travel.destination,
      .destination = travel.source,
      .header = answer,
      .text = {},
      .ttl = static_cast<uint8_t>(64 - std::min<size_t>(settings_.hops.size(), 63)),
      .traffic_class = 0,
      .source_route = {}};
  std::vector<std::byte> out(wire::kIpv6HeaderSize + wire::kMaxTcpHeaderSize);
  out.resize(write_datagram(packet, 0, out));
  arrive(travel.sent + 2 * settings_.target.away, std::move(out));
}

void Path::unreachable_port(const Travel& travel) {
  arrive(travel.sent + 2 * settings_.target.away,
         icmp_report({.type = travel.v4 ? wire::icmp4::kUnreachable : wire::icmp6::kUnreachable,
                      .code = travel.v4 ? wire::icmp4::kPort : wire::icmp6::kPort,
                      .info = 0,
                      .reporter = travel.destination,
                      .ttl = static_cast<uint8_t>(64 - std::min<size_t>(settings_.hops.size(), 63)),
                      .quote = SIZE_MAX,
                      .labels = {}},
                     travel.datagram));
}

void Path::arrive(tcp::Time when, std::vector<std::byte> datagram) {
  if (!datagram.empty()) under_way_.emplace(when, std::move(datagram));
}

void Path::release(tcp::Time now, const std::function<void(std::span<const std::byte>)>& out) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    const auto datagram = under_way_.extract(under_way_.begin());
    out(datagram.mapped());
  }
}

std::optional<tcp::Time> Path::next() const {
  if (under_way_.empty()) return std::nullopt;
  return under_way_.begin()->first;
}

}  // namespace tcpdx::lab
