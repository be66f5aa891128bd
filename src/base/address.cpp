// Addresses as text (RFC 5952 by inet_ntop(3)) and the classes that matter here.
#include "base/address.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <span>

#include "base/mix.hpp"

namespace tcpdx {
namespace {

// ::ffff:0:0/96, RFC 4291 2.5.5.2.
constexpr std::array<uint8_t, 12> kMapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

// These write at `into`, where there is room, and return the end of what they wrote.
char* write(unsigned number, char* into) {
  const fmt::format_int digits(number);
  return std::copy_n(digits.data(), digits.size(), into);
}

char* write(const IpAddress& address, char* into) {
  if (address.family == Family::v6) {
    ::inet_ntop(AF_INET6, address.bytes.data(), into, INET6_ADDRSTRLEN);
    return into + std::strlen(into);
  }
  for (size_t i = 0; i < 4; ++i) {  // inet_ntop would go through printf, ten times slower
    if (i > 0) *into++ = '.';
    into = write(address.bytes[i], into);
  }
  return into;
}

}  // namespace

bool IpAddress::is_loopback() const {
  const IpAddress plain = unmapped();
  if (plain.family == Family::v4) return plain.bytes[0] == 127;
  std::array<uint8_t, 16> one{};
  one[15] = 1;
  return bytes == one;
}

bool IpAddress::is_v4_mapped() const {
  return family == Family::v6 && std::ranges::equal(kMapped, std::span(bytes).first<12>());
}

IpAddress IpAddress::unmapped() const {
  return is_v4_mapped() ? ipv4(bytes[12], bytes[13], bytes[14], bytes[15]) : *this;
}

IpAddress IpAddress::prefix(unsigned bits) const {
  IpAddress cut = *this;
  for (unsigned i = 0; i < cut.bytes.size(); ++i) {
    const unsigned kept = std::clamp(bits, 8 * i, 8 * i + 8) - 8 * i;
    cut.bytes[i] = static_cast<uint8_t>(cut.bytes[i] & (0xFF00U >> kept));
  }
  return cut;
}

std::string to_string(const IpAddress& address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  return {text.data(), static_cast<size_t>(write(address, text.data()) - text.data())};
}

std::optional<IpAddress> parse_address(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN> copy{};
  if (text.size() >= copy.size() || text.contains('\0')) return std::nullopt;
  std::ranges::copy(text, copy.begin());
  IpAddress address;
  address.family = text.contains(':') ? Family::v6 : Family::v4;
  const int family = address.family == Family::v4 ? AF_INET : AF_INET6;
  if (::inet_pton(family, copy.data(), address.bytes.data()) != 1) return std::nullopt;
  return address;
}

IpAddress ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d) { return {{a, b, c, d}, Family::v4}; }

std::string to_string(const SocketAddress& endpoint) {
  std::array<char, kLongestEndpoint> text;
  return {text.data(), write_text(endpoint, text)};
}

size_t write_text(const SocketAddress& endpoint, std::span<char, kLongestEndpoint> into) {
  const bool brackets = endpoint.addr.family == Family::v6;
  char* end = into.data();
  if (brackets) *end++ = '[';
  end = write(endpoint.addr, end);
  if (brackets) *end++ = ']';
  *end++ = ':';
  if (endpoint.port == 0) {
    *end++ = '*';
  } else {
    end = write(endpoint.port, end);
  }
  return static_cast<size_t>(end - into.data());
}

size_t SocketAddressHash::operator()(const SocketAddress& endpoint) const {
  uint64_t high = 0;
  uint64_t low = 0;
  std::memcpy(&high, endpoint.addr.bytes.data(), 8);
  std::memcpy(&low, endpoint.addr.bytes.data() + 8, 8);
  // The golden ratio, and a constant of SplitMix64.
  const uint64_t address = mixed(high ^ 0x9E3779B97F4A7C15U, low ^ 0xBF58476D1CE4E5B9U);
  return mixed(address ^ endpoint.port, 0x9E3779B97F4A7C15U);
}

}  // namespace tcpdx
