// Addresses and ports as a socket knows them.
#pragma once

#include <array>
#include <bit>
#include <compare>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace tcpdx {

enum class Family : uint8_t { v4, v6 };

// An IPv4 or IPv6 address, network byte order; IPv4 uses the first four bytes, the rest is zero.
struct IpAddress {
  std::array<uint8_t, 16> bytes{};
  Family family = Family::v4;

  // As two words: this is asked several times for each segment that arrives.
  using Words = std::array<uint64_t, 2>;
  bool operator==(const IpAddress& other) const {
    const Words mine = std::bit_cast<Words>(bytes);
    const Words others = std::bit_cast<Words>(other.bytes);
    return mine[0] == others[0] && mine[1] == others[1] && family == other.family;
  }
  auto operator<=>(const IpAddress&) const = default;

  bool is_any() const {  // 0.0.0.0 or ::
    const Words words = std::bit_cast<Words>(bytes);
    return (words[0] | words[1]) == 0;
  }
  bool is_loopback() const;  // 127/8, ::1, and 127/8 mapped into IPv6
  bool is_v4_mapped() const;
  // ::ffff:a.b.c.d as a.b.c.d; every other address as it is.
  IpAddress unmapped() const;
  // The address with all but its first `bits` cleared; /24 and /64 are what networks hand out.
  IpAddress prefix(unsigned bits) const;
};

// RFC 5952 text.
std::string to_string(const IpAddress& address);
std::optional<IpAddress> parse_address(std::string_view text);
IpAddress ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d);

// One end of a connection.
struct SocketAddress {
  IpAddress addr;
  uint16_t port = 0;

  auto operator<=>(const SocketAddress&) const = default;
};

// "192.0.2.1:80", "[2001:db8::1]:80"; a port 0 is "*".
std::string to_string(const SocketAddress& endpoint);

// The same text written into `into`; returns its length. For tables of hundreds of thousands.
inline constexpr size_t kLongestEndpoint = 54;  // "[", an IPv6 address of 45, "]:", a port of 5
size_t write_text(const SocketAddress& endpoint, std::span<char, kLongestEndpoint> into);

struct SocketAddressHash {
  size_t operator()(const SocketAddress& endpoint) const;
};

}  // namespace tcpdx
