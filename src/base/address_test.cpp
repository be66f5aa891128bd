// Address text against RFC 5952 and RFC 4291, address classes, prefixes.
#include "base/address.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string_view>
#include <utility>
#include <vector>

namespace tcpdx {
namespace {

IpAddress address(std::string_view text) {
  const auto read = parse_address(text);
  EXPECT_TRUE(read.has_value()) << text;
  return read.value_or(IpAddress{});
}

TEST(Address, IsWrittenAsRfc5952Says) {
  const std::vector<std::pair<std::string_view, std::string_view>> cases{
      {"192.0.2.1", "192.0.2.1"},
      {"2001:0db8::0001", "2001:db8::1"},               // 4.1 leading zeros
      {"2001:db8:0:0:0:0:2:1", "2001:db8::2:1"},        // 4.2.1 as short as possible
      {"2001:db8::1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},  // 4.2.2 not for one group
      {"2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"},    // 4.2.3 the first of equals
      {"2001:DB8::ABCD", "2001:db8::abcd"},             // 4.3 lower case
      {"::ffff:c000:0201", "::ffff:192.0.2.1"},         // 5 known prefix
      {"::", "::"},
      {"::1", "::1"},
  };
  for (const auto& [text, wanted] : cases) EXPECT_EQ(to_string(address(text)), wanted);
}

TEST(Address, RefusesWhatIsNone) {
  using namespace std::string_view_literals;
  for (const std::string_view bad :
       {""sv, "1.2.3"sv, "1.2.3.4.5"sv, "256.1.1.1"sv, "1.2.3.4 "sv, ":"sv, ":::"sv, "1::2::3"sv,
        "[::1]"sv, "::1%lo"sv, "::1/64"sv, "1.2.3.4\0"sv, "fe80::1::"sv,
        "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa"sv}) {
    EXPECT_EQ(parse_address(bad), std::nullopt) << bad;
  }
}

TEST(Address, KnowsItsClass) {
  EXPECT_TRUE(address("0.0.0.0").is_any());
  EXPECT_TRUE(address("::").is_any());
  EXPECT_FALSE(address("::1").is_any());
  for (const std::string_view text : {"127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_TRUE(address(text).is_loopback()) << text;
  }
  for (const std::string_view text : {"128.0.0.1", "::2", "::", "::127.0.0.1", "7f00::"}) {
    EXPECT_FALSE(address(text).is_loopback()) << text;
  }
  EXPECT_TRUE(address("::ffff:10.0.0.1").is_v4_mapped());
  EXPECT_FALSE(address("::10.0.0.1").is_v4_mapped());
  EXPECT_FALSE(address("10.0.0.1").is_v4_mapped());
  EXPECT_EQ(address("::ffff:10.0.0.1").unmapped(), ipv4(10, 0, 0, 1));
  EXPECT_EQ(address("2001:db8::1").unmapped(), address("2001:db8::1"));
}

TEST(Address, CutsToAPrefix) {
  EXPECT_EQ(ipv4(192, 0, 2, 255).prefix(24), ipv4(192, 0, 2, 0));
  EXPECT_EQ(ipv4(192, 0, 2, 255).prefix(25), ipv4(192, 0, 2, 128));
  EXPECT_EQ(ipv4(192, 0, 2, 255).prefix(0), ipv4(0, 0, 0, 0));
  EXPECT_EQ(ipv4(192, 0, 2, 255).prefix(32), ipv4(192, 0, 2, 255));
  EXPECT_EQ(address("2001:db8:1:2:3::4").prefix(64), address("2001:db8:1:2::"));
  EXPECT_EQ(address("2001:db8:1:2:3::4").prefix(128), address("2001:db8:1:2:3::4"));
}

TEST(SocketAddress, IsWrittenWithItsPort) {
  EXPECT_EQ(to_string(SocketAddress{ipv4(192, 0, 2, 1), 80}), "192.0.2.1:80");
  EXPECT_EQ(to_string(SocketAddress{address("2001:db8::1"), 65535}), "[2001:db8::1]:65535");
  EXPECT_EQ(to_string(SocketAddress{ipv4(0, 0, 0, 0), 0}), "0.0.0.0:*");
}

TEST(SocketAddress, HashesSpread) {
  std::set<size_t> buckets;
  for (unsigned port = 1; port <= 4096; ++port) {
    const SocketAddress endpoint{ipv4(10, 0, 0, 1), static_cast<uint16_t>(port)};
    buckets.insert(SocketAddressHash{}(endpoint) % 4096);
  }
  EXPECT_GT(buckets.size(), 2200U);  // 4096 random throws fill about 63 % = 2589
}

TEST(SocketAddress, HashesOfNeighboursInIpv6Spread) {
  std::set<size_t> buckets;
  IpAddress neighbour = address("2001:db8::");
  for (unsigned host = 0; host < 4096; ++host) {
    neighbour.bytes[14] = static_cast<uint8_t>(host / 256);
    neighbour.bytes[15] = static_cast<uint8_t>(host % 256);
    buckets.insert(SocketAddressHash{}({neighbour, 0}) % 4096);
  }
  EXPECT_GT(buckets.size(), 2200U);
}

}  // namespace
}  // namespace tcpdx
