// reuseport-stuck-worker: one worker of a SO_REUSEPORT group does not accept, so that a share of
// all connections hangs while the others are served.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

// Longer than a busy worker lets anybody wait, as for accept-stalled.
constexpr Duration kStuck = 3s;
constexpr size_t kFewestSamples = 3;
// A sibling that takes what comes is seen empty more often than not.
constexpr double kMostlyEmpty = 0.5;

constexpr std::array kStates{established, close_wait, syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"packet loss", "it hits at random; here the same client port fails every time"},
    LookAlike{"accept-stalled", "there no listener of the port takes the connections"},
    LookAlike{"uneven load", "there the longer queue drains: nobody waits 3 s for accept()"},
};
constexpr FaultInfo kInfo{
    .id = "reuseport-stuck-worker",
    .title = "One of several workers on a port does not accept: a share of connections hangs",
    .states = kStates,
    .signature =
        "Several LISTEN sockets on one address (SO_REUSEPORT); one never gets empty while its "
        "siblings are. The kernel picks the socket by a hash of the four numbers, so about one "
        "connection in as many as there are workers hangs, and hangs again with the same ports.",
    .look_alikes = kLookAlikes,
    .trigger =
        "The queue of one member is not empty in at least 3 samples, all there are, and its oldest "
        "connection waits for accept() for 3 s, or it is full in all of them and refuses; a "
        "sibling is empty in most of them. Age, because uneven queues that drain are healthy.",
    .severity = "warning: a part of the clients, about one in as many as there are workers",
    .remedy =
        "Restart that worker. Before a listener is closed its queue has to be taken: closing it "
        "resets what waits there, unless net.ipv4.tcp_migrate_req is 1 or the socket is handed on.",
    .avoid = "A longer backlog only lets more clients wait for the worker that does not come.",
    .silent_on = "uneven queues that drain; a port with one listener; a worker that just started",
};

using Group = std::vector<const Listener*>;

double empty_share(const Listener& listener) { return 1 - waiting_share(listener); }

bool refuses_all_the_time(const Facts& facts, const Listener& listener) {
  return full_share(listener) == 1 && drops_in_window(listener).value_or(0) > 0 &&
         watched_for(facts, listener) >= kStuck;
}

bool is_stuck(const Facts& facts, const Listener& listener) {
  if (listener.samples.size() < kFewestSamples || listener.least_queued == 0) return false;
  return stalled_for(facts, listener).at_least >= kStuck || refuses_all_the_time(facts, listener);
}

Group siblings_of(const Facts& facts, const Listener& one) {
  Group group;
  for (const Listener& other : facts.listeners()) {
    if (&other != &one && other.socket->netns == one.socket->netns &&
        other.socket->local == one.socket->local) {
      group.push_back(&other);
    }
  }
  return group;
}

void add_advice(const Facts& facts, const Listener& stuck, Finding& f) {
  const Socket& s = *stuck.socket;
  f.confirm.push_back(fmt::format("{}ss -tlnp 'sport = :{}'   (one Recv-Q stays, the others are 0)",
                                  run_inside(facts, s), s.local.port));
  if (f.subject.pid) {
    f.confirm.push_back(fmt::format(
        "grep State /proc/{0}/status; cat /proc/{0}/wchan; strace -f -p {0}", *f.subject.pid));
    f.remedy.push_back(fmt::format("restart that worker: pid {}", *f.subject.pid));
  } else {
    f.remedy.push_back("restart the worker that does not accept; as root tcpdx names it");
  }
  f.remedy.push_back(
      "let a worker that stops take its queue first: closing a listener resets what waits there, "
      "unless net.ipv4.tcp_migrate_req is 1");
  f.avoid.push_back("a longer backlog: it only lets more clients wait for this worker");
}

Finding report(const Facts& facts, const Listener& stuck, const Group& siblings) {
  const Socket& s = *stuck.socket;
  Finding f = make_finding(kInfo, Severity::warning, Confidence::confirmed);
  describe_listener(facts, stuck, f);
  const auto empty = static_cast<size_t>(std::ranges::count_if(
      siblings, [](const Listener* one) { return empty_share(*one) > kMostlyEmpty; }));
  const Age age = stalled_for(facts, stuck);
  f.headline = fmt::format(
      "{} is one of {} workers on {}{} and does not accept: {} there, {}", owner_name(facts, s),
      stuck.group, to_string(s.local), in_namespace(facts, s),
      s.recv_q == 1 ? "1 connection waits" : fmt::format("{} connections wait", grouped(s.recv_q)),
      empty == 1 ? "a sibling is idle" : fmt::format("{} siblings are idle", grouped(empty)));
  f.cause = fmt::format(
      "the kernel shares connections out by a hash of their addresses and ports; about 1 in {} "
      "falls to this worker and waits, whoever else is idle",
      stuck.group);
  add_fact(f, "listeners on this address", uint64_t{stuck.group}, "sock_diag");
  add_fact(f, "siblings with an empty queue", uint64_t{empty}, uint64_t{siblings.size()},
           "sock_diag");
  if (age.at_least >= kStuck) {
    add_judged(f, "oldest waits for accept()", human(age.at_least), human(kStuck),
               std::string(age.source));
  }
  add_advice(facts, stuck, f);
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Listener& one : facts.listeners()) {
    if (one.group < 2 || !is_stuck(facts, one)) continue;
    const Group siblings = siblings_of(facts, one);
    const bool others_take = std::ranges::any_of(
        siblings, [](const Listener* other) { return empty_share(*other) > kMostlyEmpty; });
    if (others_take) findings.push_back(report(facts, one, siblings));
  }
  return findings;
}

}  // namespace

const Fault reuseport_stuck_worker{&kInfo, find};

}  // namespace tcpdx::faults
