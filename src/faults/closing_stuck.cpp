// closing-stuck: both sides closed at once, and the last ACKs are lost.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/closing.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr std::array kStates{closing};
constexpr std::array kLookAlikes{
    LookAlike{"a simultaneous close", "passes to TIME-WAIT within one round trip, no repeats"},
    LookAlike{"fin-wait1-stuck", "there nothing was heard of the peer's FIN"},
    LookAlike{"last-ack-stuck", "there the peer closed first and this side followed later"},
};
constexpr FaultInfo kInfo{
    .id = "closing-stuck",
    .title = "Both sides closed at once, and this side's FIN is not acknowledged",
    .states = kStates,
    .signature =
        "CLOSING with the FIN repeated (retransmission timer): the peer's FIN arrived here, but no "
        "acknowledgment of ours. So packets pass towards this side and not back, or the peer is "
        "gone since. The peer stays in FIN-WAIT-1; both go to TIME-WAIT as soon as ACKs pass.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Any connection in CLOSING with three repeats of its FIN: seven times the base RTO. "
        "CLOSING is rare and lasts one round trip, so that a single one which stays is a sign.",
    .severity = "info: no user waits for it, but it points to a path that loses one direction",
    .remedy = "Look at the path from here to that peer: a capture at both ends tells which way.",
    .avoid = "A shorter tcp_fin_timeout: it does not touch CLOSING.",
    .silent_on = "CLOSING for less than two repeats",
};

Finding report(const Facts& facts, const Closing& closing) {
  const Sockets& group = closing.silent;
  const Socket& one = *group.front();
  uint64_t repeats = 0;
  for (const Socket* s : group) repeats = std::max<uint64_t>(repeats, s->timer.retransmits);
  // The kernel's own timer proves the time, so that a short look is enough.
  Finding f = make_finding(kInfo, Severity::info,
                           facts.is_short() ? Confidence::likely : Confidence::confirmed);
  f.subject.netns = facts.seen.namespaces[closing.netns].inode;
  f.subject.local = one.local;
  f.subject.remote = one.remote;
  f.headline =
      fmt::format("{} {} in CLOSING, the oldest for at least {}", peers_of(facts, group),
                  group.size() == 1 ? "stays" : "stay", human(oldest(facts, group).at_least));
  f.cause =
      "both sides closed at the same time: the peer's FIN came, but it does not acknowledge ours; "
      "packets from here are lost on the way there, or it has gone since";
  add_fact(f, "FIN repeated three times or more", uint64_t{group.size()}, "sock_diag");
  add_judged(f, "repeats, at most", repeats, uint64_t{kFinRepeats}, "sock_diag");
  f.confirm.push_back(fmt::format("{}tcpdump -ni any 'tcp port {} and host {}'   (at both ends)",
                                  run_inside(facts, one), one.local.port,
                                  to_string(one.remote.addr.unmapped())));
  f.remedy.push_back(
      "nothing for the connection itself: the kernel drops it after about 100 s; look for what "
      "loses packets from here to that peer (firewall, asymmetric route)");
  f.avoid.push_back("a shorter tcp_fin_timeout: it does not touch CLOSING");
  f.see.push_back("tcpdx sockets 'state closing'");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Closing& stuck : stuck_in(facts, closing)) {
    if (!stuck.silent.empty()) findings.push_back(report(facts, stuck));
  }
  return findings;
}

}  // namespace

const Fault closing_stuck{&kInfo, find};

}  // namespace tcpdx::faults
