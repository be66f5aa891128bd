// rst-on-close-unread: a server closes without reading what it was sent.
#include <fmt/format.h>

#include <algorithm>
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
constexpr uint64_t kLeastResets = 5;  // of fewer the share says little
constexpr Duration kSpread = 1s;      // a program that ends resets all at once
// Where nothing names the program:
constexpr size_t kParts = 4;  // of the window; in each of them such resets
constexpr double kMostCalls =
    0.05;  // of what is opened: a namespace that serves, not one that calls

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"rst-abortive-linger", "there the program had answered all that it was sent"},
    LookAlike{"a program that crashed",
              "the kernel closes for it, with the same sign, all at once"},
    LookAlike{"a farewell of TLS", "a close_notify left unread behind a whole reply does no harm"},
    LookAlike{"reset-peer-lost-state", "there the reset has no ACK: no socket was there"},
    LookAlike{"a user who cancels a download", "there the calling side resets"},
};
constexpr std::array<std::string_view, 3> kCounters{"Tcp.ActiveOpens", "Tcp.PassiveOpens",
                                                    "TcpExt.TCPAbortOnClose"};
constexpr FaultInfo kInfo{
    .id = "rst-on-close-unread",
    .title = "A server closes with data unread, which resets the connection",
    .states = kStates,
    .signature =
        "A reset with ACK and without FIN from the server, and the last text came from the client: "
        "close() with unread data resets (RFC 9293 3.6.1). The client may lose the reply. Typical: "
        "an error reply before the upload was read, a request body that is ignored.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Per service more than 1 % of at least 20 closes, and 5 of them. A share, because single "
        "clients "
        "misbehave "
        "all day; callers never count, because users cancel. Packets do not show what was read, so "
        "a capture no more than suspects; by the kernel's reason it is likely, where the resets "
        "come over 1 s at least: a program that ends resets all of its connections at once. "
        "Without "
        "the kernel's events TCPAbortOnClose counts them without a name: it is suspected where it "
        "rises in each quarter of the look and hardly anything is called from the namespace.",
    .severity = "notice",
    .remedy = "shutdown() for sending, read the rest up to a limit, then close().",
    .avoid = "SO_LINGER: it does not keep unread data from causing a reset.",
    .silent_on = "resets after the client's FIN, cancelled downloads, a program that ends",
    .counters = kCounters,
};

void add_advice(Finding& f) {
  f.remedy.push_back("shutdown() for sending, read the rest up to a limit, then close()");
  f.avoid.push_back("SO_LINGER: it does not keep unread data from causing a reset");
}

Finding report(const Facts& facts, const Resets& resets) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::likely);
  set_subject(facts, resets, f);
  f.headline = fmt::format("{} reset {} within {} by closing with data unread", who(facts, resets),
                           counted(resets.events.size(), "connection"), human(facts.seen.window));
  f.cause =
      "it calls close() before it has read everything, which the kernel turns into a reset: the "
      "client may lose the reply";
  add_judged(f, "share of about as many closes as opens", percent(resets.share()), percent(kShare),
             "tcp:tcp_send_reset, Tcp.PassiveOpens");
  add_fact(f, "TCPAbortOnClose",
           facts.rise(resets.netns, "TcpExt.TCPAbortOnClose").value_or(resets.events.size()),
           "TcpExt.TCPAbortOnClose");
  add_fact(f, "the last, to", to_string(resets.events.back()->remote), "tcp:tcp_send_reset");
  f.confirm.push_back(
      "strace -f -e trace=read,recvfrom,close -p PID   (close before read gives 0)");
  add_advice(f);
  return f;
}

bool rises_all_along(const Facts& facts, size_t netns) {
  const Rises rises = facts.rises(netns, "TcpExt.TCPAbortOnClose", kParts);
  return rises.size() == kParts &&
         std::ranges::all_of(rises, [](const auto& rise) { return rise.value_or(0) > 0; });
}

Finding report_unnamed(const Facts& facts, size_t netns, uint64_t resets, uint64_t accepted) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::suspected);
  f.subject.netns = facts.seen.namespaces[netns].inode;
  f.headline = fmt::format("A server{} reset {} within {} by closing with data unread",
                           in_namespace(facts, netns), counted(resets, "connection"),
                           human(facts.seen.window));
  f.cause =
      "it calls close() before it has read everything; which program it is only the kernel's "
      "events "
      "could say, and they were not followed";
  add_judged(f, "share of about as many closes as opens", percent(ratio(resets, accepted)),
             percent(kShare), "TcpExt.TCPAbortOnClose, Tcp.PassiveOpens");
  f.confirm.push_back(run_inside(facts, netns) +
                      "tcpdump -ni any -c 20 'tcp[tcpflags] & tcp-rst != 0'   (from which port?)");
  add_advice(f);
  return f;
}

std::vector<Finding> find_unnamed(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
    const uint64_t resets = rise("TcpExt.TCPAbortOnClose");
    const uint64_t accepted = rise("Tcp.PassiveOpens");
    const bool serves =
        ratio(rise("Tcp.ActiveOpens"), std::max<uint64_t>(accepted, 1)) < kMostCalls;
    if (!serves || accepted < kLeastCloses || resets < kLeastResets) continue;
    if (ratio(resets, accepted) <= kShare || !rises_all_along(facts, netns)) continue;
    findings.push_back(report_unnamed(facts, netns, resets, accepted));
  }
  return findings;
}

// Of servers: users cancel their own downloads all day.
std::vector<Finding> find(const Facts& facts) {
  if (!facts.watched()) return find_unnamed(facts);
  std::vector<Finding> findings;
  const auto unread = [&](const TcpEvent& event) {
    return facts.reason(event) == "TCP_ABORT_ON_CLOSE";
  };
  for (const Resets& resets : resets_of(facts, EventKind::reset_sent, unread)) {
    if (resets.opened < kLeastCloses || resets.events.size() < kLeastResets) continue;
    if (resets.events.back()->at - resets.events.front()->at < kSpread) continue;
    if (!service_of(facts, resets) || resets.share() <= kShare) continue;
    findings.push_back(report(facts, resets));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::suspected);
  set_place(group.place, f);
  f.headline =
      fmt::format("{} reset {} of {} while text of the client was unanswered", name_of(group.place),
                  grouped(group.count), counted(group.end.closes, "connection"));
  f.cause = "it seems to close without having read everything, which the kernel turns into a reset";
  add_judged(f, "share of the closes", percent(group.share_of(group.end.closes)), percent(kShare),
             std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("on {}: nstat -az TcpExtTCPAbortOnClose   (rising)",
                                  to_string(group.place.addr)));
  add_advice(f);
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::unread_close)) {
    if (group.place.port == 0 || group.end.closes < kLeastCloses || group.count < kLeastResets)
      continue;
    if (group.share_of(group.end.closes) > kShare) findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault rst_on_close_unread{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
