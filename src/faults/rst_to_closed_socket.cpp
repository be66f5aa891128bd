// rst-to-closed-socket: a program writes after its peer has closed.
#include <fmt/format.h>

#include <array>
#include <set>

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

constexpr std::array kStates{tcp::State::close_wait};
constexpr std::array kLookAlikes{
    LookAlike{"a half-close by design", "there the peer still takes what is sent"},
    LookAlike{"keepalive-reuse-race", "there the text was under way when the FIN came"},
    LookAlike{"a user who closes a tab", "there the text was under way as well: not counted"},
};
constexpr std::array<std::string_view, 2> kCounters{"Tcp.ActiveOpens", "Tcp.PassiveOpens"};
constexpr FaultInfo kInfo{
    .id = "rst-to-closed-socket",
    .title = "Text is sent long after the peer closed, and is answered by a reset",
    .states = kStates,
    .signature =
        "FIN, later text from the other side, and a reset in answer: the peer closed wholly, but "
        "the program in CLOSE-WAIT goes on writing. Its next write fails with EPIPE.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per service or calling host that closed, more than 1 % of at least 20 closes, and 10 of "
        "them, with the "
        "reset at least two round trips behind the FIN: what was under way is nobody's fault. On "
        "the "
        "machine itself, per program: 10 such resets, more than 1 % of at least 20 connections, of "
        "sockets that were in CLOSE-WAIT at the first look already.",
    .severity = "info",
    .remedy = "Stop writing when read() returns 0; handle EPIPE and SIGPIPE.",
    .avoid = "Ignoring write errors.",
    .silent_on = "text that crossed the FIN, half-closed connections",
    .counters = kCounters,
};

Finding report(const Facts& facts, const Resets& resets) {
  Finding f = make_finding(kInfo, Severity::info, at_most_for(facts, Confidence::likely));
  set_subject(facts, resets, f);
  f.headline = fmt::format("{} wrote on {} long after the peer had closed, and was reset",
                           who(facts, resets), counted(resets.events.size(), "connection"));
  f.cause = "it writes on after the end of file; its next write fails with EPIPE";
  add_judged(f, "share of about as many closes as opens", percent(resets.share()), percent(kShare),
             "tcp:tcp_receive_reset, Tcp.ActiveOpens, Tcp.PassiveOpens");
  add_fact(f, "the last, by", to_string(resets.events.back()->remote), "tcp:tcp_receive_reset");
  f.confirm.push_back("strace -f -e trace=read,write,sendto -p PID   (EPIPE)");
  f.remedy.push_back("stop writing when read() returns 0; handle EPIPE and SIGPIPE");
  f.avoid.push_back("ignoring write errors");
  return f;
}

// Of a connection that was in CLOSE-WAIT at the first look the FIN had come long before; what
// crossed a FIN cannot be told from this otherwise.
std::vector<Finding> find(const Facts& facts) {
  std::set<uint64_t> closed;
  for (const Socket* s : facts.earlier_in(tcp::State::close_wait)) closed.insert(s->cookie);
  std::vector<Finding> findings;
  const auto late = [&](const TcpEvent& event) {
    return event.from == tcp::State::close_wait && closed.contains(event.cookie);
  };
  for (Resets resets : resets_of(facts, EventKind::reset_received, late)) {
    // They were opened before the window, so they are a part of what the program held as well.
    resets.opened += closed.size();
    if (resets.opened < kLeastCloses || resets.events.size() < kLeastResets) continue;
    if (resets.share() > kShare) findings.push_back(report(facts, resets));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::info, at_most_for(facts, Confidence::likely));
  set_place(group.place, f);
  f.headline = fmt::format("{} of {} that {} had closed still got text, and answered by a reset",
                           grouped(group.count), counted(group.end.closes, "connection"),
                           name_of(group.place));
  f.cause = "the programs at the other side write on after the end of file";
  add_judged(f, "share of the closes", percent(group.share_of(group.end.closes)), percent(kShare),
             std::string(kCapture));
  add_example(facts, group, f);
  const Kept& one = group.kept.front();
  f.confirm.push_back(fmt::format("on {}: strace -f -e trace=read,write,sendto -p PID   (EPIPE)",
                                  to_string(one->end(other(one.by)).addr)));
  f.remedy.push_back("stop writing when read() returns 0; handle EPIPE and SIGPIPE");
  f.avoid.push_back("ignoring write errors");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::closed_socket)) {
    if (group.end.closes < kLeastCloses || group.count < kLeastResets) continue;
    if (group.share_of(group.end.closes) > kShare) findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault rst_to_closed_socket{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
