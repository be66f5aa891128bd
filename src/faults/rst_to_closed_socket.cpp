// rst-to-closed-socket: a program writes after its peer has closed.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"

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
        "reset at least two round trips behind the FIN: what was under way is nobody's fault.",
    .severity = "info",
    .remedy = "Stop writing when read() returns 0; handle EPIPE and SIGPIPE.",
    .avoid = "Ignoring write errors.",
    .silent_on = "text that crossed the FIN, half-closed connections",
};

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

const Fault rst_to_closed_socket{&kInfo, nullptr, find_in_capture};

}  // namespace tcpdx::faults
