// rst-abortive-linger: a program resets on purpose instead of closing.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/resets.hpp"

namespace tcpdx::faults {
namespace {

constexpr uint64_t kLeastCloses = 20;
constexpr double kShare = 0.01;
constexpr uint64_t kLeastResets = 10;  // of fewer the share says little

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"rst-on-close-unread", "there the last text came from the other side"},
    LookAlike{"health checks", "they reset connections that carried nothing: not counted"},
    LookAlike{"reset-peer-lost-state", "there the reset has no ACK: no socket was there"},
    LookAlike{"ss -K, or a listener that closes with clients in its queue",
              "these reset as well, but TCPAbortOnData does not rise"},
};
constexpr std::array<std::string_view, 3> kCounters{"Tcp.ActiveOpens", "Tcp.PassiveOpens",
                                                    "TcpExt.TCPAbortOnData"};
constexpr FaultInfo kInfo{
    .id = "rst-abortive-linger",
    .title = "A program resets its connections instead of closing them",
    .states = kStates,
    .signature =
        "A reset with ACK and without any FIN, from the side that sent the last text: close() with "
        "SO_LINGER 0. The peer sees ECONNRESET and may lose what it has not read; no TIME-WAIT "
        "stays. The kernel's own reason is TCP_STATE or TCP_ABORT_ON_LINGER; TCPAbortOnData counts "
        "them too, beside text for closed sockets.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per service or calling host more than 1 % of at least 20 closes, and 10 of them, of "
        "connections that carried text; on the machine itself TCPAbortOnData must have risen by at "
        "least half as much.",
    .severity = "info",
    .remedy = "Close gracefully; take SO_LINGER 0 out of the program.",
    .avoid = "SO_LINGER 0 as a cure for TIME-WAIT: it loses data.",
    .silent_on = "health checks, connections without text, resets after a FIN",
    .counters = kCounters,
};

// An active reset of an open connection has the reason TCP_STATE on Linux 6.18, and
// TCP_ABORT_ON_LINGER where the kernel tells it apart.
bool on_purpose(const Facts& facts, const TcpEvent& event) {
  const auto reason = facts.reason(event);
  const bool open = event.from == tcp::State::established || event.from == tcp::State::close_wait;
  // The kernel has left the open state behind when it tells of the reset.
  const bool left = event.from == tcp::State::closed && event.cookie != 0;
  return (open || left) && (reason == "TCP_STATE" || reason == "TCP_ABORT_ON_LINGER") &&
         event.carried.value_or(0) > 0;
}

Finding report(const Facts& facts, const Resets& resets) {
  Finding f = make_finding(kInfo, Severity::info, at_most_for(facts, Confidence::likely));
  set_subject(facts, resets, f);
  f.headline = fmt::format(
      "{} ended {} that had carried text by a reset instead of a FIN within {}", who(facts, resets),
      counted(resets.events.size(), "connection"), human(facts.seen.window));
  f.cause = "it closes with SO_LINGER 0: what the peer has not read yet may be lost";
  add_judged(f, "share of about as many closes as opens", percent(resets.share()), percent(kShare),
             "tcp:tcp_send_reset, Tcp.ActiveOpens, Tcp.PassiveOpens");
  add_fact(f, "TCPAbortOnData",
           facts.rise(resets.netns, "TcpExt.TCPAbortOnData").value_or(resets.events.size()),
           "TcpExt.TCPAbortOnData");
  add_fact(f, "the last, to", to_string(resets.events.back()->remote), "tcp:tcp_send_reset");
  f.confirm.push_back("strace -f -e trace=setsockopt,close -p PID   (SO_LINGER)");
  f.remedy.push_back("close gracefully; take SO_LINGER 0 out of the program");
  f.avoid.push_back("SO_LINGER 0 as a cure for TIME-WAIT: it loses data");
  return f;
}

// close() with SO_LINGER 0 counts TCPAbortOnData (net/ipv4/tcp.c, __tcp_close); who kills sockets
// from outside does not. Half, because looks and events do not begin and end at the same moment.
bool counted_by_kernel(const Facts& facts, const Resets& resets) {
  const auto rise = facts.rise(resets.netns, "TcpExt.TCPAbortOnData");
  return !rise || *rise * 2 >= resets.events.size();
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  const auto wanted = [&](const TcpEvent& event) { return on_purpose(facts, event); };
  for (const Resets& resets : resets_of(facts, EventKind::reset_sent, wanted)) {
    if (resets.opened < kLeastCloses || resets.events.size() < kLeastResets) continue;
    if (resets.share() > kShare && counted_by_kernel(facts, resets)) {
      findings.push_back(report(facts, resets));
    }
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::info, at_most_for(facts, Confidence::likely));
  set_place(group.place, f);
  f.headline = fmt::format("{} ended {} of {} by a reset instead of a FIN", name_of(group.place),
                           grouped(group.count), counted(group.end.closes, "connection"));
  f.cause =
      "it aborts after its last text (close() with SO_LINGER 0, or a program that was killed)";
  add_judged(f, "share of the closes", percent(group.share_of(group.end.closes)), percent(kShare),
             std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("on {}: strace -f -e trace=setsockopt,close -p PID   (SO_LINGER)",
                                  to_string(group.place.addr)));
  f.remedy.push_back("close gracefully; take SO_LINGER 0 out of the program");
  f.avoid.push_back("SO_LINGER 0 as a cure for TIME-WAIT: it loses data");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::abortive_close)) {
    if (group.end.closes < kLeastCloses || group.count < kLeastResets) continue;
    if (group.share_of(group.end.closes) > kShare) findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault rst_abortive_linger{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
