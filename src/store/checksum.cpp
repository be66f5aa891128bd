// CRC-64/XZ, one byte at a time: a snapshot is a few megabytes, read once.
#include "store/checksum.hpp"

#include <array>
#include <cstddef>

namespace tcpdx::store {
namespace {

constexpr uint64_t kPolynomial = 0xC96C5795D7870F42;  // ECMA-182, bits reversed

constexpr std::array<uint64_t, 256> make_table() {
  std::array<uint64_t, 256> table{};
  for (size_t byte = 0; byte < table.size(); ++byte) {
    uint64_t rest = byte;
    for (int bit = 0; bit < 8; ++bit) rest = (rest >> 1) ^ ((rest & 1) != 0 ? kPolynomial : 0);
    table[byte] = rest;
  }
  return table;
}

constexpr std::array<uint64_t, 256> kTable = make_table();

}  // namespace

uint64_t crc64(std::span<const char> bytes) {
  uint64_t crc = ~uint64_t{0};
  for (const char byte : bytes) {
    crc = kTable[(crc ^ static_cast<unsigned char>(byte)) & 0xFF] ^ (crc >> 8);
  }
  return ~crc;
}

}  // namespace tcpdx::store
