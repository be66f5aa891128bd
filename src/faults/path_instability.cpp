// path-instability: the way to a destination changes again and again.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/probed.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kChanges = 2;  // there and back: once is a change of route
constexpr size_t kFlows = 3;
constexpr uint64_t kShortRttUs = 20'000;
constexpr Duration kLong = 60s;

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"a change of route", "the hops change once and stay"},
    LookAlike{"load shared by flow (ECMP)", "one flow always meets the same routers"},
    LookAlike{"load shared packet by packet",
              "tcpdx path shows both routers at one distance in every round"},
    LookAlike{"bufferbloat-rtt-inflation", "there the round trip follows the load"},
    LookAlike{"rst-by-middlebox", "there only the reset has another TTL"},
};
constexpr FaultInfo kInfo{
    .id = "path-instability",
    .title = "The way to a destination keeps changing",
    .states = kStates,
    .signature =
        "Probes of one flow meet other routers from one walk to the next, and back again; the "
        "round trips of all connections to that network vary by more than half for long. Segments "
        "overtake each other, and each change may lose some.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Asked (doctor --probe), six walks from one source port within about 2 s of which "
        "neighbours differ at least twice at a hop that answered both. Without asking, over 60 s: "
        "tcpi_rttvar above half of tcpi_rtt, and that above 20 ms, at both looks on at least 3 "
        "connections to one network, which is a suspicion.",
    .severity = "info",
    .remedy =
        "Ask whoever runs the routers between the last hop that stays and the first that changes; "
        "pin the route, damp the flapping link.",
    .avoid = "Tuning TCP for reordering before the way is stable.",
    .silent_on = "a single change of route, ECMP, radio links",
    .gains_from_probing = true,
};

// The first distance at which two walks met different routers; 0: none.
size_t parts_at(const WalkedWay& one, const WalkedWay& other) {
  const size_t both = std::min(one.hops.size(), other.hops.size());
  for (size_t i = 0; i < both; ++i) {
    if (one.hops[i] && other.hops[i] && one.hops[i] != other.hops[i]) return i + 1;
  }
  return 0;
}

struct Changes {
  size_t count = 0;
  size_t first_hop = 0;  // the nearest of all
  std::string example;   // "10.0.1.2, then 10.0.2.2"
};

Changes changes_of(const ProbedHost& host) {
  Changes changes;
  for (size_t i = 1; i < host.ways.size(); ++i) {
    const WalkedWay& before = host.ways[i - 1];
    const WalkedWay& after = host.ways[i];
    const size_t hop = parts_at(before, after);
    if (hop == 0) continue;
    ++changes.count;
    if (changes.first_hop != 0 && changes.first_hop <= hop) continue;
    changes.first_hop = hop;
    changes.example =
        fmt::format("{}, then {}", to_string(before.hops[hop - 1].value_or(IpAddress{})),
                    to_string(after.hops[hop - 1].value_or(IpAddress{})));
  }
  return changes;
}

void add_advice(const Facts& facts, size_t netns, const IpAddress& to, Finding& f) {
  f.confirm.push_back(
      fmt::format("{}tcpdx path {} --stats", run_inside(facts, netns), to_string(to)));
  f.remedy.push_back(
      "ask whoever runs the routers between the last hop that stays and the first that changes");
  f.avoid.push_back("tuning TCP for reordering before the way is stable");
}

Finding report(const Facts& facts, const ProbedHost& host, const Changes& changes) {
  Finding f = make_finding(kInfo, Severity::info, Confidence::likely);
  f.subject.netns = facts.seen.namespaces[host.netns].inode;
  f.subject.remote = SocketAddress{.addr = host.address, .port = 0};
  f.headline = fmt::format("the way to {}{} changed {} times in {} walks, from hop {} on",
                           to_string(host.address), in_namespace(facts, host.netns), changes.count,
                           host.ways.size(), changes.first_hop);
  f.cause = "a route beyond this host flaps, or a router there sends packets of one flow by turns";
  const std::string source = fmt::format("asked {}", to_string(host.address));
  add_judged(f, "changes", uint64_t{changes.count}, uint64_t{kChanges}, source);
  add_fact(f, fmt::format("at hop {}", changes.first_hop), changes.example, source);
  add_advice(facts, host.netns, host.address, f);
  return f;
}

bool varies(const TcpInfo* info) {
  return info != nullptr && info->rtt_us > kShortRttUs && info->rttvar_us > info->rtt_us / 2;
}

bool varies_for_long(const Facts& facts, const Socket& s) {
  const Socket* was = facts.earlier(s);
  return was != nullptr && varies(facts.info(s)) && varies(facts.info(*was));
}

Finding report(const Facts& facts, const Sockets& flows) {
  const Socket& one = *flows.front();
  const IpAddress to = one.remote.addr.unmapped();
  const TcpInfo& info = *facts.info(one);
  Finding f = make_finding(kInfo, Severity::info, Confidence::suspected);
  f.subject.netns = facts.seen.namespaces[one.netns].inode;
  f.subject.remote = SocketAddress{.addr = to, .port = 0};
  f.headline =
      fmt::format("round trips of {} to {}{} vary by more than half",
                  counted(flows.size(), "connection"), network_name(to), in_namespace(facts, one));
  f.cause = "the way there changes, or something on it delays packets very unevenly";
  add_fact(f, "connections", uint64_t{flows.size()}, "sock_diag");
  add_judged(f, "variation of the round trip", human(Duration(info.rttvar_us)),
             fmt::format("half of {}", human(Duration(info.rtt_us))), "tcpi_rttvar");
  add_advice(facts, one.netns, to, f);
  return f;
}

void find_by_asking(const Facts& facts, std::vector<Finding>& into) {
  if (!facts.seen.probes) return;
  for (const ProbedHost& host : facts.seen.probes->hosts) {
    const Changes changes = changes_of(host);
    if (changes.count >= kChanges) into.push_back(report(facts, host, changes));
  }
}

// A network that was asked and whose way stays the same has another trouble.
bool stays_the_same(const Facts& facts, const Sockets& flows) {
  return std::ranges::any_of(flows, [&](const Socket* s) {
    const ProbedHost* host = probed(facts, *s);
    return host != nullptr && host->ways.size() > 1;
  });
}

void find_by_round_trips(const Facts& facts, std::vector<Finding>& into) {
  if (facts.seen.window < kLong) return;
  std::map<std::pair<uint16_t, IpAddress>, Sockets> networks;
  for (const Socket* s : facts.in(tcp::State::established)) {
    if (s->remote.addr.is_loopback() || !varies_for_long(facts, *s)) continue;
    const IpAddress to = s->remote.addr.unmapped();
    networks[{s->netns, to.prefix(network_bits(to.family))}].push_back(s);
  }
  for (const auto& [network, flows] : networks) {
    if (flows.size() < kFlows || stays_the_same(facts, flows)) continue;
    into.push_back(report(facts, flows));
  }
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  find_by_asking(facts, findings);
  find_by_round_trips(facts, findings);
  return findings;
}

}  // namespace

const Fault path_instability{&kInfo, find};

}  // namespace tcpdx::faults
