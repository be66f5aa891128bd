#include "lab/link.hpp"

#include <algorithm>
#include <utility>

#include "lab/datagram.hpp"
#include "lab/fragments.hpp"
#include "lab/icmp_report.hpp"
#include "wire/icmp.hpp"
#include "wire/ip.hpp"

namespace tcpdx::lab {
namespace {

constexpr int kAtOnce = 64;
constexpr uint8_t kMulticast4 = 0xe0;  // 224.0.0.0/4 (RFC 1112 4)
constexpr uint8_t kMulticastMask4 = 0xf0;
constexpr uint8_t kMulticast6 = 0xff;  // ff00::/8 (RFC 4291 2.7)

bool is_multicast(const IpAddress& address) {
  return address.family == Family::v4 ? (address.bytes[0] & kMulticastMask4) == kMulticast4
                                      : address.bytes[0] == kMulticast6;
}

}  // namespace

Link::Link(End first, End second)
    : ends_{Side{std::move(first.tun), std::move(first.addresses), Line(first.sends)},
            Side{std::move(second.tun), std::move(second.addresses), Line(second.sends)}},
      buffer_(kMaxDatagramSize) {}

void Link::tell_mtu(size_t end, std::span<const std::byte> datagram) {
  const auto parsed = wire::parse_ip(datagram);
  if (!parsed || parsed->header.fragment_offset > 0) return;  // RFC 1812 4.3.2.7
  const Family family = parsed->header.source.family;
  const auto& far = ends_.at(1 - end).addresses;
  const auto reporter = std::ranges::find(far, family, &IpAddress::family);
  if (reporter == far.end()) return;
  const bool v4 = family == Family::v4;
  ends_.at(end).tun.write(
      icmp_report({.type = v4 ? wire::icmp4::kUnreachable : wire::icmp6::kPacketTooBig,
                   .code = v4 ? wire::icmp4::kFragmentationNeeded : uint8_t{0},
                   .info = static_cast<uint32_t>(ends_.at(end).line.impairment().mtu),
                   .reporter = *reporter,
                   .labels = {}},
                  datagram));
}

void Link::pass(size_t end, tcp::Time now, std::span<const std::byte> datagram) {
  const auto parsed = wire::parse_ip(datagram);
  if (!parsed || is_multicast(parsed->header.destination)) return;
  Line& line = ends_.at(end).line;
  const auto put = [&](std::span<const std::byte> piece) { line.put(now, piece); };
  if (fragment(datagram, line.impairment().mtu, put)) return;
  line.put(now, datagram);  // which counts it as too large
  if (line.impairment().tells_mtu) tell_mtu(end, datagram);
}

bool Link::read(size_t end, tcp::Time now) {
  for (int count = 0; count < kAtOnce; ++count) {
    const auto datagram = ends_.at(end).tun.read(buffer_);
    if (datagram.empty()) return count > 0;
    pass(end, now, datagram);
  }
  return true;
}

bool Link::turn(tcp::Time now) {
  bool any = false;
  for (const size_t end : {size_t{0}, size_t{1}}) {
    any = read(end, now) || any;
    ends_.at(end).line.release(now, [&](std::span<const std::byte> datagram) {
      ends_.at(1 - end).tun.write(datagram);
      any = true;
    });
  }
  return any;
}

std::optional<tcp::Time> Link::next() const {
  std::optional<tcp::Time> next;
  for (const Side& side : ends_) {
    const auto one = side.line.next();
    if (one) next = std::min(next.value_or(*one), *one);
  }
  return next;
}

void Link::add_polls(std::vector<pollfd>& into) const {
  for (const Side& side : ends_) {
    into.push_back({.fd = side.tun.fd(), .events = POLLIN, .revents = 0});
  }
}

}  // namespace tcpdx::lab
