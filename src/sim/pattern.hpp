// The octets that simulated users send: each follows from its place in the stream, so that the
// receiver can tell whether every octet came once and in order.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace tcpdx::sim {

// A period of 251, a prime, fits no power of two that a buffer or a segment may have.
constexpr std::byte octet_at(uint64_t place) {
  return static_cast<std::byte>(place % 251 + place / 251 % 5);
}

inline void fill(std::span<std::byte> octets, uint64_t place) {
  for (std::byte& octet : octets) octet = octet_at(place++);
}

inline bool matches(std::span<const std::byte> octets, uint64_t place) {
  for (const std::byte octet : octets) {
    if (octet != octet_at(place++)) return false;
  }
  return true;
}

}  // namespace tcpdx::sim
