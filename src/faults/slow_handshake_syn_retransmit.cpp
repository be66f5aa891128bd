// slow-handshake-syn-retransmit: connects succeed, but only after a repeated SYN.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeast = 20;
constexpr double kHighShare = 0.10;
constexpr uint64_t kMany = 100;
constexpr double kShare = 0.01;

constexpr std::array kStates{tcp::State::syn_sent, tcp::State::syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"slow name resolution", "there the time passes before the first SYN"},
    LookAlike{"a slow TLS handshake", "there the time passes after the third segment"},
    LookAlike{"stale-tuple-collision", "there the first SYN is answered by a bare ACK"},
    LookAlike{"connect-blackhole", "there no attempt succeeds"},
};
constexpr FaultInfo kInfo{
    .id = "slow-handshake-syn-retransmit",
    .title = "Connections open, but only after a repeated SYN",
    .states = kStates,
    .signature =
        "Handshakes that complete after 1, 2, 3 s and so on (1, 3, 7 s on older kernels) "
        "instead of one round trip: the first SYN or its SYN-ACK was lost.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per destination more than 10 % of 20 connects or more, or more than 1 % of 100 or more, "
        "needed a second SYN. A healthy path across the Internet loses well under 1 % of SYNs. "
        "In less than 30 s it is only suspected.",
    .severity = "warning above 10 %, else notice",
    .remedy =
        "Find what drops SYNs: a full accept queue, a rate limit, a NAT whose ports collide, a "
        "lossy link. Keep connections alive instead of opening new ones.",
    .avoid = "A shorter initial retransmission time: it adds repeats on every slow path.",
    .silent_on = "a single repeat on a mobile link",
};

Duration handshake_time(const Connection& c) {
  for (const StateChange& change : c.timeline) {
    if (change.cause == Cause::syn_ack_received) return change.at;
  }
  return {};
}

Finding report(const CaptureFacts& facts, const Group& group) {
  const double share = group.share_of(group.end.complete);
  Finding f = make_finding(kInfo, share > kHighShare ? Severity::warning : Severity::notice,
                           at_most_for(facts, Confidence::likely));
  f.subject.destination = group.place;
  Duration slowest{};
  for (const Kept& one : group.kept) {
    slowest = std::max(slowest, handshake_time(*one.connection));
  }
  f.headline = fmt::format("{} of {} to {} opened only after a repeated SYN", grouped(group.count),
                           counted(group.end.complete, "connection"), name_of(group.place));
  f.cause = "the first SYN or its answer was lost: a SYN is repeated only after a second";
  add_judged(f, "share of the handshakes", percent(share),
             percent(group.end.complete >= kMany ? kShare : kHighShare), std::string(kCapture));
  if (slowest > Duration{}) add_fact(f, "slowest", human(slowest), std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format(
      "on {}: nstat -az TcpExtListenOverflows TcpExtListenDrops   (rising: the accept queue of "
      "port {} is full)",
      to_string(group.place.addr), group.place.port));
  f.remedy.push_back(
      "find what drops SYNs: capture at both ends and compare; keep connections open "
      "instead of opening new ones");
  f.avoid.push_back("a shorter initial retransmission time: it adds repeats on every slow path");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::slow_handshake)) {
    const uint64_t all = group.end.complete;
    const double share = group.share_of(all);
    if ((all >= kLeast && share > kHighShare) || (all >= kMany && share > kShare)) {
      findings.push_back(report(facts, group));
    }
  }
  return findings;
}

}  // namespace

const Fault slow_handshake_syn_retransmit{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
