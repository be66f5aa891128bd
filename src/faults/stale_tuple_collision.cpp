// stale-tuple-collision: a new SYN meets an old connection.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeast = 10;
constexpr double kShare = 0.001;

constexpr std::array kStates{tcp::State::syn_sent, tcp::State::established, tcp::State::close_wait};
constexpr std::array kLookAlikes{
    LookAlike{"connect-blackhole", "there nothing comes back at all"},
    LookAlike{"slow-handshake-syn-retransmit", "there no bare ACK answers the first SYN"},
    LookAlike{"a client that was restarted once", "single events"},
};
constexpr FaultInfo kInfo{
    .id = "stale-tuple-collision",
    .title = "New connections meet old ones on the same addresses and ports",
    .states = kStates,
    .signature =
        "A SYN is answered by a bare ACK with foreign numbers (a challenge ACK, RFC 5961): the "
        "server still holds a connection with these four numbers. The client resets it and "
        "repeats its SYN. Where a firewall drops that ACK or reset, connect() times out.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per service at least 10, and more than 0.1 % of its handshakes. Fewer happen whenever a "
        "client is restarted.",
    .severity = "notice",
    .remedy =
        "Close what leaks on the server, keep-alives there, more source ports for the clients; "
        "let challenge ACKs and resets pass the firewall.",
    .avoid = "Switching challenge ACKs off: they protect from forged resets.",
    .silent_on = "a client that was restarted, single events",
};

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::notice, at_most_for(facts, Confidence::likely));
  set_place(group.place, f);
  f.headline = fmt::format("{} to {} met an older connection on the same ports",
                           counted(group.count, "new connection"), name_of(group.place));
  f.cause = "the server still holds connections that its clients have forgotten";
  add_judged(f, "answered by a challenge ACK", group.count, uint64_t{kLeast},
             std::string(kCapture));
  add_fact(f, "handshakes completed", group.end.complete, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("on {}: nstat -az TcpExtTCPSYNChallenge; ss -tan state close-wait 'sport = :{}'",
                  to_string(group.place.addr), group.place.port));
  f.remedy.push_back(
      "close what leaks on the server; give it keep-alives; give the clients more "
      "source ports");
  f.avoid.push_back("switching challenge ACKs off: they protect from forged resets");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::stale_tuple)) {
    const uint64_t all = std::max(group.end.complete, group.count);
    if (group.count >= kLeast && group.share_of(all) > kShare) {
      findings.push_back(report(facts, group));
    }
  }
  return findings;
}

}  // namespace

const Fault stale_tuple_collision{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
