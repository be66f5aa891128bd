// challenge-ack-or-ack-loop: two endpoints disagree on their sequence numbers.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/order.hpp"
#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeast = 10;   // of a namespace or of one connection; single ones are normal
constexpr double kShare = 0.001;  // of the segments received
// Keep-alives come once a second at most (TCP_KEEPINTVL counts seconds); a loop between two Linux
// ends is held to two a second and direction (tcp_invalid_ratelimit).
constexpr double kFasterThanKeepalive = 1.2;
constexpr size_t kManyPeers = 4;

constexpr std::string_view kSegments = "Tcp.InSegs";
constexpr std::string_view kChallenge = "TcpExt.TCPChallengeACK";
// Each SYN for a live connection, whether or not its challenge ACK was sent.
constexpr std::string_view kSynChallenge = "TcpExt.TCPSYNChallenge";
// ACKs that were not sent because the last one is younger than tcp_invalid_ratelimit. Keep-alives
// and single segments out of place never come that fast.
constexpr std::string_view kSkippedChallenge = "TcpExt.TCPACKSkippedChallenge";
constexpr std::string_view kSkipped = "TcpExt.TCPACKSkippedSeq";
// Why the kernel drops such segments. TCP_OLD_SEQUENCE, TCP_RESET and the PAWS ones are left out:
// keep-alives, resets that are believed and needless repeats have them too.
constexpr std::array<std::string_view, 3> kReasons{"TCP_ACK_UNSENT_DATA", "TCP_INVALID_SEQUENCE",
                                                   "TCP_TOO_OLD_ACK"};

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"stale-tuple-collision",
              "a SYN for a live connection: TCPSYNChallenge rises equally"},
    LookAlike{"keep-alives", "they come once a second at most, and none is skipped"},
    LookAlike{"reordering-spurious-retransmit", "old segments, not numbers that never were"},
    LookAlike{"a reset that overtook data", "a single challenge ACK"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Tcp.InSegs", "TcpExt.BeyondWindow", "TcpExt.TCPACKSkippedChallenge",
     "TcpExt.TCPACKSkippedSeq", "TcpExt.TCPChallengeACK", "TcpExt.TCPSYNChallenge"});
constexpr FaultInfo kInfo{
    .id = "challenge-ack-or-ack-loop",
    .title = "Segments arrive whose sequence numbers fit no connection",
    .states = kStates,
    .signature =
        "TCPChallengeACK or TCPACKSkipped* rise again and again: resets, or ACKs, whose numbers do "
        "not fit are answered by an ACK that says what is expected (RFC 5961), at most two a "
        "second for each connection. Two ends that disagree answer each other like that for ever: "
        "a box rewrites the numbers of one direction, an address is used twice, a machine was "
        "cloned. From many ports at once it is someone who guesses numbers.",
    .look_alikes = kLookAlikes,
    .trigger =
        "In a namespace at least 10 and more than 1 in 1 000 of the segments received, again and "
        "again within the look; those that answer a SYN are not counted. Or, where the kernel's "
        "events are followed, more than 10 on one connection and more than 1.2 a second: "
        "keep-alives come once a second at most. Counters alone suspect, in a long look they make "
        "it likely.",
    .severity = "notice: the kernel drops what does not fit",
    .remedy =
        "Find the box that rewrites sequence numbers and switch that off; else the second owner "
        "of the address. Kill the connection to end a loop.",
    .avoid = "tcp_invalid_ratelimit=0: it lets a loop run at full speed.",
    .silent_on = "single challenge ACKs, keep-alives, SYNs for a live connection",
    .counters = kCounters,
};

// A connection of which segments that do not fit were dropped.
struct Flow {
  const TcpEvent* one = nullptr;
  uint64_t dropped = 0;
};

struct Odd {
  size_t netns = 0;
  uint64_t challenged = 0;  // or would have been; those that answer a SYN left out
  uint64_t skipped = 0;     // ACKs out of place that got no answer
  uint64_t received = 0;
  std::vector<Flow> flows;  // the worst first
  uint64_t all() const { return challenged + skipped; }
};

uint64_t difference(uint64_t from, uint64_t take) { return from - std::min(from, take); }

Odd odd_in(const Facts& facts, size_t netns) {
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  return {.netns = netns,
          .challenged = difference(rise(kChallenge) + rise(kSkippedChallenge), rise(kSynChallenge)),
          .skipped = rise(kSkipped),
          .received = rise(kSegments),
          .flows = {}};
}

// Connections that drop such segments faster than keep-alives come, the worst first.
std::vector<Flow> flows_in(const Facts& facts, size_t netns) {
  std::map<std::pair<SocketAddress, SocketAddress>, Flow> all;
  for (const TcpEvent* event : facts.events(EventKind::drop)) {
    if (event->netns != netns) continue;
    if (std::ranges::find(kReasons, facts.reason(*event)) == kReasons.end()) continue;
    Flow& flow = all[{event->local, event->remote}];
    flow.one = event;
    ++flow.dropped;
  }
  const double most =
      std::max(static_cast<double>(kLeast), kFasterThanKeepalive * seconds(facts.seen.window));
  std::vector<Flow> found;
  for (const auto& [numbers, flow] : all) {
    if (static_cast<double>(flow.dropped) > most) found.push_back(flow);
  }
  sort_keeping_order(found, std::greater{}, &Flow::dropped);
  return found;
}

bool keeps_coming(const Facts& facts, const Odd& odd) {
  if (odd.all() < kLeast || ratio(odd.all(), odd.received) <= kShare) return false;
  const auto rises = [&](std::string_view name) { return keeps_rising(facts, odd.netns, name); };
  return (odd.challenged > 0 && (rises(kChallenge) || rises(kSkippedChallenge))) || rises(kSkipped);
}

size_t peers_of(const Odd& odd) {
  std::set<IpAddress> peers;
  for (const Flow& flow : odd.flows) peers.insert(flow.one->remote.addr);
  return peers.size();
}

std::string headline_of(const Facts& facts, const Odd& odd) {
  const std::string where = in_namespace(facts, odd.netns);
  if (odd.flows.empty()) {
    return fmt::format("{}{} did not fit their connections within {}, 1 of {} received",
                       counted(odd.all(), "segment"), where, human(facts.seen.window),
                       grouped(odd.received / std::max<uint64_t>(1, odd.all())));
  }
  const Flow& worst = odd.flows.front();
  if (odd.flows.size() > 1) {
    return fmt::format(
        "Segments whose numbers do not fit keep arriving on {}{}, up to {} each "
        "within {}",
        counted(odd.flows.size(), "connection"), where, grouped(worst.dropped),
        human(facts.seen.window));
  }
  const Process* owner = facts.process(*worst.one);
  return fmt::format("{} {} with {}{} got {} whose numbers do not fit within {}",
                     owner != nullptr ? describe(*owner) + "'s connection" : "The connection",
                     to_string(worst.one->local), to_string(worst.one->remote), where,
                     counted(worst.dropped, "segment"), human(facts.seen.window));
}

std::string cause_of(const Odd& odd) {
  if (peers_of(odd) >= kManyPeers) {
    return "many connections at once: a box on the way rewrites sequence numbers, or someone "
           "guesses them";
  }
  return "the two ends disagree on their sequence numbers: a box between rewrites them, the "
         "address is used twice, or someone sends forged resets";
}

void add_evidence(const Facts& facts, const Odd& odd, Finding& f) {
  if (!odd.flows.empty()) {
    const Flow& worst = odd.flows.front();
    add_judged(f, "dropped on one connection", worst.dropped, uint64_t{kLeast},
               fmt::format("kfree_skb {}", facts.reason(*worst.one)));
  }
  if (odd.challenged > 0) {
    add_fact(f, "challenged", odd.challenged,
             "TcpExt.TCPChallengeACK, TCPACKSkippedChallenge, TCPSYNChallenge");
  }
  if (odd.skipped > 0)
    add_fact(f, "left without an answer", odd.skipped, "TcpExt.TCPACKSkippedSeq");
  const uint64_t beyond = facts.rise(odd.netns, "TcpExt.BeyondWindow").value_or(0);
  if (beyond > 0) add_fact(f, "beyond the window", beyond, "TcpExt.BeyondWindow");
  add_judged(f, "share of segments received", percent(ratio(odd.all(), odd.received)),
             percent(kShare), "Tcp.InSegs");
}

Confidence confidence_of(const Facts& facts, const Odd& odd, bool counted) {
  // The kernel's reason and its counters are two sources.
  if (!odd.flows.empty()) {
    return counted && !facts.is_short() ? Confidence::confirmed : Confidence::likely;
  }
  return at_most_for(facts, Confidence::likely);
}

Finding report(const Facts& facts, const Odd& odd, bool counted) {
  Finding f = make_finding(kInfo, Severity::notice, confidence_of(facts, odd, counted));
  f.subject.netns = facts.seen.namespaces[odd.netns].inode;
  if (odd.flows.size() == 1) {
    const TcpEvent& one = *odd.flows.front().one;
    f.subject.local = one.local;
    f.subject.remote = one.remote;
    if (const Process* owner = facts.process(one)) {
      f.subject.pid = owner->pid;
      f.subject.comm = owner->comm;
    }
  }
  f.headline = headline_of(facts, odd);
  f.cause = cause_of(odd);
  add_evidence(facts, odd, f);
  const std::string inside = run_inside(facts, odd.netns);
  f.confirm.push_back(
      fmt::format("{}nstat -az TcpExtTCPChallengeACK TcpExtTCPACKSkippedSeq   (rising)", inside));
  f.confirm.push_back(fmt::format(
      "{}tcpdump -Sni any tcp   (bare ACKs to and fro with the same numbers, or resets)", inside));
  f.remedy.push_back(
      "switch off the rewriting of sequence numbers on the firewall between; look for a second "
      "machine with the address (arping -D)");
  const bool one = odd.flows.size() == 1;
  f.remedy.push_back(
      fmt::format("end a loop by closing that connection: {}ss -K dst {} dport = :{}", inside,
                  one ? to_string(odd.flows.front().one->remote.addr.unmapped()) : "ADDRESS",
                  one ? fmt::to_string(odd.flows.front().one->remote.port) : "PORT"));
  f.avoid.push_back("tcp_invalid_ratelimit=0: it lets a loop run at full speed");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    Odd odd = odd_in(facts, netns);
    odd.flows = flows_in(facts, netns);
    const bool counted = keeps_coming(facts, odd);
    if (counted || !odd.flows.empty()) findings.push_back(report(facts, odd, counted));
  }
  return findings;
}

}  // namespace

const Fault challenge_ack_or_ack_loop{&kInfo, find};

}  // namespace tcpdx::faults
