// reset-peer-lost-state: the peer no longer knows the connection.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kLeast = 3;
constexpr Duration kWithin = 60s;

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"keepalive-reuse-race", "there the peer's FIN came before"},
    LookAlike{"rst-by-middlebox", "there the reset's TTL is not the peer's"},
    LookAlike{"rst-on-close-unread", "there the reset has ACK set: a program aborted"},
};
constexpr FaultInfo kInfo{
    .id = "reset-peer-lost-state",
    .title = "A host answers text on open connections by resets: it has forgotten them",
    .states = kStates,
    .signature =
        "Text on an established connection draws a reset without ACK, which is the answer of a "
        "host "
        "that has no such socket (RFC 9293 3.10.7.1), and no FIN came before: the host crashed, "
        "was "
        "restarted, or its address moved to another.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least three connections with one service or host within 60 s. One alone may be "
        "anything.",
    .severity = "notice",
    .remedy = "Programs must connect again by themselves; heartbeats notice it sooner.",
    .avoid = "Longer timeouts: the connections are gone.",
    .silent_on = "single resets, resets behind a FIN",
};

Finding report(const CaptureFacts& facts, const Group& group, size_t most) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::likely);
  set_place(group.place, f);
  f.headline = fmt::format("{} answered text on {} by resets: it no longer knew them",
                           name_of(group.place), counted(group.count, "open connection"));
  f.cause = "the host was restarted or crashed, or its address moved to another";
  add_judged(f, "within 60 s", uint64_t{most}, uint64_t{kLeast}, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("on {}: uptime; last reboot; was an address moved there?",
                                  to_string(group.place.addr)));
  f.remedy.push_back("let programs connect again by themselves; heartbeats notice it sooner");
  f.avoid.push_back("longer timeouts: the connections are gone");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::lost_state)) {
    std::vector<WallTime> at;
    for (const Kept& one : group.kept) {
      if (const auto reset = reset_at(*one.connection, one.by)) at.push_back(one->start + *reset);
    }
    const size_t most = most_within(std::move(at), kWithin);
    if (most >= kLeast) findings.push_back(report(facts, group, most));
  }
  return findings;
}

}  // namespace

const Fault reset_peer_lost_state{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
