// fd-exhaustion-blocks-accept: the program has no descriptor left for a new connection.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr Duration kWaiting = 1s;

constexpr std::array kStates{established, close_wait};
constexpr std::array kLookAlikes{
    LookAlike{"accept-queue-overflow by a slow program", "there descriptors are free"},
    LookAlike{"95 % of the descriptors used, still accepting",
              "nothing waits for accept() for 1 s"},
    LookAlike{"close-wait-leak", "often the root: look in which states the held descriptors are"},
};
constexpr FaultInfo kInfo{
    .id = "fd-exhaustion-blocks-accept",
    .title = "The program has no descriptor left, so it cannot accept",
    .states = kStates,
    .signature =
        "The process holds as many descriptors as its soft limit allows; accept() fails "
        "with EMFILE and leaves the connection in the queue. Often a busy loop at full "
        "CPU.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 95 % of the soft limit in use and a connection that has waited for "
        "accept() for more than 1 s. A ratio, because limits differ a thousandfold.",
    .severity = "critical: no new client is served",
    .remedy =
        "Fix the leak first, then raise LimitNOFILE; keep a spare descriptor to accept and "
        "close with.",
    .avoid = "Only raising the limit: a leak reaches the next one too.",
    .silent_on = "a program close to its limit that still accepts",
};

// Which of the used descriptors are TCP sockets, and in what state most of them are.
struct Use {
  size_t sockets = 0;
  size_t close_wait = 0;
};

Use use_of(const Facts& facts, uint32_t process) {
  Use use;
  for (const Owner& owner : facts.now.owners) use.sockets += owner.process == process;
  for (const Socket* s : facts.in(close_wait)) use.close_wait += facts.owner_index(*s) == process;
  return use;
}

Finding report(const Facts& facts, const Listener& listener, const Descriptors& have) {
  const Socket& s = *listener.socket;
  const uint32_t index = facts.owner_index(s);
  const Process& p = facts.seen.processes[index];
  const bool none_left = have.used >= have.limit;
  const Age waits = stalled_for(facts, listener);
  Finding f = make_finding(kInfo, Severity::critical,
                           none_left ? Confidence::confirmed : Confidence::likely);
  describe_listener(facts, listener, f);
  const Use use = use_of(facts, index);
  f.headline = fmt::format("{} uses {} of {} descriptors and cannot accept on {}{}, {} waiting",
                           owner_name(facts, s), grouped(have.used), grouped(have.limit),
                           to_string(s.local), in_namespace(facts, s), grouped(s.recv_q));
  f.cause =
      "accept() fails with EMFILE and the connection stays in the queue until a descriptor is free";
  add_fact(f, "descriptors", have.used, have.limit, "/proc/PID/fd, /proc/PID/limits");
  add_judged(f, "oldest waits for accept()", human(waits.at_least), human(kWaiting),
             std::string(waits.source));
  add_fact(f, "of them TCP sockets", uint64_t{use.sockets}, "sock_diag");
  if (use.close_wait > 0) add_fact(f, "of them CLOSE-WAIT", uint64_t{use.close_wait}, "sock_diag");
  f.confirm.push_back(
      fmt::format("grep 'open files' /proc/{0}/limits; ls /proc/{0}/fd | wc -l", p.pid));
  f.confirm.push_back(fmt::format("ls -l /proc/{}/fd   (what the descriptors are)", p.pid));
  f.remedy.push_back(use.close_wait * 2 > use.sockets
                         ? "close what the program leaks: most of its sockets are in CLOSE-WAIT"
                         : "find out what holds the descriptors; close what is no longer needed");
  f.remedy.push_back(
      fmt::format("then raise the soft limit above {} (LimitNOFILE=, ulimit -n) and restart it",
                  grouped(have.limit)));
  f.avoid.push_back("only raising the limit: a leak reaches the next one too");
  f.see.push_back(fmt::format("tcpdx states --by peer 'pid {}'", p.pid));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Listener& listener : facts.listeners()) {
    const Process* owner = facts.owner(*listener.socket);
    if (owner == nullptr || !descriptors_used_up(facts, listener)) continue;
    const auto have = descriptors_of(*owner);
    if (have && stalled_for(facts, listener).at_least >= kWaiting) {
      findings.push_back(report(facts, listener, *have));
    }
  }
  return findings;
}

}  // namespace

const Fault fd_exhaustion_blocks_accept{&kInfo, find};

}  // namespace tcpdx::faults
