// connect-blackhole: SYNs leave, nobody answers.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"
#include "faults/syn_sent.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kLeastAttempts = 3;
constexpr Duration kOldest = 3s;
constexpr unsigned kRepeats = 2;  // one lost SYN is normal, two in a row are not

constexpr std::array kStates{syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"host-unreachable",
              "there a neighbour or a route is missing, and connect() fails in 3 s"},
    LookAlike{"connection refused", "there the answer is a reset, at once"},
    LookAlike{"accept-queue-overflow at the peer", "there some connections succeed"},
    LookAlike{"one dead target of a monitor", "fewer than three attempts"},
};
constexpr FaultInfo kInfo{
    .id = "connect-blackhole",
    .title = "Connection attempts get no answer at all",
    .states = kStates,
    .signature =
        "SYN-SENT towards one destination with repeated SYNs, no reset, no ICMP error, no "
        "success. connect() ends after one to two minutes with ETIMEDOUT.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per destination: at least three attempts, none successful in the window, the oldest at "
        "least 3 s old with two repeats. Connections from before prove nothing: the peer may "
        "have died since. Per destination, because one dead target among thousands is "
        "that target's problem. In a capture: three SYNs or more, at least one repeated "
        "twice, and no answer to any.",
    .severity = "warning",
    .remedy =
        "Correct the address, the firewall rule or the route; give the program a connect "
        "timeout and a retry with a pause.",
    .avoid = "Raising tcp_syn_retries: it only waits longer.",
    .silent_on = "single repeats, a lost race between IPv4 and IPv6, discovery probes",
};

size_t twice_repeated(const Attempts& attempts) {
  const auto twice = [](const Socket* s) { return s->timer.retransmits >= kRepeats; };
  return static_cast<size_t>(std::ranges::count_if(attempts.now, twice) +
                             std::ranges::count_if(attempts.gone, twice));
}

bool is_blackhole(const Facts& facts, const Attempts& attempts) {
  if (attempts.count() < kLeastAttempts || attempts.now.empty() || attempts.succeeded > 0) {
    return false;
  }
  // Programs with a timeout have given up the old attempts; the new ones must at least repeat.
  const bool repeats =
      std::ranges::any_of(attempts.now, [](const Socket* s) { return s->timer.retransmits > 0; });
  return repeats && twice_repeated(attempts) > 0 && longest_wait(facts, attempts) >= kOldest &&
         unreachable_reason(attempts).empty();
}

void add_advice(const Facts& facts, const Attempts& attempts, Finding& f) {
  const std::string inside = run_inside(facts, *attempts.example);
  const std::string host = to_string(attempts.destination.addr);
  const uint16_t port = attempts.destination.port;
  f.confirm.push_back(
      fmt::format("{0}ping -c 3 {1}; {0}traceroute -n -T -p {2} {1}", inside, host, port));
  f.confirm.push_back(
      fmt::format("{}nft list ruleset   (a local rule that drops port {}?)", inside, port));
  f.remedy.push_back(
      "correct the address, the firewall rule or the route; ask at the target whether the SYN "
      "arrives");
  f.remedy.push_back(
      "give the program a connect timeout of a few seconds and a retry with a pause");
  f.avoid.push_back("raising tcp_syn_retries: it only waits longer");
}

Finding report(const Facts& facts, const Attempts& attempts) {
  const Socket& one = *attempts.example;
  const bool all = twice_repeated(attempts) >= kLeastAttempts;
  Finding f =
      make_finding(kInfo, Severity::warning, all ? Confidence::confirmed : Confidence::likely);
  set_owner(facts, one, f);
  f.subject.destination = attempts.destination;
  f.headline = fmt::format("{} of {} to {}{} get no answer, the oldest for at least {}",
                           counted(attempts.count(), "connection attempt"),
                           callers(facts, attempts), to_string(attempts.destination),
                           in_namespace(facts, one), human(longest_wait(facts, attempts)));
  f.cause =
      "the SYNs leave and nothing comes back: the target is gone, or a filter on the way drops "
      "them silently (a closed port would answer with a reset, a router with an ICMP error)";
  add_fact(f, "attempts", uint64_t{attempts.count()}, "sock_diag");
  add_fact(f, "successful", uint64_t{attempts.succeeded}, "sock_diag");
  add_fact(f, "SYN repeated twice or more", uint64_t{twice_repeated(attempts)}, "sock_diag");
  if (attempts.route != nullptr && attempts.route->neighbour) {
    add_fact(f, "next hop", std::string(to_string(*attempts.route->neighbour)), "rtnetlink");
  }
  add_advice(facts, attempts, f);
  f.see.push_back(fmt::format("tcpdx sockets 'state syn-sent and dst host {}'",
                              to_string(attempts.destination.addr)));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Attempts& attempts : attempts_by_destination(facts)) {
    if (is_blackhole(facts, attempts)) findings.push_back(report(facts, attempts));
  }
  return merged_by_program(std::move(findings), "do not answer either",
                           "destinations without answer");
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f =
      make_finding(kInfo, Severity::warning,
                   group.count >= kLeastAttempts ? Confidence::confirmed : Confidence::likely);
  f.subject.destination = group.place;
  Duration longest{};
  for (const Kept& one : group.kept) longest = std::max(longest, one->duration);
  f.headline = fmt::format("{} to {} got no answer, the longest tried for {}",
                           counted(group.end.attempts, "connection attempt"), name_of(group.place),
                           human(longest));
  f.cause =
      "SYNs and nothing comes back: the target is gone, or a filter on the way drops them silently "
      "(a closed port would answer with a reset, a router with an ICMP error)";
  add_fact(f, "attempts", group.end.attempts, std::string(kCapture));
  add_fact(f, "successful", group.end.complete, std::string(kCapture));
  add_fact(f, "SYN repeated twice or more", group.count, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("ping -c 3 {0}; traceroute -n -T -p {1} {0}",
                                  to_string(group.place.addr), group.place.port));
  f.remedy.push_back(
      "correct the address, the firewall rule or the route; ask at the target whether the SYN "
      "arrives");
  f.avoid.push_back("raising tcp_syn_retries: it only waits longer");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::unanswered)) {
    // Every attempt went unheard: one answer of whatever kind is another fault.
    if (group.end.attempts >= kLeastAttempts && group.end.unheard == group.end.attempts) {
      findings.push_back(report(facts, group));
    }
  }
  return findings;
}

}  // namespace

const Fault connect_blackhole{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
