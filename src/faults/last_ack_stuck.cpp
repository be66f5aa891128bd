// last-ack-stuck: the peer vanished before the last ACK.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/closing.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kLeast = 20;

constexpr std::array kStates{last_ack};
constexpr std::array kLookAlikes{
    LookAlike{"normal passage", "lasts one round trip, no repeats"},
    LookAlike{"the end of a load test", "fades within two minutes"},
    LookAlike{"fin-wait1-stuck", "there this side closed first"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"Tcp.ActiveOpens", "Tcp.AttemptFails", "Tcp.CurrEstab",
                                     "Tcp.EstabResets", "Tcp.PassiveOpens", "TcpExt.TW"});
constexpr FaultInfo kInfo{
    .id = "last-ack-stuck",
    .title = "Peers vanished before the last acknowledgment",
    .states = kStates,
    .signature =
        "LAST-ACK without an owner, the FIN repeated: the peer closed first and then no "
        "longer answered. A load generator that was cut off, or a firewall that forgets "
        "half-closed connections. It ends after about 100 s.",
    .look_alikes = kLookAlikes,
    .trigger = "At least 20 with three repeats and above 5 % of all closes.",
    .severity = "info: no user waits for these connections",
    .remedy =
        "None for a dead client; where a firewall stands between, longer limits for "
        "half-closed connections.",
    .avoid = "Shorter tcp_fin_timeout: it does not touch LAST-ACK.",
    .silent_on = "single clients that vanish",
    .counters = kCounters,
};

Finding report(const Facts& facts, const Closing& closing) {
  const Sockets& group = closing.silent;
  const Socket& one = *group.front();
  Finding f = make_finding(kInfo, Severity::info, closing_confidence(facts, closing));
  f.subject.netns = facts.seen.namespaces[closing.netns].inode;
  f.subject.local = one.local;
  f.subject.remote = one.remote;
  f.headline = fmt::format("{} stay in LAST-ACK, the oldest for at least {}",
                           peers_of(facts, group), human(oldest(facts, group).at_least));
  f.cause =
      "the peers closed first, this side followed, and its FIN is not acknowledged: the peers are "
      "gone, or a firewall has already forgotten the connections";
  add_fact(f, "FIN repeated three times or more", uint64_t{group.size()}, "sock_diag");
  add_judged(f, "share of closes in the window", percent(closing.share()), percent(kShareOfCloses),
             "TcpExt.TW, Tcp.CurrEstab, sock_diag");
  f.confirm.push_back(fmt::format("{}ss -tano state last-ack 'sport = :{}'", run_inside(facts, one),
                                  one.local.port));
  f.remedy.push_back(
      "nothing for dead clients; a firewall between needs longer limits for half-closed "
      "connections (nf_conntrack_tcp_timeout_last_ack, _close_wait)");
  f.avoid.push_back("a shorter tcp_fin_timeout: it does not touch LAST-ACK");
  f.see.push_back("tcpdx sockets 'state last-ack'");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Closing& closing : stuck_in(facts, last_ack)) {
    if (closing.silent.size() >= kLeast && closing.share() > kShareOfCloses) {
      findings.push_back(report(facts, closing));
    }
  }
  return findings;
}

}  // namespace

const Fault last_ack_stuck{&kInfo, find};

}  // namespace tcpdx::faults
