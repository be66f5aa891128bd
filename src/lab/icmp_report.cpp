#include "lab/icmp_report.hpp"

#include <algorithm>

#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/octets.hpp"

namespace tcpdx::lab {
namespace {

constexpr size_t kIcmpHeader = 8;
constexpr size_t kMostIpv4 = 576;     // RFC 1812 4.3.2.3
constexpr size_t kMostIpv6 = 1280;    // RFC 4443 2.4 (c)
constexpr size_t kPaddedQuote = 128;  // RFC 4884 4.1: at least, where extensions follow
constexpr size_t kExtensionHeader = 4;
constexpr size_t kObjectHeader = 4;
constexpr size_t kLabelSize = 4;
constexpr uint8_t kExtensionVersion = 2 << 4U;

// RFC 4884 7 and 8, RFC 4950 3.
std::vector<std::byte> extensions(std::span<const uint32_t> labels) {
  if (labels.empty()) return {};
  const size_t object = kObjectHeader + labels.size() * kLabelSize;
  std::vector<std::byte> bytes(kExtensionHeader + object);
  wire::put8(bytes.data(), kExtensionVersion);
  wire::put16(&bytes[4], static_cast<uint16_t>(object));
  wire::put8(&bytes[6], 1);  // class: MPLS label stack
  wire::put8(&bytes[7], 1);  // incoming stack
  for (size_t i = 0; i < labels.size(); ++i) {
    const uint32_t bottom = i + 1 == labels.size() ? 1U << 8U : 0U;
    wire::put32(&bytes[8 + i * kLabelSize], labels[i] << 12U | bottom | 1U);  // TTL 1
  }
  wire::put16(&bytes[2], wire::checksum(wire::add_words(bytes)));
  return bytes;
}

}  // namespace

std::vector<std::byte> icmp_report(const IcmpReport& report, std::span<const std::byte> offending) {
  const auto parsed = wire::parse_ip(offending);
  if (!parsed) return {};
  const bool v4 = report.reporter.family == Family::v4;
  const std::vector<std::byte> extension = extensions(report.labels);
  const size_t quoted_header = offending.size() - parsed->payload.size();
  const size_t room = (v4 ? kMostIpv4 - wire::kIpv4HeaderSize : kMostIpv6 - wire::kIpv6HeaderSize) -
                      kIcmpHeader - extension.size();
  const size_t wanted =
      report.quote > parsed->payload.size() ? offending.size() : quoted_header + report.quote;
  size_t quote = std::min(room, wanted);
  if (!extension.empty()) quote = kPaddedQuote;

  const wire::IpHeader ip{.source = report.reporter,
                          .destination = parsed->header.source,
                          .protocol = v4 ? wire::kProtocolIcmp : wire::kProtocolIcmp6,
                          .ttl = report.ttl};
  const size_t size = kIcmpHeader + quote + extension.size();
  std::vector<std::byte> datagram(wire::header_size(ip) + size);
  const size_t start = wire::write_ip(ip, size, datagram);
  const auto message = std::span(datagram).subspan(start);
  wire::put8(message.data(), report.type);
  wire::put8(&message[1], report.code);
  wire::put32(&message[4], report.info);
  if (!extension.empty()) {  // RFC 4884 4.1, 4.2: its length in words of 32 and of 64 bits
    wire::put8(&message[v4 ? 5 : 4], static_cast<uint8_t>(kPaddedQuote / (v4 ? 4 : 8)));
  }
  std::ranges::copy(offending.first(std::min({wanted, quote, offending.size()})),
                    message.subspan(kIcmpHeader).begin());
  std::ranges::copy(extension, message.subspan(kIcmpHeader + quote).begin());
  const uint64_t sum =
      v4 ? 0
         : wire::pseudo_header_sum(ip.source, ip.destination, wire::kProtocolIcmp6, message.size());
  wire::put16(&message[2], wire::checksum(wire::add_words(message, sum)));
  return datagram;
}

}  // namespace tcpdx::lab
