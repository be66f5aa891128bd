// Counting the places at which somebody knocks; shared by the scans from outside and from here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tcpdx::faults {

// The most different places within any such time. A Knock has a time `at` and a place `other`.
template <class Knock>
size_t doors_within(std::vector<Knock> knocks, Duration time) {
  std::ranges::sort(knocks, {}, &Knock::at);
  std::map<SocketAddress, size_t> doors;
  size_t most = 0;
  for (size_t first = 0, next = 0; next < knocks.size(); ++next) {
    ++doors[knocks[next].other];
    for (; knocks[next].at - knocks[first].at > time; ++first) {
      const auto old = doors.find(knocks[first].other);
      if (--old->second == 0) doors.erase(old);
    }
    most = std::max(most, doors.size());
  }
  return most;
}

// How the places differ: one port of many addresses, many ports of one address.
struct Shape {
  size_t hosts = 0;
  size_t ports = 0;
  std::pair<uint16_t, size_t> widest_port{};   // the port at most addresses, and at how many
  std::pair<IpAddress, size_t> widest_host{};  // the address with most ports, and how many
};

template <class Knock>
Shape shape_of(const std::vector<Knock>& knocks) {
  std::map<uint16_t, std::set<IpAddress>> by_port;
  std::map<IpAddress, std::set<uint16_t>> by_host;
  for (const Knock& one : knocks) {
    by_port[one.other.port].insert(one.other.addr);
    by_host[one.other.addr].insert(one.other.port);
  }
  Shape shape{.hosts = by_host.size(), .ports = by_port.size()};
  for (const auto& [port, hosts] : by_port) {
    if (hosts.size() > shape.widest_port.second) shape.widest_port = {port, hosts.size()};
  }
  for (const auto& [host, ports] : by_host) {
    if (ports.size() > shape.widest_host.second) shape.widest_host = {host, ports.size()};
  }
  return shape;
}

}  // namespace tcpdx::faults
