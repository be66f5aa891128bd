// Any bytes as a datagram that holds an ICMP error, and as a datagram that one is written about.
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>

#include "wire/icmp.hpp"
#include "wire/octets.hpp"

namespace {

using tcpdx::wire::ParsedIp;

void check(bool holds) {
  if (!holds) std::abort();
}

void check_error_about(const ParsedIp& offending, std::span<const std::byte> datagram) {
  const auto& about = offending.header;
  const bool v4 = about.source.family == tcpdx::Family::v4;
  const tcpdx::wire::IcmpCause cause =
      v4 ? tcpdx::wire::IcmpCause{tcpdx::wire::icmp4::kUnreachable,
                                  tcpdx::wire::icmp4::kFragmentationNeeded, 1400}
         : tcpdx::wire::IcmpCause{tcpdx::wire::icmp6::kPacketTooBig, 0, 1400};
  std::array<std::byte, tcpdx::wire::kMaxIcmpErrorSize> out;
  const size_t size = write_icmp_error(cause, about.destination, datagram, out);
  const auto written = tcpdx::wire::parse_ip(std::span(out).first(size));
  if (!written) std::abort();
  check(written->checksum_ok && written->missing == 0 && icmp_checksum_ok(*written));
  check(written->header.destination == about.source);
  const auto error = parse_icmp_error(*written);
  const bool segment = about.protocol == tcpdx::wire::kProtocolTcp && about.fragment_offset == 0 &&
                       offending.payload.size() >= 8;
  // Extension headers of IPv6 may fill the quotation.
  check(error ? segment : !(segment && v4));
  if (!error) return;
  const std::byte* ports = offending.payload.data();
  check(error->cause == cause && error->reporter == about.destination);
  check(error->source_port == tcpdx::wire::get16(ports));
  check(error->destination_port == tcpdx::wire::get16(ports + 2));
  check(error->seq.raw == tcpdx::wire::get32(ports + 4));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto datagram = std::as_bytes(std::span(data, size));
  const auto parsed = tcpdx::wire::parse_ip(datagram);
  if (!parsed) return 0;
  icmp_checksum_ok(*parsed);
  const auto error = parse_icmp_error(*parsed);
  if (error) check(error->quoted.source.family == error->reporter.family);
  check_error_about(*parsed, datagram);
  return 0;
}
