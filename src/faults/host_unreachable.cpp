// host-unreachable: no neighbour, or no route.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/syn_sent.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr uint64_t kNoRoute = 3;  // connects refused for want of a route in one look

constexpr std::array kStates{syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there the next hop answers and connect() takes over a minute"},
    LookAlike{"a firewall that rejects with a reset", "looks like a closed port; its TTL differs"},
    LookAlike{"a neighbour that is slow at first", "its entry leaves INCOMPLETE within a second"},
};
constexpr FaultInfo kInfo{
    .id = "host-unreachable",
    .title = "The destination cannot be reached: no neighbour or no route",
    .states = kStates,
    .signature =
        "SYN-SENT whose next hop has a neighbour entry INCOMPLETE or FAILED: connect() "
        "ends after 3 s with EHOSTUNREACH. Without a route it ends at once with "
        "ENETUNREACH and only Ip.OutNoRoutes tells.",
    .look_alikes = kLookAlikes,
    .trigger =
        "A neighbour entry that failed, or one that stays incomplete while the SYN is "
        "repeated; a route that refuses. Two attempts confirm, one is likely. Without any "
        "socket to look at, three IPv4 packets without a route in one look are suspicious.",
    .severity =
        "warning; notice for a single attempt, and for packets without a route, whose "
        "destination is not known",
    .remedy = "Power, cable, VLAN, address and mask of the neighbour; the route.",
    .avoid = "Longer connect timeouts.",
    .silent_on = "a neighbour that is being resolved for the first time",
};

void add_advice(const Facts& facts, const Attempts& attempts, Finding& f) {
  const std::string inside = run_inside(facts, *attempts.example);
  const std::string host = to_string(attempts.destination.addr.unmapped());
  f.confirm.push_back(fmt::format("{0}ip route get {1}; {0}ip neigh show", inside, host));
  if (attempts.route->neighbour) {
    const IpAddress hop = attempts.route->gateway.value_or(attempts.destination.addr.unmapped());
    f.confirm.push_back(
        fmt::format("{}arping -c 3 -I {} {}", inside, attempts.route->interface, to_string(hop)));
    f.remedy.push_back(
        "is that machine up, on this network segment (cable, VLAN), with that address and the "
        "right mask?");
  } else {
    f.remedy.push_back(fmt::format("add or correct the route to {}", host));
  }
  f.avoid.push_back("longer connect timeouts: the answer is already known");
}

Finding report(const Facts& facts, const Attempts& attempts, const std::string& reason) {
  const Socket& one = *attempts.example;
  const bool again = attempts.count() > 1;  // a monitor's single probe is nobody's harm
  Finding f = make_finding(kInfo, again ? Severity::warning : Severity::notice,
                           again ? Confidence::confirmed : Confidence::likely);
  set_owner(facts, one, f);
  f.subject.destination = attempts.destination;
  f.headline = fmt::format("{} cannot reach {}{}, {}", callers(facts, attempts),
                           to_string(attempts.destination), in_namespace(facts, one),
                           counted(attempts.count(), "attempt"));
  f.cause = reason;
  add_fact(f, "attempts", uint64_t{attempts.count()}, "sock_diag");
  if (attempts.route->neighbour) {
    add_fact(f, "neighbour entry", std::string(to_string(*attempts.route->neighbour)), "rtnetlink");
  }
  if (const auto icmp = facts.rise(one.netns, "Icmp.InDestUnreachs")) {
    add_fact(f, "ICMP unreachable received", *icmp, "Icmp.InDestUnreachs");
  }
  add_advice(facts, attempts, f);
  f.see.push_back(fmt::format("tcpdx sockets 'dst host {}'", to_string(attempts.destination.addr)));
  return f;
}

Finding report_no_route(const Facts& facts, size_t netns, uint64_t packets) {
  const Namespace& where = facts.seen.namespaces[netns];
  Finding f = make_finding(kInfo, Severity::notice, Confidence::suspected);
  f.subject.netns = where.inode;
  f.headline = fmt::format(
      "{} IPv4 connects or packets found no route{}", grouped(packets),
      where.ours ? ""
                 : fmt::format(" in namespace {}", where.name.empty() ? fmt::to_string(where.inode)
                                                                      : printable(where.name)));
  f.cause =
      "a program calls an address for which the routing table has no entry; it gets "
      "ENETUNREACH at once, so no socket is left that names it";
  add_fact(f, "without a route in the window", packets, "Ip.OutNoRoutes");
  f.confirm.push_back(
      "ip route show; strace -f -e trace=connect -p PID   (which program, which address)");
  f.remedy.push_back("add the route, or correct the address in the program's configuration");
  f.avoid.push_back("a default route to nowhere: it turns a quick error into a long wait");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Attempts& attempts : attempts_by_destination(facts)) {
    const std::string reason = unreachable_reason(attempts);
    if (!reason.empty()) findings.push_back(report(facts, attempts, reason));
  }
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const uint64_t packets = facts.rise(netns, "Ip.OutNoRoutes").value_or(0);
    if (packets >= kNoRoute) findings.push_back(report_no_route(facts, netns, packets));
  }
  return findings;
}

}  // namespace

const Fault host_unreachable{&kInfo, find};

}  // namespace tcpdx::faults
