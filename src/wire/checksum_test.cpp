#include "wire/checksum.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

#include "wire/octets.hpp"

namespace tcpdx::wire {
namespace {

template <class... Octets>
std::vector<std::byte> octets(Octets... values) {
  return {static_cast<std::byte>(values)...};
}

uint16_t of(std::span<const std::byte> bytes) { return checksum(add_words(bytes)); }

// The definition, a word at a time: what the wide sum must agree with.
uint16_t by_definition(std::span<const std::byte> bytes) {
  uint32_t sum = 0;
  for (size_t i = 0; i < bytes.size(); ++i) {
    const auto octet = std::to_integer<uint32_t>(bytes[i]);
    sum += i % 2 == 0 ? octet << 8 : octet;
    if (sum > 0xFFFF) sum -= 0xFFFF;
  }
  return static_cast<uint16_t>(~sum);
}

TEST(Checksum, IsThatOfTheNumericalExample) {
  // RFC 1071 section 3: 00 01 f2 03 f4 f5 f6 f7 add up to ddf2.
  const auto example = octets(0x00, 0x01, 0xF2, 0x03, 0xF4, 0xF5, 0xF6, 0xF7);
  EXPECT_EQ(of(example), 0xFFFF - 0xDDF2);
}

TEST(Checksum, PadsAnOddOctetWithZero) {
  EXPECT_EQ(of(octets(0x12, 0x34, 0x56)), 0xFFFF - (0x1234 + 0x5600));
  EXPECT_EQ(of(octets(0x80)), 0xFFFF - 0x8000);
  EXPECT_EQ(of({}), 0xFFFF);
}

TEST(Checksum, AgreesWithTheDefinitionAtEverySizeAndPlace) {
  std::vector<std::byte> bytes(200);
  uint32_t state = 1;
  for (auto& octet : bytes) {  // any numbers; those of Numerical Recipes' generator
    state = state * 1664525U + 1013904223U;
    octet = static_cast<std::byte>(state >> 24);
  }
  for (size_t start = 0; start < 9; ++start) {
    for (size_t size = 0; start + size <= bytes.size(); ++size) {
      const auto piece = std::span(bytes).subspan(start, size);
      ASSERT_EQ(of(piece), by_definition(piece)) << start << '+' << size;
    }
  }
}

TEST(Checksum, CarriesAcrossTheLargestDatagram) {
  const std::vector<std::byte> ones(65535, std::byte{0xFF});
  EXPECT_EQ(of(ones), by_definition(ones));
  EXPECT_EQ(of(std::span(ones).first(65534)), 0);
}

TEST(Checksum, SumsPiecesAsOne) {
  const auto first = octets(0xDE, 0xAD, 0xBE, 0xEF, 0x00, 0x01);
  const auto second = octets(0xFF, 0xFE, 0x77);
  auto both = first;
  both.insert(both.end(), second.begin(), second.end());
  EXPECT_EQ(checksum(add_words(second, add_words(first))), of(both));
}

TEST(PseudoHeader, HasTheLayoutOfRfc9293) {
  // 3.1: source, destination, zero, protocol, TCP length.
  const auto layout = octets(192, 0, 2, 1, 198, 51, 100, 7, 0, 6, 0x01, 0x23);
  const uint64_t sum = pseudo_header_sum(ipv4(192, 0, 2, 1), ipv4(198, 51, 100, 7), 6, 0x123);
  EXPECT_EQ(checksum(sum), of(layout));
}

TEST(PseudoHeader, HasTheLayoutOfRfc8200) {
  // 8.1: source, destination, 32 bits of length, three octets of zero, next header.
  std::vector<std::byte> layout(40);
  put16(layout.data(), 0x2001);
  layout[15] = std::byte{1};
  put16(layout.data() + 16, 0x2001);
  layout[31] = std::byte{2};
  put32(layout.data() + 32, 0x12345);
  layout[39] = std::byte{58};
  const uint64_t sum =
      pseudo_header_sum(*parse_address("2001::1"), *parse_address("2001::2"), 58, 0x12345);
  EXPECT_EQ(checksum(sum), of(layout));
}

}  // namespace
}  // namespace tcpdx::wire
