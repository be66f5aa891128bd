// RTM_GETROUTE for each destination, RTM_GETNEIGH once per family.
#include "host/routes.hpp"

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tcpdx::host {

namespace {

// linux/neighbour.h; a neighbour is in one of these.
struct NeighbourBit {
  uint16_t bit;
  NeighbourState state;
};
constexpr std::array kNeighbourBits{
    NeighbourBit{NUD_INCOMPLETE, NeighbourState::incomplete},
    NeighbourBit{NUD_REACHABLE, NeighbourState::reachable},
    NeighbourBit{NUD_STALE, NeighbourState::stale},
    NeighbourBit{NUD_DELAY, NeighbourState::delay},
    NeighbourBit{NUD_PROBE, NeighbourState::probe},
    NeighbourBit{NUD_FAILED, NeighbourState::failed},
    NeighbourBit{NUD_NOARP, NeighbourState::noarp},
    NeighbourBit{NUD_PERMANENT, NeighbourState::permanent},
};

uint8_t kernel_family(Family family) { return family == Family::v4 ? AF_INET : AF_INET6; }
uint16_t length_of(Family family) { return family == Family::v4 ? 4 : 16; }

std::optional<IpAddress> address_of(std::span<const std::byte> bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address;
  address.family = bytes.size() == 4 ? Family::v4 : Family::v6;
  std::memcpy(address.bytes.data(), bytes.data(), bytes.size());
  return address;
}

// RTA_VIA: a gateway of another family than the route's (RFC 5549 next hops).
std::optional<IpAddress> via_of(std::span<const std::byte> bytes) {
  return bytes.size() < sizeof(rtvia) ? std::nullopt : address_of(bytes.subspan(sizeof(rtvia)));
}

// Puts an attribute at the end of a request's body.
void put(std::vector<std::byte>& body, uint16_t type, std::span<const std::byte> value) {
  const nlattr header{static_cast<uint16_t>(sizeof(nlattr) + value.size()), type};
  const auto head = std::as_bytes(std::span(&header, 1));
  body.insert(body.end(), head.begin(), head.end());
  body.insert(body.end(), value.begin(), value.end());
  body.resize(netlink_aligned(body.size()));
}

std::vector<std::byte> body_of(const RouteQuestion& question) {
  rtmsg header{};
  const Family family = question.destination.family;
  header.rtm_family = kernel_family(family);
  header.rtm_dst_len = static_cast<uint8_t>(length_of(family) * 8);
  const bool from = !question.source.is_any() && question.source.family == family;
  if (from) header.rtm_src_len = header.rtm_dst_len;
  const auto head = std::as_bytes(std::span(&header, 1));
  std::vector<std::byte> body(head.begin(), head.end());
  body.resize(netlink_aligned(body.size()));
  const auto bytes = [&](const IpAddress& address) {
    return std::as_bytes(std::span(address.bytes)).first(length_of(family));
  };
  put(body, RTA_DST, bytes(question.destination));
  if (from) put(body, RTA_SRC, bytes(question.source));
  if (question.interface != 0) put(body, RTA_OIF, std::as_bytes(std::span(&question.interface, 1)));
  if (question.mark != 0) put(body, RTA_MARK, std::as_bytes(std::span(&question.mark, 1)));
  return body;
}

Result<std::vector<Neighbour>> neighbours(Netlink& netlink, Family family) {
  ndmsg header{};
  header.ndm_family = kernel_family(family);
  std::vector<Neighbour> table;
  const Result<Answer> answer =
      netlink.ask(RTM_GETNEIGH, NLM_F_DUMP, std::as_bytes(std::span(&header, 1)),
                  [&](std::span<const std::byte> payload) {
                    if (const auto entry = parse_neighbour_message(payload)) {
                      table.push_back(*entry);
                    }
                  });
  if (!answer) return std::unexpected(answer.error());
  return table;
}

Result<Route> ask_route(Netlink& netlink, const RouteQuestion& question,
                        const std::vector<Neighbour>& table) {
  Route route;
  route.destination = question.destination;
  std::optional<RouteMessage> message;
  const std::vector<std::byte> body = body_of(question);
  const Result<Answer> answer = netlink.ask(
      RTM_GETROUTE, 0, body,
      [&](std::span<const std::byte> payload) { message = parse_route_message(payload); });
  if (!answer) return std::unexpected(answer.error());
  route.error = answer->refusal.error;
  if (!message) return route;
  route.gateway = message->gateway;
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(message->interface, name.data()) != nullptr) route.interface = name.data();
  const IpAddress next = route.gateway.value_or(question.destination);
  const auto entry = std::ranges::find_if(table, [&](const Neighbour& neighbour) {
    return neighbour.interface == message->interface && neighbour.address == next;
  });
  if (entry != table.end()) route.neighbour = entry->state;
  return route;
}

}  // namespace

std::optional<RouteMessage> parse_route_message(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(rtmsg)) return std::nullopt;
  RouteMessage message;
  for_each_attribute(payload, sizeof(rtmsg), [&](uint16_t type, std::span<const std::byte> value) {
    if (type == RTA_GATEWAY) message.gateway = address_of(value);
    if (type == RTA_VIA) message.gateway = via_of(value);
    if (type == RTA_OIF) message.interface = number_of<uint32_t>(value);
  });
  return message;
}

std::optional<Neighbour> parse_neighbour_message(std::span<const std::byte> payload) {
  if (payload.size() < sizeof(ndmsg)) return std::nullopt;
  const auto header = number_of<ndmsg>(payload);
  std::optional<IpAddress> address;
  for_each_attribute(payload, sizeof(ndmsg), [&](uint16_t type, std::span<const std::byte> value) {
    if (type == NDA_DST) address = address_of(value);
  });
  if (!address) return std::nullopt;
  Neighbour neighbour{static_cast<uint32_t>(header.ndm_ifindex), *address, NeighbourState::none};
  for (const auto& [bit, state] : kNeighbourBits) {
    if ((header.ndm_state & bit) != 0) neighbour.state = state;
  }
  return neighbour;
}

Result<std::vector<Route>> ask_routes(std::span<const RouteQuestion> questions, uint16_t netns) {
  Result<Netlink> netlink = Netlink::open(NETLINK_ROUTE);
  if (!netlink) return std::unexpected(netlink.error());
  std::vector<Neighbour> table;
  for (const Family family : {Family::v4, Family::v6}) {
    const Result<std::vector<Neighbour>> part = neighbours(*netlink, family);
    if (!part) return std::unexpected(part.error());
    table.insert(table.end(), part->begin(), part->end());
  }
  std::vector<Route> routes;
  for (const RouteQuestion& question : questions) {
    Result<Route> route = ask_route(*netlink, question, table);
    if (!route) return std::unexpected(route.error());
    route->netns = netns;
    routes.push_back(std::move(*route));
  }
  return routes;
}

}  // namespace tcpdx::host
