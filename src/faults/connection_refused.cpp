// connection-refused: nothing listens where clients call.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kAll = 3;  // attempts, when every one is refused
constexpr uint64_t kLeast = 5;
constexpr double kShare = 0.5;
constexpr Duration kRestart = 5s;  // a service that restarts refuses for that long

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there nothing comes back at all"},
    LookAlike{"host-unreachable", "there an ICMP error comes back, not a reset"},
    LookAlike{"a filter that rejects with a reset", "looks the same; its TTL may differ"},
    LookAlike{"accept-queue-overflow", "a full queue drops SYNs, it does not refuse them"},
    LookAlike{"port-scan-inbound", "there one source knocks at many ports, at each once"},
};
constexpr FaultInfo kInfo{
    .id = "connection-refused",
    .title = "Nothing listens where clients call",
    .states = kStates,
    .signature =
        "A SYN is answered by a reset within one round trip; connect() fails with ECONNREFUSED. "
        "The host lives, but no socket listens on that address and port.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per destination: every one of three attempts or more refused, or more than half of five "
        "or more, over at least 5 s. A share, because a service that restarts refuses briefly; "
        "when all were refused within 5 s it is only a notice.",
    .severity = "warning; notice when it lasted less than 5 s",
    .remedy =
        "Start the service, bind it to the address that clients use (not only to 127.0.0.1), or "
        "correct the port.",
    .avoid = "Faster retries: they are refused as well and hide the first refusal.",
    .silent_on = "refusals around a restart, clients that try an optional port once or twice",
};

struct Refusals {
  const Group* group = nullptr;
  bool all = false;
  Duration lasted{};
};

bool is_fault(const Refusals& refusals) {
  const Group& group = *refusals.group;
  if (refusals.all) return group.count >= kAll;
  return group.end.attempts >= kLeast && refusals.lasted >= kRestart &&
         group.share_of(group.end.attempts) > kShare;
}

Finding report(const CaptureFacts& facts, const Refusals& refusals) {
  const Group& group = *refusals.group;
  const bool lasting = refusals.lasted >= kRestart;
  Finding f = make_finding(kInfo, lasting ? Severity::warning : Severity::notice,
                           lasting && refusals.all ? Confidence::confirmed : Confidence::likely);
  f.subject.destination = group.place;
  f.headline = fmt::format("{} of {} to {} were refused, over {}", grouped(group.count),
                           counted(group.end.attempts, "connection attempt"), name_of(group.place),
                           human(refusals.lasted));
  f.cause =
      "the host answers the SYN with a reset: it lives, but nothing listens on that port and "
      "address, or a filter rejects";
  add_fact(f, "refused", group.count, group.end.attempts, std::string(kCapture));
  add_fact(f, "successful", group.end.complete, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("on {}: ss -tlnp 'sport = :{}'   (is there a row, and for which address?)",
                  to_string(group.place.addr), group.place.port));
  f.remedy.push_back(
      "start the service, bind it to the address that clients use, or correct the "
      "port they call");
  f.avoid.push_back("faster retries: they are refused as well");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::refused)) {
    const Refusals refusals{
        .group = &group, .all = group.count == group.end.attempts, .lasted = spread_of(group.kept)};
    if (is_fault(refusals)) findings.push_back(report(facts, refusals));
  }
  return findings;
}

}  // namespace

const Fault connection_refused{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
