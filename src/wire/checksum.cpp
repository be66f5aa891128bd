#include "wire/checksum.hpp"

#include <bit>
#include <cstring>

#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

// Two 32-bit halves cannot overflow 64 bits before 2^31 words have been added.
uint64_t add_halves(uint64_t sum, uint64_t word) {
  return sum + (word & 0xFFFFFFFFU) + (word >> 32);
}

template <class Word>
Word load(const std::byte* at) {
  Word word{};
  std::memcpy(&word, at, sizeof word);
  return word;
}

}  // namespace

uint64_t add_words(std::span<const std::byte> bytes, uint64_t sum) {
  const std::byte* at = bytes.data();
  size_t left = bytes.size();
  uint64_t other = 0;  // two sums, so that one addition need not wait for the other
  for (; left >= 16; at += 16, left -= 16) {
    sum = add_halves(sum, load<uint64_t>(at));
    other = add_halves(other, load<uint64_t>(at + 8));
  }
  if (left >= 8) {
    sum = add_halves(sum, load<uint64_t>(at));
    at += 8;
    left -= 8;
  }
  // Piece by piece and in registers: bytes put together in memory and read back as one word would
  // have to wait for each other.
  sum += other;
  if ((left & 4) != 0) {
    sum += load<uint32_t>(at);
    at += 4;
  }
  if ((left & 2) != 0) {
    sum += load<uint16_t>(at);
    at += 2;
  }
  if ((left & 1) != 0) {
    const auto last = std::to_integer<uint16_t>(*at);
    sum += std::endian::native == std::endian::little ? last : static_cast<uint16_t>(last << 8U);
  }
  return sum;
}

uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                           size_t size) {
  const size_t width = address_size(source.family);
  uint64_t sum = add_words(std::as_bytes(std::span(source.bytes)).first(width));
  sum = add_words(std::as_bytes(std::span(destination.bytes)).first(width), sum);
  // IPv4 has 16 bits for the length and IPv6 32: the words that IPv4 lacks are zero here.
  return sum + big_endian(static_cast<uint32_t>(size)) + big_endian(uint32_t{protocol});
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
