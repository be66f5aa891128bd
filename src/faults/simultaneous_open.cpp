// simultaneous-open: both sides called at the same moment, and got one connection.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kMany = 4;  // connections: one finding, not a page of them
constexpr std::string_view kSource = "inet_sock_set_state";

constexpr std::array kStates{syn_sent, syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"a client connected to itself",
              "there both ends are the same address and port, and one socket is both"},
    LookAlike{"two connections in opposite directions", "there each has a port of its own"},
    LookAlike{"syn-flood", "there SYN-RECEIVED comes from LISTEN, not from SYN-SENT"},
};
constexpr FaultInfo kInfo{
    .id = "simultaneous-open",
    .title = "Both sides called at the same moment",
    .states = kStates,
    .signature =
        "Two SYNs cross: each side goes from SYN-SENT to SYN-RECEIVED and both to ESTABLISHED "
        "(RFC 9293 3.5, figure 7). It is one connection, with no listener and no PassiveOpens.",
    .look_alikes = kLookAlikes,
    .trigger =
        "One change of state from SYN-SENT to SYN-RECEIVED, which only the kernel's events show. "
        "No threshold: TCP allows it.",
    .severity = "info: nothing is wrong",
    .remedy = "None is needed. Where it is not wanted, let one side listen.",
    .avoid = "Treating it as an attack: peer-to-peer programs and BGP do it on purpose.",
    .silent_on = "everything else: without fixed ports on both ends it does not happen",
};

Finding report(const Facts& facts, const TcpEvent& event) {
  const auto now = std::ranges::find_if(facts.now.sockets, [&](const Socket& s) {
    return event.cookie != 0 && s.cookie == event.cookie && s.netns == event.netns;
  });
  Finding f = make_finding(kInfo, Severity::info, Confidence::confirmed);
  const Process* process = facts.process(event);
  f.subject.netns = facts.seen.namespaces[event.netns].inode;
  if (process != nullptr) set_process(facts, event.netns, process, f);
  f.subject.local = event.local;
  f.subject.remote = event.remote;
  f.headline = fmt::format("{} on {} and {} called each other at the same moment{}",
                           name_of(process), to_string(event.local), to_string(event.remote),
                           in_namespace(facts, event.netns));
  f.cause = "both have a fixed port and no listener; TCP makes one connection of two crossing SYNs";
  add_fact(f, "change of state", std::string("SYN-SENT to SYN-RECEIVED"), std::string(kSource));
  if (now != facts.now.sockets.end()) {
    add_fact(f, "state now", std::string(tcp::to_string(now->state)), "sock_diag");
  }
  f.confirm.push_back("do both programs bind a port before they connect? (BGP, hole punching)");
  f.remedy.push_back("none is needed; where it is not wanted, let one side listen");
  f.avoid.push_back("treating it as an attack");
  f.see.push_back("tcpdx sim simultaneous-open");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  std::set<std::pair<SocketAddress, SocketAddress>> told;  // both ends may be here
  for (const TcpEvent* event : facts.events(EventKind::state)) {
    if (event->from != syn_sent || event->to != syn_received || event->netns == kNoNetns) continue;
    if (event->local == event->remote) continue;  // connected to itself
    if (!told.insert(std::minmax(event->local, event->remote)).second) continue;
    findings.push_back(report(facts, *event));
  }
  if (findings.size() >= kMany) {
    findings.front().headline +=
        fmt::format("; {} more connections opened so", grouped(findings.size() - 1));
    findings.resize(1);
  }
  return findings;
}

}  // namespace

const Fault simultaneous_open{&kInfo, find};

}  // namespace tcpdx::faults
