// A network as a value: hosts and routers, the links between them, what each link does to what
// passes, routes, packet filters, settings and small servers. Testbed makes it real.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "lab/impairment.hpp"
#include "lab/server.hpp"

namespace tcpdx::lab {

// An address of a device and the length of its network's prefix; or a network.
struct Prefix {
  IpAddress address;
  uint8_t length = 0;

  bool operator==(const Prefix&) const = default;
};
std::optional<Prefix> parse_prefix(std::string_view text);  // "10.0.0.1/24", "fd00::1/64"
std::string to_string(const Prefix& prefix);

enum class RouteKind : uint8_t { unicast, blackhole, unreachable, prohibit };

struct Route {
  Prefix to;                       // length 0: every destination of that family
  std::optional<IpAddress> via{};  // of its family
  std::string device{};            // empty: the one that leads to `via`
  RouteKind kind = RouteKind::unicast;
  unsigned mtu = 0;  // 0: the device's
};

struct Sysctl {
  std::string name;  // "net.ipv4.tcp_syncookies", of the namespace; a device's dot is written '/'
  std::string value;
};

struct Host {
  std::string name;
  bool forwards = false;  // a router, of IPv4 and IPv6
  std::vector<Route> routes{};
  std::vector<Sysctl> sysctls{};
  std::string rules{};  // what `nft -f` reads
  std::vector<Server> servers{};
};

struct LinkEnd {
  std::string host;
  std::string device;  // unique in its host
  std::vector<Prefix> addresses{};
  uint16_t mtu = 1500;
  // What happens to datagrams that leave here.
  std::optional<Impairment> sends{};
};

// Without impairments a cable (veth). With one at either end, two TUN devices and a line in user
// space between them, which is a link without neighbours: no ARP, no neighbour discovery.
struct LinkSettings {
  std::array<LinkEnd, 2> ends;

  bool is_cable() const { return !ends[0].sends && !ends[1].sends; }
};

struct Topology {
  std::vector<Host> hosts;
  std::vector<LinkSettings> links;
};

// What makes a topology impossible: names that are missing, twice or too long, addresses of the
// wrong family, values out of range. Bringing one up asks this first.
Result<void> check(const Topology& topology);

// Gives every host a route to every network of a link, over the fewest links; those that it has
// come later and stay stronger.
void add_routes(Topology& topology);

// Hosts in a row, at most 100: the ends are hosts, those between are routers. Link i, from 1, has
// the networks 10.99.i.0/24 and fd99:i::/64 (i in decimal digits), its left end .1, its right one
// .2; both devices are called "neti". With routes.
Topology chain(const std::vector<std::string>& names);

}  // namespace tcpdx::lab
