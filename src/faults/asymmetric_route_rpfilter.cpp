// asymmetric-route-rpfilter: the answers come in by another interface, and this host throws them
// away.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/probed.hpp"
#include "faults/syn_sent.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kFiltered = 3;
constexpr uint64_t kStrict = 1;  // rp_filter, RFC 3704 2.2

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there no answer arrives at all"},
    LookAlike{"synack-lost", "there a firewall, or another host, drops the answer"},
    LookAlike{"forged sources from the Internet", "there nothing of this host waits for them"},
};
constexpr auto kCounters = std::to_array<std::string_view>({"TcpExt.IPReversePathFilter"});
constexpr FaultInfo kInfo{
    .id = "asymmetric-route-rpfilter",
    .title = "Answers arrive by another interface than they are routed to, and are thrown away",
    .states = kStates,
    .signature =
        "SYN-SENT here and SYN-RECEIVED at the server: its SYN-ACKs arrive, but by an interface by "
        "which this host would not send to the server. Strict reverse-path filtering (rp_filter=1) "
        "drops them below TCP: IPReversePathFilter rises, Tcp.InSegs does not. The filter eats the "
        "server's ARP requests as well, and then no counter moves.",
    .look_alikes = kLookAlikes,
    .trigger =
        "IPReversePathFilter of the namespace rose by at least 3 in the look, while SYNs to a "
        "destination were repeated there: a suspicion, because sources forged by others are "
        "filtered too. Asked (doctor --probe), no echo of that destination was answered and at "
        "least half as many packets were filtered meanwhile as echoes were sent: then it is sure.",
    .severity = "warning; notice while it is only a suspicion",
    .remedy =
        "Routes so that both directions use one interface: a rule by source address, a table for "
        "each interface. Or rp_filter=2 on the interface by which the answers come (the larger of "
        "conf.all and that of the interface counts).",
    .avoid = "rp_filter=0 everywhere: forged sources then pass.",
    .silent_on = "forged sources at the edge of the Internet",
    .counters = kCounters,
    .gains_from_probing = true,
};

// What the network says: nothing where that destination was not asked, or answered.
std::optional<uint64_t> filtered_answers(const Facts& facts, const Attempts& attempts) {
  const ProbedHost* host = probed(facts, attempts.example->netns, attempts.destination.addr);
  if (host == nullptr || !host->rtts.empty() || host->echoes == 0) return std::nullopt;
  const uint64_t filtered = host->reverse_path_filtered.value_or(0);
  return filtered * 2 >= host->echoes ? std::optional(filtered) : std::nullopt;
}

bool was_asked_in_vain(const Facts& facts, const Attempts& attempts) {
  return probed(facts, attempts.example->netns, attempts.destination.addr) != nullptr &&
         !filtered_answers(facts, attempts);
}

bool is_repeated(const Attempts& attempts) {
  return std::ranges::any_of(attempts.now,
                             [](const Socket* s) { return s->timer.retransmits > 0; });
}

Finding report(const Facts& facts, const Attempts& attempts, uint64_t rise) {
  const Socket& one = *attempts.example;
  const auto proven = filtered_answers(facts, attempts);
  Finding f = make_finding(kInfo, proven ? Severity::warning : Severity::notice,
                           proven ? Confidence::confirmed : Confidence::suspected);
  set_owner(facts, one, f);
  f.subject.destination = attempts.destination;
  f.headline = fmt::format("{} {} no answer from {}{}: this host throws {} away",
                           callers(facts, attempts), attempts.count() == 1 ? "gets" : "get",
                           to_string(attempts.destination), in_namespace(facts, one),
                           proven ? "what comes" : "packets that may be its answers");
  f.cause =
      "they come in by another interface than packets to their source would go out by, which "
      "reverse-path filtering forbids";
  add_judged(f, "packets filtered for their source", rise, kFiltered, "TcpExt.IPReversePathFilter");
  add_fact(f, "attempts", uint64_t{attempts.count()}, "sock_diag");
  if (proven) {
    add_fact(f, "filtered while it was asked", *proven, "TcpExt.IPReversePathFilter");
  }
  if (const auto all = facts.sysctl(one.netns, "net.ipv4.conf.all.rp_filter")) {
    add_fact(f, "rp_filter of all interfaces",
             std::string(*all == kStrict ? "1 (strict)" : fmt::to_string(*all)), "sysctl");
  }
  const std::string inside = run_inside(facts, one);
  const std::string host = to_string(attempts.destination.addr.unmapped());
  f.confirm.push_back(fmt::format(
      "{0}ip route get {1}; {0}sysctl -ar 'conf.*.rp_filter'; {0}tcpdump -ni any host {1}   (by "
      "which interface do answers come?)",
      inside, host));
  f.remedy.push_back(
      "routes so that both directions use one interface: a rule by source address and a table for "
      "each interface");
  f.remedy.push_back("or rp_filter=2 (loose) on the interface by which the answers come");
  f.avoid.push_back("rp_filter=0 everywhere: forged sources then pass");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Attempts& attempts : attempts_by_destination(facts)) {
    const uint64_t rise =
        facts.rise(attempts.example->netns, "TcpExt.IPReversePathFilter").value_or(0);
    if (attempts.succeeded > 0 || !is_repeated(attempts)) continue;
    const bool proven = filtered_answers(facts, attempts).has_value();
    if (!proven && (rise < kFiltered || was_asked_in_vain(facts, attempts))) continue;
    findings.push_back(report(facts, attempts, rise));
  }
  return findings;
}

}  // namespace

const Fault asymmetric_route_rpfilter{&kInfo, find};

}  // namespace tcpdx::faults
