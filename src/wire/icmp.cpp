#include "wire/icmp.hpp"

#include <algorithm>

#include "wire/checksum.hpp"

namespace tcpdx::wire {
namespace {

constexpr size_t kIcmpHeaderSize = 8;  // type, code, checksum and four octets by type
constexpr size_t kQuotedTcpSize = 8;
constexpr size_t kMaxIcmp4ErrorSize = 576;
// RFC 1812 4.3.2.5: routers send errors with precedence 6.
constexpr uint8_t kInternetworkControl = 0xC0;

bool is_icmp(const IpHeader& header) {
  return header.protocol == (header.source.family == Family::v4 ? kProtocolIcmp : kProtocolIcmp6);
}

bool is_error(Family family, uint8_t type) {
  if (family == Family::v6) return type >= icmp6::kUnreachable && type <= icmp6::kParameterProblem;
  return type == icmp4::kUnreachable || type == icmp4::kSourceQuench ||
         type == icmp4::kTimeExceeded || type == icmp4::kParameterProblem;
}

bool tells_mtu(Family family, const IcmpCause& cause) {
  if (family == Family::v6) return cause.type == icmp6::kPacketTooBig;
  return cause.type == icmp4::kUnreachable && cause.code == icmp4::kFragmentationNeeded;
}

IcmpCause get_cause(Family family, const std::byte* at) {
  IcmpCause cause{get8(at), get8(at + 1)};
  if (!tells_mtu(family, cause)) return cause;
  // RFC 1191 4: the lower half of a word that was unused; RFC 4443 3.2: all of it.
  const uint32_t mtu = family == Family::v4 ? get16(at + 6) : get32(at + 4);
  if (mtu != 0) cause.mtu = mtu;
  return cause;
}

uint64_t sum_before(const IpHeader& header, size_t size) {
  if (header.source.family == Family::v4) return 0;
  return pseudo_header_sum(header.source, header.destination, kProtocolIcmp6, size);
}

}  // namespace

std::optional<IcmpError> parse_icmp_error(const ParsedIp& datagram) {
  const Family family = datagram.header.source.family;
  const auto message = datagram.payload;
  if (!is_icmp(datagram.header) || datagram.header.is_fragment()) return std::nullopt;
  if (message.size() < kIcmpHeaderSize || !is_error(family, get8(message.data()))) {
    return std::nullopt;
  }
  const auto quoted = parse_ip(message.subspan(kIcmpHeaderSize));
  if (!quoted || quoted->header.source.family != family) return std::nullopt;
  if (quoted->header.protocol != kProtocolTcp || quoted->header.fragment_offset > 0) {
    return std::nullopt;
  }
  if (quoted->payload.size() < kQuotedTcpSize) return std::nullopt;
  const std::byte* segment = quoted->payload.data();
  return IcmpError{.cause = get_cause(family, message.data()),
                   .reporter = datagram.header.source,
                   .quoted = quoted->header,
                   .source_port = get16(segment),
                   .destination_port = get16(segment + 2),
                   .seq = {get32(segment + 4)}};
}

bool icmp_checksum_ok(const ParsedIp& datagram) {
  const auto message = datagram.payload;
  return checksum(add_words(message, sum_before(datagram.header, message.size()))) == 0;
}

size_t write_icmp_error(const IcmpCause& cause, const IpAddress& reporter,
                        std::span<const std::byte> offending, std::span<std::byte> out) {
  const auto parsed = parse_ip(offending);
  const Family family = reporter.family;
  if (!parsed || parsed->header.source.family != family) return 0;
  const bool v4 = family == Family::v4;
  const IpHeader header{.source = reporter,
                        .destination = parsed->header.source,
                        .protocol = v4 ? kProtocolIcmp : kProtocolIcmp6,
                        .traffic_class = v4 ? kInternetworkControl : uint8_t{0}};
  const size_t before = header_size(header) + kIcmpHeaderSize;
  const size_t room = (v4 ? kMaxIcmp4ErrorSize : kMaxIcmpErrorSize) - before;
  const auto quoted = offending.first(std::min(offending.size(), room));
  const size_t size = kIcmpHeaderSize + quoted.size();
  const size_t start = write_ip(header, size, out);
  const auto message = out.subspan(start, size);
  std::byte* at = message.data();
  put8(at, cause.type);
  put8(at + 1, cause.code);
  put16(at + 2, 0);
  put32(at + 4, tells_mtu(family, cause) ? cause.mtu.value_or(0) : 0);
  std::ranges::copy(quoted, at + kIcmpHeaderSize);
  put16(at + 2, checksum(add_words(message, sum_before(header, size))));
  return start + size;
}

}  // namespace tcpdx::wire
