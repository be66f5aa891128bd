// ICMP errors as routers of all kinds write them: with short quotations, and with the extensions
// that tell of labels (RFC 4884, RFC 4950).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/address.hpp"

namespace tcpdx::lab {

struct IcmpReport {
  uint8_t type = 0;
  uint8_t code = 0;
  uint32_t info = 0;  // the next-hop MTU of "too big"
  IpAddress reporter;
  uint8_t ttl = 64;
  size_t quote = SIZE_MAX;                // octets behind the quoted IP header, at most
  std::span<const uint32_t> labels = {};  // MPLS label values, the outermost first
};

// The whole datagram, to the sender of `offending`, of whose family the reporter is. Empty where
// `offending` is no IP datagram.
std::vector<std::byte> icmp_report(const IcmpReport& report, std::span<const std::byte> offending);

}  // namespace tcpdx::lab
