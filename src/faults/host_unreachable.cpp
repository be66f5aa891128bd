// host-unreachable: no neighbour, or no route.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
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
constexpr auto kCounters =
    std::to_array<std::string_view>({"Icmp.InDestUnreachs", "Ip.OutNoRoutes"});
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
        "socket to look at, three IPv4 packets without a route in one look are suspicious. In a "
        "capture: ICMP errors in answer to SYNs.",
    .severity =
        "warning; notice for a single attempt, and for packets without a route, whose "
        "destination is not known",
    .remedy = "Power, cable, VLAN, address and mask of the neighbour; the route.",
    .avoid = "Longer connect timeouts.",
    .silent_on = "a neighbour that is being resolved for the first time",
    .counters = kCounters,
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

// What the ICMP error says (RFC 792, RFC 1812 5.2.7.1, RFC 4443 3.1).
std::string_view said_by(const IcmpNote& note, bool v6) {
  constexpr std::array<std::string_view, 16> kCodes{"network unreachable",
                                                    "host unreachable",
                                                    "protocol unreachable",
                                                    "port unreachable",
                                                    "",
                                                    "source route failed",
                                                    "network unknown",
                                                    "host unknown",
                                                    "source isolated",
                                                    "network prohibited",
                                                    "host prohibited",
                                                    "network unreachable",
                                                    "host unreachable",
                                                    "prohibited",
                                                    "precedence",
                                                    "precedence"};
  constexpr std::array<std::string_view, 7> kCodesV6{
      "no route",         "prohibited",    "beyond scope", "address unreachable",
      "port unreachable", "source policy", "route rejects"};
  if (v6) return note.code < kCodesV6.size() ? kCodesV6.at(note.code) : "unreachable";
  return note.code < kCodes.size() ? kCodes.at(note.code) : "unreachable";
}

Finding report(const CaptureFacts& facts, const Group& group) {
  const bool again = group.count > 1;  // a monitor's single probe is nobody's harm
  Finding f = make_finding(kInfo, again ? Severity::warning : Severity::notice,
                           again ? Confidence::confirmed : Confidence::likely);
  f.subject.destination = group.place;
  f.headline = fmt::format("{} cannot be reached, {}", name_of(group.place),
                           counted(group.count, "attempt"));
  const IcmpNote& note = *unreachable_note(*group.kept.front().connection);
  const bool v6 = group.place.addr.family == Family::v6;
  f.cause =
      fmt::format("{} answers the SYN with '{}'", to_string(note.reporter), said_by(note, v6));
  add_fact(f, "attempts", group.count, group.end.attempts, std::string(kCapture));
  add_fact(f, "ICMP", fmt::format("type {} code {}", note.type, note.code),
           fmt::format("frame {}", grouped(note.frame)));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("ip route get {0}; traceroute -n -T -p {1} {0}",
                                  to_string(group.place.addr), group.place.port));
  f.remedy.push_back(fmt::format("ask at {} why: its route, its neighbour, or a filter rule",
                                 to_string(note.reporter)));
  f.avoid.push_back("longer connect timeouts: the answer is already known");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::unreachable)) {
    findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault host_unreachable{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
