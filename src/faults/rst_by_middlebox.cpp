// rst-by-middlebox: a box on the way resets in another's name.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kFlows = 2;

constexpr std::array kStates{tcp::State::established, tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"an endpoint that aborts", "its reset has the TTL of its other segments"},
    LookAlike{"a host that resets with another TTL", "some stacks and balancers do, always"},
    LookAlike{"a reject rule on the server itself", "the TTL fits"},
};
constexpr FaultInfo kInfo{
    .id = "rst-by-middlebox",
    .title = "A box on the way resets connections in another's name",
    .states = kStates,
    .signature =
        "A reset with the address of the peer but not its TTL, or behind which the peer goes on as "
        "if nothing had happened. Its IP id of 0, window of 0 and lack of options prove nothing: "
        "Linux resets look like that too.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least two connections of one host reset in its name by another; a single one is a "
        "suspicion. Only a capture at both ends can confirm it.",
    .severity = "warning; notice for a single connection",
    .remedy =
        "Look at firewalls, intrusion prevention and idle limits on the way; ask who runs it.",
    .avoid = "Dropping all resets: dead connections would then hang instead.",
    .silent_on = "refused connections, resets that the endpoint itself sends",
};

std::string evidence_of(const Connection& c) {
  const auto at = std::ranges::find(c.anomalies, AnomalyKind::forged_reset, &Anomaly::kind);
  return at == c.anomalies.end() ? "" : at->detail;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  const bool several = group.count >= kFlows;
  Finding f = make_finding(kInfo, several ? Severity::warning : Severity::notice,
                           several ? Confidence::likely : Confidence::suspected);
  set_place(group.place, f);
  f.headline =
      fmt::format("{} reset in the name of {}, but not by it",
                  group.count == 1 ? "1 connection was"
                                   : fmt::format("{} were", counted(group.count, "connection")),
                  name_of(group.place));
  f.cause = "a firewall, balancer or filter on the way sends resets with the address of the peer";
  add_fact(f, "connections", group.count, std::string(kCapture));
  const std::string evidence = evidence_of(*group.kept.front().connection);
  if (!evidence.empty()) add_fact(f, "the reset", evidence, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back("capture at both ends: the reset arrives, but was never sent");
  f.remedy.push_back(
      "look at firewalls, intrusion prevention and idle limits on the way; ask who runs them");
  f.avoid.push_back("dropping all resets: dead connections would then hang instead");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::forged_reset)) {
    findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault rst_by_middlebox{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
