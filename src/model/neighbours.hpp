// The neighbours of the machine's links, as far as faults ask for them.
#pragma once

#include <cstdint>
#include <string>

#include "base/address.hpp"
#include "base/mac_address.hpp"
#include "base/time.hpp"

namespace tcpdx {

// The kernel's table of neighbours of one family, which all namespaces of the machine share
// (RTM_GETNEIGHTBL).
struct NeighbourTable {
  Duration at{};  // of the look
  Family family = Family::v4;
  uint64_t entries = 0;  // those that never expire included, which do not count against the limit
  uint64_t limit = 0;    // gc_thresh3
  uint64_t refused = 0;  // table_fulls: an entry was wanted, and there was no room
};

// A neighbour had this link-layer address when it was looked at.
struct NeighbourSighting {
  Duration at{};  // since the first look
  uint16_t netns = 0;
  std::string interface;
  IpAddress address;
  MacAddress mac;
};

}  // namespace tcpdx
