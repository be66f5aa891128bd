// Messages made by hand after linux/neighbour.h, and the kernel's own.
#include "host/neighbours.hpp"

#include <gtest/gtest.h>
#include <linux/neighbour.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/netlink.hpp"

namespace tcpdx::host {
namespace {

template <class Fixed>
std::span<const std::byte> octets_of(const Fixed& fixed) {
  return std::as_bytes(std::span(&fixed, 1));
}

template <class Fixed>
std::vector<std::byte> message_of(const Fixed& fixed) {
  const auto octets = octets_of(fixed);
  std::vector<std::byte> bytes(octets.begin(), octets.end());
  bytes.resize(netlink_aligned(bytes.size()));
  return bytes;
}

void add(std::vector<std::byte>& bytes, uint16_t type, std::span<const std::byte> value) {
  const nlattr head{static_cast<uint16_t>(sizeof(nlattr) + value.size()), type};
  const auto first = octets_of(head);
  bytes.insert(bytes.end(), first.begin(), first.end());
  bytes.insert(bytes.end(), value.begin(), value.end());
  bytes.resize(netlink_aligned(bytes.size()));
}

std::vector<std::byte> table_message(uint8_t family) {
  ndtmsg fixed{};
  fixed.ndtm_family = family;
  ndt_config config{};
  config.ndtc_entries = 1000;
  ndt_stats stats{};
  stats.ndts_table_fulls = uint64_t{1} << 40U;
  const uint32_t limit = 1024;
  auto bytes = message_of(fixed);
  add(bytes, NDTA_CONFIG, octets_of(config));
  add(bytes, NDTA_THRESH3, octets_of(limit));
  add(bytes, NDTA_STATS, octets_of(stats));
  return bytes;
}

TEST(Neighbours, ReadsATable) {
  const auto read = parse_neighbour_table(table_message(AF_INET6));
  const NeighbourTable table = read.value_or(NeighbourTable{});
  EXPECT_EQ(table.family, Family::v6);
  EXPECT_EQ(table.entries, 1000U);
  EXPECT_EQ(table.limit, 1024U);
  EXPECT_EQ(table.refused, uint64_t{1} << 40U);
}

// An interface's part of a table has parameters of its own and no limit (net/core/neighbour.c,
// neightbl_fill_param_info).
TEST(Neighbours, PassesInterfacesAndOtherFamiliesOver) {
  ndtmsg fixed{};
  fixed.ndtm_family = AF_INET;
  EXPECT_FALSE(parse_neighbour_table(message_of(fixed)));
  EXPECT_FALSE(parse_neighbour_table(table_message(AF_UNIX)));
  EXPECT_FALSE(parse_neighbour_table({}));
}

TEST(Neighbours, ReadsTheTablesOfThisMachine) {
  const auto tables = read_neighbour_tables();
  ASSERT_TRUE(tables.has_value()) << tables.error().sentence;
  const auto v4 = std::ranges::find(*tables, Family::v4, &NeighbourTable::family);
  ASSERT_NE(v4, tables->end());
  EXPECT_GT(v4->limit, 0U);
}

TEST(Neighbours, ReadsAnEntryWithItsLinkLayerAddress) {
  ndmsg fixed{};
  fixed.ndm_family = AF_INET;
  fixed.ndm_ifindex = 2;
  const std::array<uint8_t, 4> address{192, 0, 2, 1};
  const std::array<uint8_t, 6> mac{2, 0, 0, 0, 0, 9};
  auto bytes = message_of(fixed);
  add(bytes, NDA_DST, octets_of(address));
  EXPECT_FALSE(parse_link_neighbour(bytes)) << "it is not resolved yet";
  add(bytes, NDA_LLADDR, octets_of(mac));
  const LinkNeighbour neighbour = parse_link_neighbour(bytes).value_or(LinkNeighbour{});
  EXPECT_EQ(neighbour.interface, 2U);
  EXPECT_EQ(neighbour.address, ipv4(192, 0, 2, 1));
  EXPECT_EQ(to_string(neighbour.mac), "02:00:00:00:00:09");
}

TEST(Neighbours, ShowsOnlyThoseThatMove) {
  const MacAddress one{{2, 0, 0, 0, 0, 1}};
  const MacAddress other{{2, 0, 0, 0, 0, 2}};
  NeighbourWatch watch;
  for (const Duration at : {0s, 1s, 2s, 3s}) {
    watch.take(0, at, {.interface = 1, .address = ipv4(10, 0, 0, 1), .mac = one});
    watch.take(0, at, {.interface = 1, .address = ipv4(10, 0, 0, 2), .mac = at < 2s ? one : other});
    // The same address in another namespace is another neighbour.
    watch.take(1, at, {.interface = 1, .address = ipv4(10, 0, 0, 1), .mac = other});
  }
  const auto moves = watch.moves();
  ASSERT_EQ(moves.size(), 2U);
  EXPECT_EQ(moves[0].address, ipv4(10, 0, 0, 2));
  EXPECT_EQ(moves[0].at, 0s);
  EXPECT_EQ(moves[0].mac, one);
  EXPECT_EQ(moves[1].at, 2s);
  EXPECT_EQ(moves[1].mac, other);
}

}  // namespace
}  // namespace tcpdx::host
