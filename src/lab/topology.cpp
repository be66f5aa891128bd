#include "lab/topology.hpp"

#include <net/if.h>

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::lab {
namespace {

constexpr uint8_t kBits4 = 32;
constexpr uint8_t kBits6 = 128;
constexpr uint16_t kLeastMtu = 68;  // RFC 791: what every link must carry

uint8_t bits_of(Family family) { return family == Family::v4 ? kBits4 : kBits6; }

bool is_share(double value) { return value >= 0 && value <= 1; }

Result<void> check_impairment(const LinkEnd& end, const Impairment& sends) {
  if (!is_share(sends.loss) || !is_share(sends.duplication) || !is_share(sends.reordering)) {
    return fail("{} of {}: a probability lies between 0 and 1", end.device, end.host);
  }
  if (sends.delay < Duration{} || sends.jitter < Duration{} || sends.held_back < Duration{}) {
    return fail("{} of {}: a delay is not negative", end.device, end.host);
  }
  return {};
}

Result<void> check_end(const LinkEnd& end, std::set<std::pair<std::string, std::string>>& devices) {
  if (end.device.empty() || end.device.size() >= IFNAMSIZ || end.device == "lo" ||
      end.device.find_first_of("/ \t\n:%") != std::string::npos) {
    return fail("'{}' of {} is no name for a device: 1 to 15 octets without '/', ':' and blanks",
                printable(end.device), end.host);
  }
  if (!devices.emplace(end.host, end.device).second) {
    return fail("{} has two devices called {}", end.host, end.device);
  }
  if (end.mtu < kLeastMtu)
    return fail("{} of {}: MTU {} is below 68", end.device, end.host, end.mtu);
  for (const Prefix& one : end.addresses) {
    if (one.length <= bits_of(one.address.family)) continue;
    return fail("{} of {}: {} has too long a prefix", end.device, end.host, to_string(one));
  }
  return end.sends ? check_impairment(end, *end.sends) : Result<void>{};
}

Result<void> check_host(const Host& host) {
  for (const Route& route : host.routes) {
    const bool bad = route.to.length > bits_of(route.to.address.family) ||
                     (route.via && route.via->family != route.to.address.family);
    if (bad) return fail("{}: the route to {} has no sense", host.name, to_string(route.to));
    if (route.kind == RouteKind::unicast && !route.via && route.device.empty()) {
      return fail("{}: the route to {} leads nowhere", host.name, to_string(route.to));
    }
  }
  for (const Sysctl& one : host.sysctls) {
    // sysctl(8): a '/' between the parts of a name stands for a '.' within one.
    const bool leaves =
        one.name.find("..") != std::string::npos || one.name.find("//") != std::string::npos;
    if (!one.name.starts_with("net.") || leaves) {
      return fail("{}: '{}' is no setting of a network namespace", host.name, printable(one.name));
    }
  }
  std::set<uint16_t> ports;
  for (const Server& server : host.servers) {
    if (server.port == 0 || !ports.insert(server.port).second) {
      return fail("{}: a server's port is 0 or {} has two", host.name, server.port);
    }
  }
  return {};
}

// The next hop from each host towards one network: by which of its links, and to which end.
struct Step {
  size_t link = 0;
  size_t far = 0;  // index of the other end
};

std::map<std::string, Step> steps_towards(const Topology& topology, size_t goal) {
  std::map<std::string, Step> steps;
  std::deque<std::string> reached;
  std::set<std::string> seen;
  for (const LinkEnd& end : topology.links[goal].ends) {
    if (seen.insert(end.host).second) reached.push_back(end.host);
  }
  while (!reached.empty()) {
    const std::string at = std::move(reached.front());
    reached.pop_front();
    for (size_t link = 0; link < topology.links.size(); ++link) {
      const auto& ends = topology.links[link].ends;
      for (size_t far = 0; far < ends.size(); ++far) {
        const std::string& neighbour = ends[1 - far].host;
        if (ends[far].host != at || !seen.insert(neighbour).second) continue;
        steps.emplace(neighbour, Step{.link = link, .far = far});
        reached.push_back(neighbour);
      }
    }
  }
  return steps;
}

const IpAddress* address_of(const LinkEnd& end, Family family) {
  const auto at = std::ranges::find(end.addresses, family,
                                    [](const Prefix& one) { return one.address.family; });
  return at == end.addresses.end() ? nullptr : &at->address;
}

std::vector<Prefix> networks_of(const LinkSettings& link) {
  std::vector<Prefix> networks;
  for (const LinkEnd& end : link.ends) {
    for (const Prefix& one : end.addresses) {
      const Prefix network{one.address.prefix(one.length), one.length};
      if (std::ranges::find(networks, network) == networks.end()) networks.push_back(network);
    }
  }
  return networks;
}

LinkEnd end_of_chain(const std::string& host, size_t number, uint8_t place) {
  const auto v6 = parse_address(fmt::format("fd99:{}::{}", number, place));
  return {.host = host,
          .device = fmt::format("net{}", number),
          .addresses = {{ipv4(10, 99, static_cast<uint8_t>(number), place), 24},
                        {v6.value_or(IpAddress{}), 64}}};
}

}  // namespace

std::optional<Prefix> parse_prefix(std::string_view text) {
  const auto parts = split(text, '/');
  if (parts.size() != 2) return std::nullopt;
  const auto address = parse_address(parts[0]);
  const auto length = parse_number<uint8_t>(parts[1]);
  if (!address || !length || *length > bits_of(address->family)) return std::nullopt;
  return Prefix{*address, *length};
}

std::string to_string(const Prefix& prefix) {
  return fmt::format("{}/{}", to_string(prefix.address), prefix.length);
}

Result<void> check(const Topology& topology) {
  std::set<std::string> names;
  for (const Host& host : topology.hosts) {
    if (host.name.empty() || !names.insert(host.name).second) {
      return fail("a host has no name, or the name '{}' is there twice", printable(host.name));
    }
    if (auto good = check_host(host); !good) return good;
  }
  std::set<std::pair<std::string, std::string>> devices;
  for (const LinkSettings& link : topology.links) {
    for (const LinkEnd& end : link.ends) {
      if (!names.contains(end.host)) {
        return fail("a link ends at '{}', which is no host", printable(end.host));
      }
      if (auto good = check_end(end, devices); !good) return good;
    }
  }
  return {};
}

void add_routes(Topology& topology) {
  for (size_t goal = 0; goal < topology.links.size(); ++goal) {
    const auto steps = steps_towards(topology, goal);
    for (Host& host : topology.hosts) {
      const auto step = steps.find(host.name);
      if (step == steps.end()) continue;
      const LinkEnd& far = topology.links[step->second.link].ends[step->second.far];
      for (const Prefix& network : networks_of(topology.links[goal])) {
        const IpAddress* via = address_of(far, network.address.family);
        if (via != nullptr) host.routes.insert(host.routes.begin(), {.to = network, .via = *via});
      }
    }
  }
}

Topology chain(const std::vector<std::string>& names) {
  Topology topology;
  for (const std::string& name : names) {
    topology.hosts.push_back({.name = name, .forwards = true});
  }
  topology.hosts.front().forwards = false;
  topology.hosts.back().forwards = false;
  for (size_t i = 1; i < names.size(); ++i) {
    topology.links.push_back(
        {.ends = {end_of_chain(names[i - 1], i, 1), end_of_chain(names[i], i, 2)}});
  }
  add_routes(topology);
  return topology;
}

}  // namespace tcpdx::lab
