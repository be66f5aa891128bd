// Numbers in network byte order, read from and written to any place in a packet.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "base/address.hpp"

namespace tcpdx::wire {

// From the machine's order to the network's, and back.
template <class Number>
constexpr Number big_endian(Number number) {
  if constexpr (std::endian::native == std::endian::little) return std::byteswap(number);
  return number;
}

template <class Number>
Number get(const std::byte* at) {
  Number number{};
  std::memcpy(&number, at, sizeof number);
  return big_endian(number);
}

inline uint8_t get8(const std::byte* at) { return std::to_integer<uint8_t>(*at); }
inline uint16_t get16(const std::byte* at) { return get<uint16_t>(at); }
inline uint32_t get32(const std::byte* at) { return get<uint32_t>(at); }

template <class Number>
void put(std::byte* at, Number number) {
  number = big_endian(number);
  std::memcpy(at, &number, sizeof number);
}

inline void put8(std::byte* at, uint8_t number) { *at = std::byte{number}; }
inline void put16(std::byte* at, uint16_t number) { put(at, number); }
inline void put32(std::byte* at, uint32_t number) { put(at, number); }

constexpr size_t address_size(Family family) { return family == Family::v4 ? 4 : 16; }

inline IpAddress get_address(const std::byte* at, Family family) {
  // Whole words: an address put together from pieces is slow to read right after.
  std::array<uint64_t, 2> words{};
  if (family == Family::v4) {
    uint32_t first = 0;
    std::memcpy(&first, at, sizeof first);
    words[0] = std::endian::native == std::endian::little ? first : uint64_t{first} << 32U;
  } else {
    std::memcpy(words.data(), at, sizeof words);
  }
  return {std::bit_cast<std::array<uint8_t, 16>>(words), family};
}

inline void put_address(std::byte* at, const IpAddress& address) {
  std::memcpy(at, address.bytes.data(), address_size(address.family));
}

// IANA's protocol numbers.
inline constexpr uint8_t kProtocolIcmp = 1;
inline constexpr uint8_t kProtocolTcp = 6;
inline constexpr uint8_t kProtocolIcmp6 = 58;

}  // namespace tcpdx::wire
