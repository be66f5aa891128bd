#include "wire/checksum.hpp"

#include <array>
#include <cstring>

#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

// Two 32-bit halves cannot overflow 64 bits before 2^31 words have been added.
uint64_t add_halves(uint64_t sum, uint64_t word) {
  return sum + (word & 0xFFFFFFFFU) + (word >> 32);
}

uint64_t load64(const std::byte* at) {
  uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

uint64_t add_words(std::span<const std::byte> bytes, uint64_t sum) {
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  uint64_t other = 0;  // two sums, so that one addition need not wait for the other
  for (; left >= 16; at += 16, left -= 16) {
    sum = add_halves(sum, load64(at));
    other = add_halves(other, load64(at + 8));
  }
  if (left >= 8) {
    sum = add_halves(sum, load64(at));
    at += 8;
    left -= 8;
  }
  uint64_t rest = 0;
  if (left > 0) std::memcpy(&rest, at, left);
  return add_halves(sum + other, rest);
}

uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                           size_t size) {
  const size_t width = address_size(source.family);
  uint64_t sum = add_words(std::as_bytes(std::span(source.bytes)).first(width));
  sum = add_words(std::as_bytes(std::span(destination.bytes)).first(width), sum);
  // IPv4 has 16 bits for the length and IPv6 32: the words that IPv4 lacks are zero here.
  std::array<std::byte, 8> tail{};
  put32(tail.data(), static_cast<uint32_t>(size));
  tail[7] = std::byte{protocol};
  return add_words(tail, sum);
}

uint16_t checksum(uint64_t sum) {
  sum = (sum & 0xFFFFFFFFU) + (sum >> 32);
  sum = (sum & 0xFFFFU) + ((sum >> 16) & 0xFFFFU) + (sum >> 32);
  sum = (sum & 0xFFFFU) + (sum >> 16);
  sum = (sum & 0xFFFFU) + (sum >> 16);
  const auto folded = static_cast<uint16_t>(~sum);
  return big_endian(folded);
}

}  // namespace tcpdx::wire
