// accept-stalled: connections are established, but the program does not take them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

// Longer than a busy server lets anybody wait, longer than most single jobs of a simple one.
constexpr Duration kStalled = 3s;
// From here on it is no longer one long job.
constexpr Duration kHopeless = 10s;

constexpr std::array kStates{established, close_wait};
constexpr std::array kLookAlikes{
    LookAlike{"close-wait-leak", "there the sockets have an inode: the program did accept them"},
    LookAlike{"accept-queue-overflow", "the later stage: the queue is above its limit"},
    LookAlike{"a batch server that accepts between jobs",
              "its oldest connection waits less than 3 s"},
};
constexpr FaultInfo kInfo{
    .id = "accept-stalled",
    .title = "Connections are established but the program does not accept them",
    .states = kStates,
    .signature =
        "ESTABLISHED sockets with inode 0 on a listener's port, often with the request "
        "already in Recv-Q; when clients give up they turn to CLOSE-WAIT, still without "
        "inode. The kernel completes handshakes by itself, so a connect check succeeds "
        "while the program hangs.",
    .look_alikes = kLookAlikes,
    .trigger =
        "The oldest connection waits for accept() for at least 3 s. The queue is first in, "
        "first out: while the oldest waits, none was accepted. Age, because a queue that is "
        "not empty for microseconds is normal on every busy server.",
    .severity = "warning; critical when it lasts 10 s and no other listener of the port takes over",
    .remedy =
        "Find what the accepting thread waits for; keep accepting apart from working; let "
        "health checks make a real request.",
    .avoid = "A longer backlog only lets more clients wait.",
    .silent_on = "a queue that drains, a single-threaded server that accepts between short jobs",
};

// What the process does instead, as far as its state says.
std::string doing(const Process* process) {
  if (process == nullptr) return "the program that listens cannot be seen";
  switch (process->state) {
    case 'T': return "the program is stopped by a signal (state T)";
    case 't': return "the program is stopped by a debugger (state t)";
    case 'D': return "the program sleeps uninterruptibly in the kernel (state D)";
    case 'R': return "the program runs (state R) but does not call accept()";
    case 'Z': return "the program has ended but is not yet reaped (state Z)";
    default: break;
  }
  return "the program sleeps and does not call accept()";
}

bool stalled(const Facts& facts, const Listener& listener) {
  if (listener.waiting.empty() || is_full(listener)) return false;
  if (!listener.samples.empty() && waiting_share(listener) < 1 && facts.seen.window <= kStalled) {
    return false;
  }
  return stalled_for(facts, listener).at_least >= kStalled;
}

void add_advice(const Process* process, Finding& f) {
  if (process == nullptr) {
    f.confirm.push_back("as root: tcpdx doctor (shows which program listens)");
  } else {
    f.confirm.push_back(fmt::format(
        "grep State /proc/{0}/status; cat /proc/{0}/wchan; strace -f -p {0}", process->pid));
  }
  if (process != nullptr && process->state == 'T') {
    f.remedy.push_back(fmt::format("let it go on: kill -CONT {}", process->pid));
  } else {
    f.remedy.push_back(
        "free the thread that accepts (a lock, a slow disk, a slow upstream); keep accepting apart "
        "from working");
  }
  f.remedy.push_back(
      "let health checks make a real request: a connect succeeds while the program hangs");
  f.avoid.push_back("a longer backlog: it only lets more clients wait");
}

Finding report(const Facts& facts, const Listener& listener) {
  const Socket& s = *listener.socket;
  const Age age = stalled_for(facts, listener);
  const Process* process = facts.owner(s);
  const bool worst = age.at_least >= kHopeless && listener.group == 1;
  Finding f =
      make_finding(kInfo, worst ? Severity::critical : Severity::warning, Confidence::confirmed);
  describe_listener(facts, listener, f);
  const auto gave_up = std::ranges::count_if(
      listener.waiting, [](const Socket* w) { return w->state == close_wait; });
  const auto asked =
      std::ranges::count_if(listener.waiting, [](const Socket* w) { return w->recv_q > 0; });
  // `waiting` of a SO_REUSEPORT group belongs to all its members.
  const size_t waiting = listener.group == 1 ? listener.waiting.size() : size_t{s.recv_q};
  f.headline = fmt::format("{} lets {} wait on {}{}, the oldest for at least {}",
                           owner_name(facts, s), counted(waiting, "connection"), to_string(s.local),
                           in_namespace(facts, s), human(age.at_least));
  f.cause = fmt::format("{}; the kernel has completed the handshakes{}", doing(process),
                        asked > 0 ? fmt::format(" and holds the requests of {} of them",
                                                grouped(static_cast<uint64_t>(asked)))
                                  : "");
  add_judged(f, "oldest waits for accept()", human(age.at_least), human(kStalled),
             std::string(age.source));
  if (gave_up > 0) {
    add_fact(f, "given up by the client (CLOSE-WAIT)", static_cast<uint64_t>(gave_up), "sock_diag");
  }
  if (process != nullptr) {
    add_fact(f, "process state", std::string(1, process->state), "/proc/PID/stat");
    if (!process->wchan.empty() && process->wchan != "0") {
      add_fact(f, "sleeps in", process->wchan, "/proc/PID/wchan");
    }
  }
  add_advice(process, f);
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Listener& listener : facts.listeners()) {
    if (stalled(facts, listener)) findings.push_back(report(facts, listener));
  }
  return findings;
}

}  // namespace

const Fault accept_stalled{&kInfo, find};

}  // namespace tcpdx::faults
