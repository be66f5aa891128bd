// The address of an interface on an Ethernet link (IEEE 802 EUI-48).
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>

namespace tcpdx {

struct MacAddress {
  std::array<uint8_t, 6> bytes{};

  auto operator<=>(const MacAddress&) const = default;
};

std::string to_string(const MacAddress& address);  // "02:00:5e:10:00:01"

}  // namespace tcpdx
