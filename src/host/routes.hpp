// Asks the kernel which way it would send, and whether the neighbour on that way answers
// (rtnetlink(7)).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "host/netlink.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

// A destination, with what else decides the route of a socket.
struct RouteQuestion {
  IpAddress destination;
  IpAddress source;  // any: not chosen yet
  uint32_t interface = 0;
  uint32_t mark = 0;

  auto operator<=>(const RouteQuestion&) const = default;
};

// The answer to RTM_GETROUTE: where to send, and by which interface.
struct RouteMessage {
  std::optional<IpAddress> gateway;
  uint32_t interface = 0;
};
std::optional<RouteMessage> parse_route_message(std::span<const std::byte> payload);

struct Neighbour {
  uint32_t interface = 0;
  IpAddress address;
  NeighbourState state = NeighbourState::none;
};
std::optional<Neighbour> parse_neighbour_message(std::span<const std::byte> payload);

// The routes of the questions in the namespace the calling thread is in.
Result<std::vector<Route>> ask_routes(std::span<const RouteQuestion> questions, uint16_t netns);

}  // namespace tcpdx::host
