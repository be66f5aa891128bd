// duplicate-ip-arp-conflict: two machines on a link have one address.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kTurns = 3;  // there, back, and there again: one is a failover

constexpr std::array kStates{tcp::State::syn_sent, tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"a failover (VRRP, keepalived)", "the address moves once and stays"},
    LookAlike{"one machine with two interfaces on the link (ARP flux)",
              "both link-layer addresses stand in ip link of that machine"},
    LookAlike{"rst-by-middlebox", "there only the reset comes from elsewhere"},
    LookAlike{"proxy ARP", "there the second answerer is a router, and answers for many"},
};
constexpr FaultInfo kInfo{
    .id = "duplicate-ip-arp-conflict",
    .title = "Two machines on a link have the same address",
    .states = kStates,
    .signature =
        "The neighbour entry of an address changes between two link-layer addresses, and both "
        "answer an ARP request for it. Connections reach one machine and then the other, which "
        "knows nothing of them and resets them, although their owner still has them; connects "
        "are refused and succeed by turns.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Within the look an IPv4 neighbour changed to another link-layer address at least three "
        "times, back and forth; or, asked (doctor --probe, CAP_NET_RAW), two machines answer one "
        "ARP request. A single change is a failover.",
    .severity = "critical: whose connections break is a matter of chance",
    .remedy =
        "Find the second machine by its link-layer address (table of the switch, maker's prefix) "
        "and give it another address. For two interfaces of one machine: arp_ignore=1, "
        "arp_announce=2.",
    .avoid = "A static neighbour entry on each host: it hides the conflict.",
    .silent_on = "a failover, a router that answers for others",
    .gains_from_probing = true,
};

// What is known of one address on one link.
struct Claims {
  std::string interface;
  std::vector<MacAddress> seen;      // in turn, as the neighbour entry had them
  std::vector<MacAddress> answered;  // an ARP request
};

using Key = std::pair<uint16_t, IpAddress>;  // namespace, address

std::map<Key, Claims> claims_of(const Facts& facts) {
  std::map<Key, Claims> all;
  for (const NeighbourSighting& one : facts.seen.neighbour_moves) {
    Claims& claims = all[{one.netns, one.address}];
    claims.interface = one.interface;
    claims.seen.push_back(one.mac);
  }
  if (!facts.seen.probes) return all;
  for (const ProbedHost& host : facts.seen.probes->hosts) {
    if (!host.arp) continue;
    Claims& claims = all[{host.netns, host.arp->address}];
    claims.interface = host.arp->interface;
    claims.answered = host.arp->macs;
  }
  return all;
}

size_t turns(const Claims& claims) { return claims.seen.empty() ? 0 : claims.seen.size() - 1; }

// An address that moves on and on without coming back belongs to a pool, not to two machines.
bool comes_back(const Claims& claims) {
  const std::set<MacAddress> different(claims.seen.begin(), claims.seen.end());
  return different.size() < claims.seen.size();
}

std::string joined(const std::set<MacAddress>& macs) {
  std::string text;
  for (const MacAddress& mac : macs) text += (text.empty() ? "" : ", ") + to_string(mac);
  return text;
}

Finding report(const Facts& facts, const Key& key, const Claims& claims) {
  const auto& [netns, address] = key;
  const bool both_answer = claims.answered.size() > 1;
  // Turns alone may be two interfaces of one machine whose answers race, and so may two answers.
  const bool sure = both_answer && turns(claims) > 0;
  Finding f =
      make_finding(kInfo, Severity::critical, sure ? Confidence::confirmed : Confidence::likely);
  f.subject.netns = facts.seen.namespaces[netns].inode;
  f.subject.remote = SocketAddress{.addr = address, .port = 0};
  std::set<MacAddress> macs(claims.seen.begin(), claims.seen.end());
  macs.insert(claims.answered.begin(), claims.answered.end());
  f.headline =
      fmt::format("{} machines on {}{} have the address {}", macs.size(),
                  printable(claims.interface), in_namespace(facts, netns), to_string(address));
  f.cause = "packets for that address go to whichever of them answered last";
  add_fact(f, "link-layer addresses", joined(macs), both_answer ? "ARP" : "rtnetlink");
  if (turns(claims) > 0) {
    add_judged(f, "times the neighbour entry changed", uint64_t{turns(claims)}, uint64_t{kTurns},
               "rtnetlink");
  }
  if (!claims.answered.empty()) {
    add_fact(f, "answered an ARP request", uint64_t{claims.answered.size()},
             fmt::format("asked {}", to_string(address)));
  }
  f.confirm.push_back(fmt::format("{}arping -c 3 -I {} {}   (two addresses in the answers)",
                                  run_inside(facts, netns), claims.interface, to_string(address)));
  f.remedy.push_back(
      "find the second machine by its link-layer address (the switch's table, the maker's prefix) "
      "and give it another address");
  f.remedy.push_back(
      "are both interfaces of one machine? there: net.ipv4.conf.all.arp_ignore=1, arp_announce=2");
  f.avoid.push_back("static neighbour entries: they hide the conflict");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const auto& [key, claims] : claims_of(facts)) {
    const bool alternates = turns(claims) >= kTurns && comes_back(claims);
    if (alternates || claims.answered.size() > 1) findings.push_back(report(facts, key, claims));
  }
  return findings;
}

}  // namespace

const Fault duplicate_ip_arp_conflict{&kInfo, find};

}  // namespace tcpdx::faults
