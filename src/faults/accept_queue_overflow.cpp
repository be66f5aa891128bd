// accept-queue-overflow: clients time out because the queue behind listen() is full.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

// Shares, because the counters count repeated SYNs and grow with traffic.
constexpr double kNoticeShare = 0.001;
constexpr double kWarningShare = 0.01;
constexpr double kCriticalShare = 0.1;
// A queue that is full in every sample of at least this time is no burst.
constexpr Duration kFullFor = 3s;
constexpr double kMostSamples = 0.5;

constexpr std::array kStates{syn_sent, syn_received, established};
constexpr std::array kLookAlikes{
    LookAlike{"syn-flood",
              "there the half-open queue is full of spread sources and the accept "
              "queue is empty"},
    LookAlike{"connect-blackhole", "there this listener sees nothing at all"},
    LookAlike{"a burst at start", "it ends within seconds: the queue is not full in every sample"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"Tcp.PassiveOpens", "TcpExt.ListenOverflows"});
constexpr FaultInfo kInfo{
    .id = "accept-queue-overflow",
    .title = "New connections are refused in silence: the accept queue is full",
    .states = kStates,
    .signature =
        "The LISTEN socket's Recv-Q is above its Send-Q, which is the limit, and its own "
        "drop count rises. The kernel ignores the SYN or the last ACK, so the client "
        "repeats it and waits; nothing reaches the program.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Full in every sample of at least 3 s and refusing, or full and not accepting for 3 s, or "
        "refused connections above 0.1 % of all new ones in two of three windows of 10 s. A "
        "share, because the counters count every repeated SYN of a waiting client. A short look "
        "suspects a queue that was seen full and refuses more than 0.1 %; full in half of its "
        "samples it is likely.",
    .severity =
        "critical above 10 % refused or when full all that time, warning above 1 %, notice above "
        "0.1 %; what a short look only suspects is a notice.",
    .remedy =
        "Make the program accept faster (an accept loop that does nothing else, more "
        "workers), then raise the backlog in listen() and net.core.somaxconn and restart it.",
    .avoid =
        "tcp_max_syn_backlog does not change this queue; tcp_abort_on_overflow only turns "
        "the waiting into resets.",
    .silent_on = "a burst that drains within a few seconds, a queue near its limit for an instant",
    .counters = kCounters,
};

struct Load {
  bool settled = false;         // full and refusing all the time, or full and nothing accepted
  std::optional<double> share;  // refused of all that tried, over the window
  size_t windows_above = 0;     // windows with a share above kNoticeShare
};

std::optional<double> share_of(uint64_t refused, uint64_t opened) {
  if (refused + opened == 0) return std::nullopt;
  return static_cast<double>(refused) / static_cast<double>(refused + opened);
}

Load load_of(const Facts& facts, const Listener& listener) {
  Load load;
  const size_t netns = listener.socket->netns;
  // Clients that wait for each other may keep a small queue exactly full; then none is refused.
  const bool refusing = drops_in_window(listener).value_or(1) > 0;
  const bool stalled = stalled_for(facts, listener).at_least >= kFullFor;
  const bool all_the_time = full_share(listener) == 1 && watched_for(facts, listener) >= kFullFor;
  load.settled = is_full(listener) && (stalled || (all_the_time && refusing));
  if (const auto drops = drops_in_window(listener)) {
    load.share = share_of(*drops, facts.rise(netns, "Tcp.PassiveOpens").value_or(0));
  }
  const Rises refused = facts.rises(netns, "TcpExt.ListenOverflows");
  const Rises opened = facts.rises(netns, "Tcp.PassiveOpens");
  for (size_t i = 0; i < refused.size() && i < opened.size(); ++i) {
    const auto share = share_of(refused[i].value_or(0), opened[i].value_or(0));
    if (share && *share > kNoticeShare) ++load.windows_above;
  }
  return load;
}

Severity severity_of(const Load& load) {
  const double share = load.share.value_or(0);
  if (load.settled || share > kCriticalShare) return Severity::critical;
  return share > kWarningShare ? Severity::warning : Severity::notice;
}

// What the load amounts to, or nothing. Only a queue that was seen full is named: the counters of
// a namespace cannot say which listener overflowed.
std::optional<std::pair<Severity, Confidence>> judge(const Facts& facts, const Listener& listener,
                                                     const Load& load) {
  if (load.settled) return std::pair(Severity::critical, Confidence::confirmed);
  const bool refused = drops_in_window(listener).value_or(0) > 0;
  if (!refused || full_share(listener) == 0) return std::nullopt;
  if (load.share.value_or(0) <= kNoticeShare) return std::nullopt;
  if (!facts.is_short()) {
    if (load.windows_above * 3 < facts.windows() * 2) return std::nullopt;
    return std::pair(severity_of(load), Confidence::confirmed);
  }
  const Process* owner = facts.owner(*listener.socket);
  const bool just_started = owner != nullptr && owner->age && *owner->age < kWindow;
  if (just_started) return std::nullopt;
  if (full_share(listener) >= kMostSamples) return std::pair(severity_of(load), Confidence::likely);
  return std::pair(Severity::notice, Confidence::suspected);
}

std::string cause_of(const Facts& facts, const Listener& listener) {
  const Age stalled = stalled_for(facts, listener);
  if (stalled.at_least >= kFullFor) {
    return fmt::format(
        "the program has not called accept() for at least {}: the oldest connection in the queue "
        "waits that long; the kernel completes no further handshake until it does",
        human(stalled.at_least));
  }
  return "the program accepts more slowly than connections arrive; the kernel ignores each SYN and "
         "each last ACK that finds the queue full, and the client tries again later";
}

void add_remedy(const Facts& facts, const Listener& listener, Finding& finding) {
  const Socket& s = *listener.socket;
  finding.remedy.push_back(
      "make the program accept faster: an accept loop that does nothing else, or more workers");
  const auto somaxconn = facts.sysctl(s.netns, "net.core.somaxconn");
  const bool clamped = somaxconn && *somaxconn == s.send_q;
  finding.remedy.push_back(fmt::format(
      "then a longer queue: its limit is {}{}; raise the backlog in listen(){}, and restart it",
      grouped(s.send_q), clamped ? ", which is net.core.somaxconn" : "",
      clamped || !somaxconn ? " and net.core.somaxconn"
                            : fmt::format(" (net.core.somaxconn allows {})", grouped(*somaxconn))));
  finding.avoid.push_back(
      "raising tcp_max_syn_backlog (it bounds another queue), or tcp_abort_on_overflow=1 (it only "
      "turns the waiting into resets)");
}

Finding report(const Facts& facts, const Listener& listener, const Load& load, Severity severity,
               Confidence confidence) {
  const Socket& s = *listener.socket;
  Finding f = make_finding(kInfo, severity, confidence);
  describe_listener(facts, listener, f);
  const auto drops = drops_in_window(listener);
  const double refused_per_s = drops ? static_cast<double>(*drops) / seconds(facts.seen.window) : 0;
  f.headline = fmt::format(
      "{} listens on {}{} with a full accept queue, {} waiting, limit {}{}", owner_name(facts, s),
      to_string(s.local), in_namespace(facts, s), grouped(s.recv_q), grouped(s.send_q),
      refused_per_s > 0 ? fmt::format(", refusing {}", per_second(refused_per_s)) : "");
  f.cause = cause_of(facts, listener);
  if (load.share)
    add_fact(f, "refused of all new", percent(*load.share), "sk_drops, Tcp.PassiveOpens");
  if (const auto so_far = drops_so_far(facts, listener)) {
    add_fact(f, "refused since it was opened", *so_far, "sk_drops");
  }
  if (const auto rise = facts.rise(s.netns, "TcpExt.ListenOverflows")) {
    add_fact(f, "ListenOverflows", *rise, "TcpExt.ListenOverflows");
  }
  f.confirm.push_back(fmt::format("{}ss -tlnm 'sport = :{}'   (Recv-Q above Send-Q, d growing)",
                                  run_inside(facts, s), s.local.port));
  if (f.subject.pid)
    f.confirm.push_back(fmt::format("strace -f -e trace=accept,accept4 -p {}", *f.subject.pid));
  add_remedy(facts, listener, f);
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Listener& listener : facts.listeners()) {
    const Load load = load_of(facts, listener);
    if (const auto verdict = judge(facts, listener, load)) {
      findings.push_back(report(facts, listener, load, verdict->first, verdict->second));
    }
  }
  return findings;
}

}  // namespace

const Fault accept_queue_overflow{&kInfo, find};

}  // namespace tcpdx::faults
