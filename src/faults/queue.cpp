#include "faults/queue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>

namespace tcpdx::faults {
namespace {

constexpr double kNearlyAllDescriptors = 0.95;

template <class Test>
double share_of(const std::vector<const ListenerSample*>& samples, Test test) {
  if (samples.empty()) return 0;
  const auto hits = std::ranges::count_if(samples, [&](const auto* s) { return test(*s); });
  return static_cast<double>(hits) / static_cast<double>(samples.size());
}

}  // namespace

double full_share(const Listener& listener) {
  return share_of(listener.samples,
                  [](const auto& s) { return s.cookie != 0 && s.queued > s.limit; });
}

Duration watched_for(const Facts& facts, const Listener& listener) {
  if (listener.samples.empty()) return {};
  const auto first = std::ranges::find_if(facts.seen.samples, [&](const Sample& sample) {
    const auto& all = sample.listeners;
    return !all.empty() && !std::less<>{}(listener.samples.front(), all.data()) &&
           std::less<>{}(listener.samples.front(), all.data() + all.size());
  });
  return first == facts.seen.samples.end() ? Duration{} : facts.seen.window - first->at;
}

double waiting_share(const Listener& listener) {
  return share_of(listener.samples, [](const auto& s) { return s.queued > 0; });
}

std::optional<uint64_t> drops_in_window(const Listener& listener) {
  if (listener.samples.size() < 2) return std::nullopt;
  const auto first = listener.samples.front()->drops;
  const auto last = listener.samples.back()->drops;
  if (!first || !last || *last < *first) return std::nullopt;
  return *last - *first;
}

std::optional<uint64_t> drops_so_far(const Facts& facts, const Listener& listener) {
  if (!listener.samples.empty() && listener.samples.back()->drops) {
    return listener.samples.back()->drops;
  }
  const TcpInfo* info = facts.info(*listener.socket);
  return info != nullptr ? std::optional<uint64_t>(info->drops) : std::nullopt;
}

Age stalled_for(const Facts& facts, const Listener& listener) {
  return oldest(facts, listener.waiting);
}

std::optional<Descriptors> descriptors_of(const Process& process) {
  if (!process.fds || !process.fd_limit) return std::nullopt;
  return Descriptors{*process.fds, *process.fd_limit};
}

bool descriptors_used_up(const Facts& facts, const Listener& listener) {
  return !listener.acceptors.empty() && std::ranges::all_of(listener.acceptors, [&](uint32_t p) {
    const auto have = descriptors_of(facts.seen.processes[p]);
    return have && static_cast<double>(have->used) >=
                       kNearlyAllDescriptors * static_cast<double>(have->limit);
  });
}

void describe_listener(const Facts& facts, const Listener& listener, Finding& finding) {
  const Socket& s = *listener.socket;
  set_owner(facts, s, finding);
  finding.subject.listener = s.local;
  if (listener.acceptors.size() > 1) {
    add_fact(finding, "processes that accept here", uint64_t{listener.acceptors.size()},
             "/proc/PID/fd");
  }
  if (const auto limit = queue_limit(s)) {
    add_fact(finding, "accept queue", uint64_t{s.recv_q}, uint64_t{*limit}, "sock_diag");
    // A full queue holds more than its limit, which is then no whole that it is a part of.
    finding.evidence.back().limit_is_threshold = is_full(listener);
  } else {
    add_fact(finding, "accept queue", uint64_t{s.recv_q}, "/proc/net/tcp");
  }
  if (const uint64_t drops = drops_in_window(listener).value_or(0); drops > 0) {
    add_fact(finding, "refused by this listener in the window", drops, "sk_drops");
  }
  finding.see.push_back(fmt::format("tcpdx sockets 'src port {}'", s.local.port));
}

}  // namespace tcpdx::faults
