#include "host/neighbours.hpp"

#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/netlink.hpp"

namespace tcpdx::host {
namespace {

// A neighbour that moves more often than this within a window says nothing new.
constexpr size_t kMostSightings = 64;

// The part of struct ndt_config and ndt_stats that is asked for, at its place in the attribute.
constexpr size_t kEntriesAt = offsetof(ndt_config, ndtc_entries);
constexpr size_t kRefusedAt = offsetof(ndt_stats, ndts_table_fulls);

template <class Number>
std::optional<Number> number_at(std::span<const std::byte> value, size_t offset) {
  if (value.size() < offset + sizeof(Number)) return std::nullopt;
  return number_of<Number>(value.subspan(offset));
}

template <class OnMessage>
Result<void> dump(uint16_t type, std::span<const std::byte> body, const OnMessage& on_message) {
  Result<Netlink> netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(netlink.error());
  const Result<Answer> answer = netlink->ask(type, NLM_F_DUMP, body, on_message);
  if (!answer) return std::unexpected(answer.error());
  if (answer->refusal.error != 0) return fail("{}", answer->refusal.sentence());
  return {};
}

}  // namespace

std::optional<NeighbourTable> parse_neighbour_table(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(ndtmsg)) return std::nullopt;
  const uint8_t family = number_of<ndtmsg>(payload).ndtm_family;
  if (family != AF_INET && family != AF_INET6) return std::nullopt;
  NeighbourTable table;
  table.family = family == AF_INET ? Family::v4 : Family::v6;
  bool has_limit = false;
  std::optional<uint32_t> entries;
  for_each_attribute(payload, sizeof(ndtmsg), [&](uint16_t type, std::span<const std::byte> value) {
    if (type == NDTA_THRESH3) {
      table.limit = number_of<uint32_t>(value);
      has_limit = true;
    }
    if (type == NDTA_CONFIG) entries = number_at<uint32_t>(value, kEntriesAt);
    if (type == NDTA_STATS) table.refused = number_at<uint64_t>(value, kRefusedAt).value_or(0);
  });
  if (!has_limit || !entries) return std::nullopt;
  table.entries = *entries;
  return table;
}

Result<std::vector<NeighbourTable>> read_neighbour_tables() {
  const ndtmsg header{};
  std::vector<NeighbourTable> tables;
  const auto read = dump(RTM_GETNEIGHTBL, std::as_bytes(std::span(&header, 1)),
                         [&](std::span<const std::byte> payload) {
                           if (const auto table = parse_neighbour_table(payload)) {
                             tables.push_back(*table);
                           }
                         });
  if (!read) return std::unexpected(read.error());
  return tables;
}

std::optional<LinkNeighbour> parse_link_neighbour(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(ndmsg)) return std::nullopt;
  const auto header = number_of<ndmsg>(payload);
  LinkNeighbour neighbour{
      .interface = static_cast<uint32_t>(header.ndm_ifindex), .address = {}, .mac = {}};
  bool has_address = false;
  bool has_mac = false;
  for_each_attribute(payload, sizeof(ndmsg), [&](uint16_t type, std::span<const std::byte> value) {
    if (type == NDA_DST && value.size() == 4) {
      std::memcpy(neighbour.address.bytes.data(), value.data(), value.size());
      has_address = true;
    }
    if (type == NDA_LLADDR && value.size() == neighbour.mac.bytes.size()) {
      std::memcpy(neighbour.mac.bytes.data(), value.data(), value.size());
      has_mac = true;
    }
  });
  return header.ndm_family == AF_INET && has_address && has_mac ? std::optional(neighbour)
                                                                : std::nullopt;
}

Result<void> NeighbourWatch::look(uint16_t netns, Duration at) {
  ndmsg header{};
  header.ndm_family = AF_INET;
  return dump(RTM_GETNEIGH, std::as_bytes(std::span(&header, 1)),
              [&](std::span<const std::byte> payload) {
                if (const auto one = parse_link_neighbour(payload)) take(netns, at, *one);
              });
}

void NeighbourWatch::take(uint16_t netns, Duration at, const LinkNeighbour& neighbour) {
  auto& sightings = seen_[{netns, neighbour.interface, neighbour.address}];
  if (!sightings.empty() && sightings.back().mac == neighbour.mac) return;
  if (sightings.size() == kMostSightings) return;
  NeighbourSighting& sighting = sightings.emplace_back();
  sighting = {.at = at,
              .netns = netns,
              .interface = {},
              .address = neighbour.address,
              .mac = neighbour.mac};
  std::array<char, IF_NAMESIZE> name{};
  // Only those that move are ever shown.
  if (sightings.size() < 2 || ::if_indextoname(neighbour.interface, name.data()) == nullptr) return;
  for (NeighbourSighting& one : sightings) one.interface = name.data();
}

std::vector<NeighbourSighting> NeighbourWatch::moves() const {
  std::vector<NeighbourSighting> moves;
  for (const auto& [neighbour, sightings] : seen_) {
    if (sightings.size() < 2) continue;
    moves.insert(moves.end(), sightings.begin(), sightings.end());
  }
  std::ranges::sort(moves, {}, [](const NeighbourSighting& one) {
    return std::tuple(one.at, one.netns, one.address, one.mac);
  });
  return moves;
}

}  // namespace tcpdx::host
