// The machine's neighbours (rtnetlink(7)): how full the table is, and who moves to another
// link-layer address.
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "base/result.hpp"
#include "model/neighbours.hpp"

namespace tcpdx::host {

// A message of RTM_GETNEIGHTBL. Nothing for those that speak of one interface only, and for other
// tables than IPv4's and IPv6's.
std::optional<NeighbourTable> parse_neighbour_table(std::span<const std::byte> payload);

// The tables of both families, which are the machine's from whatever namespace they are read.
Result<std::vector<NeighbourTable>> read_neighbour_tables();

// An IPv4 neighbour with a link-layer address.
struct LinkNeighbour {
  uint32_t interface = 0;
  IpAddress address;
  MacAddress mac;
};
std::optional<LinkNeighbour> parse_link_neighbour(std::span<const std::byte> payload);

// Keeps the last link-layer address of each neighbour, and all of those that had several.
class NeighbourWatch {
 public:
  // Looks at the neighbours of the namespace that the calling thread is in.
  Result<void> look(uint16_t netns, Duration at);
  void take(uint16_t netns, Duration at, const LinkNeighbour& neighbour);
  // Of those that had several addresses, in time order.
  std::vector<NeighbourSighting> moves() const;

 private:
  using Key = std::tuple<uint16_t, uint32_t, IpAddress>;
  std::map<Key, std::vector<NeighbourSighting>> seen_;
};

}  // namespace tcpdx::host
