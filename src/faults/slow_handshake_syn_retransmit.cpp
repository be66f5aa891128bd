// slow-handshake-syn-retransmit: connects succeed, but only after a repeated SYN.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <ranges>

#include "base/text.hpp"
#include "faults/age.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/opens.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeast = 20;
constexpr double kHighShare = 0.10;
constexpr uint64_t kMany = 100;
constexpr double kShare = 0.01;
constexpr double kOngoing = 0.5;  // of the window, from the first lost SYN to the last

constexpr std::array kStates{tcp::State::syn_sent, tcp::State::syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"slow name resolution", "there the time passes before the first SYN"},
    LookAlike{"a slow TLS handshake", "there the time passes after the third segment"},
    LookAlike{"stale-tuple-collision", "there the first SYN is answered by a bare ACK"},
    LookAlike{"connect-blackhole", "there no attempt succeeds"},
    LookAlike{"accept-queue-overflow", "there the listener's own queue is what drops SYNs"},
};
constexpr auto kCounters = std::to_array<std::string_view>({"TcpExt.TCPSynRetrans"});
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
        "In less than 30 s it is only suspected, and on the machine a notice, unless the kernel's "
        "events show that SYNs were lost over more than half of the window: a burst loses some in "
        "one moment. Without events only connections that are still open count.",
    .severity = "warning above 10 %, else notice; notice in a short look at the machine",
    .remedy =
        "Find what drops SYNs: a full accept queue, a rate limit, a NAT whose ports collide, a "
        "lossy link. Keep connections alive instead of opening new ones.",
    .avoid = "A shorter initial retransmission time: it adds repeats on every slow path.",
    .silent_on = "a single repeat on a mobile link, connections that were opened before the look",
    .counters = kCounters,
};

Duration handshake_time(const Connection& c) {
  for (const StateChange& change : c.timeline) {
    if (change.cause == Cause::syn_ack_received) return change.at;
  }
  return {};
}

bool is_fault(uint64_t repeated, uint64_t all) {
  const double share = ratio(repeated, all);
  return (all >= kLeast && share > kHighShare) || (all >= kMany && share > kShare);
}

void add_advice(Finding& f) {
  f.remedy.push_back(
      "find what drops SYNs: capture at both ends and compare; keep connections open "
      "instead of opening new ones");
  f.avoid.push_back("a shorter initial retransmission time: it adds repeats on every slow path");
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
  add_advice(f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::slow_handshake)) {
    if (is_fault(group.count, group.end.complete)) findings.push_back(report(facts, group));
  }
  return findings;
}

// Between the first and the last SYN to the destination that had to be repeated.
Duration lost_over(const Facts& facts, const Opens& opens) {
  std::map<uint64_t, Duration> first_repeats;
  for (const TcpEvent* event : facts.events(EventKind::retransmit)) {
    if (event->retransmit != RetransmitKind::syn || event->netns != opens.netns) continue;
    if (event->remote.port != opens.destination.port) continue;
    if (event->remote.addr.unmapped() != opens.destination.addr) continue;
    first_repeats.emplace(event->cookie, event->at);
  }
  if (first_repeats.empty()) return {};
  const auto [first, last] = std::ranges::minmax(first_repeats | std::views::values);
  return last - first;
}

Finding report(const Facts& facts, const Opens& opens) {
  const double share = ratio(opens.repeated, opens.judged);
  const bool ongoing =
      !facts.is_short() || std::chrono::duration<double>(lost_over(facts, opens)) >
                               std::chrono::duration<double>(facts.seen.window) * kOngoing;
  Finding f =
      make_finding(kInfo, share > kHighShare && ongoing ? Severity::warning : Severity::notice,
                   ongoing ? Confidence::likely : Confidence::suspected);
  f.subject.destination = opens.destination;
  f.headline = fmt::format("{} of {} of {} to {}{} opened only after a repeated SYN",
                           grouped(opens.repeated), counted(opens.judged, "new connection"),
                           callers(facts, opens), to_string(opens.destination),
                           in_namespace(facts, opens.netns));
  f.cause =
      "the first SYN or its answer was lost: a SYN is repeated only after a second, so these "
      "connects took 1 s and more";
  const std::string source = facts.seen.events.connects.empty() ? "tcp_info" : "connect()";
  add_judged(f, "share of the new connections", percent(share),
             percent(share > kHighShare ? kHighShare : kShare), source);
  if (opens.most_repeats > 0) {
    const auto linear = facts.sysctl(opens.netns, "net.ipv4.tcp_syn_linear_timeouts").value_or(0);
    add_fact(f, "slowest, at least",
             human(syn_repeat_time(opens.most_repeats, static_cast<unsigned>(linear))), "tcp_info");
  }
  if (const auto repeats = facts.rise(opens.netns, "TcpExt.TCPSynRetrans")) {
    add_fact(f, "SYNs and SYN-ACKs repeated in the window", *repeats, "TcpExt.TCPSynRetrans");
  }
  const Process* caller =
      opens.process == kNoIndex ? nullptr : &facts.seen.processes[opens.process];
  set_process(facts, opens.netns, caller, f);
  f.confirm.push_back(
      fmt::format("on {}: nstat -az TcpExtListenOverflows TcpExtListenDrops   (rising: the accept "
                  "queue of port {} is full)",
                  to_string(opens.destination.addr), opens.destination.port));
  add_advice(f);
  f.see.push_back(fmt::format("tcpdx sockets 'dst host {}'", to_string(opens.destination.addr)));
  return f;
}

bool repeated_any(const Facts& facts) {
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    if (facts.rise(netns, "TcpExt.TCPSynRetrans").value_or(1) > 0) return true;
  }
  return false;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  if (!repeated_any(facts)) return findings;
  for (const Opens& opens : opens_by_destination(facts)) {
    if (is_fault(opens.repeated, opens.judged)) findings.push_back(report(facts, opens));
  }
  return merged_by_program(std::move(findings), "open as slowly", "destinations that open slowly");
}

}  // namespace

const Fault slow_handshake_syn_retransmit{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
