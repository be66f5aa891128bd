// backlog-clamped: the queue behind listen() is shorter than the program asked for.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

// A queue this short has room for less than 0.3 s of arrivals at this rate.
constexpr uint32_t kVeryShort = 16;
constexpr double kManyPerSecond = 50;
// A program that has not accepted for this long would fill any queue.
constexpr Duration kStalled = 3s;
// What libraries pass to listen() when nobody chose: Java, the old SOMAXCONN, nginx and Node.js.
constexpr std::array<uint32_t, 3> kDefaults{50, 128, 511};

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"a short queue by choice", "nothing overflows: it is no fault"},
    LookAlike{"accept-queue-overflow of a program that hangs",
              "there the oldest connection waits for seconds: any queue would fill"},
};
constexpr auto kCounters = std::to_array<std::string_view>({"Tcp.PassiveOpens"});
constexpr FaultInfo kInfo{
    .id = "backlog-clamped",
    .title = "The queue behind listen() is shorter than the load needs",
    .states = kStates,
    .signature =
        "The listener's Send-Q equals net.core.somaxconn of its namespace: the kernel cut what "
        "listen() asked for, without a word. Or it is what a library passes when nobody chose (50, "
        "128, 511).",
    .look_alikes = kLookAlikes,
    .trigger =
        "Only where the accept queue overflows although the program accepts, as what contributes "
        "to it; or, as information, a limit of at most 16 on a port with more than 50 new "
        "connections a second, which is room for less than 0.3 s.",
    .severity =
        "notice where the queue overflows, else info. A limit that equals somaxconn explains the "
        "overflow and takes its severity; one that looks like a library's choice stands beside it.",
    .remedy =
        "Raise the backlog in listen() and net.core.somaxconn, both, then restart the program: the "
        "setting is read at listen(). With SO_REUSEPORT each worker has a queue of its own.",
    .avoid = "Huge values just in case: they turn an overload into long waits.",
    .silent_on = "a limit that equals somaxconn while nothing overflows",
    .counters = kCounters,
};

enum class Why : uint8_t { clamped, library_default, very_short };

std::optional<Why> why_short(const Facts& facts, const Listener& listener) {
  const auto limit = queue_limit(*listener.socket);
  if (!limit) return std::nullopt;
  if (facts.sysctl(listener.socket->netns, "net.core.somaxconn") == *limit) return Why::clamped;
  if (std::ranges::find(kDefaults, *limit) != kDefaults.end()) return Why::library_default;
  return *limit <= kVeryShort ? std::optional(Why::very_short) : std::nullopt;
}

// New connections per second on the listener's port, at least. PassiveOpens counts the whole
// namespace, so it speaks of a port only where there is no other.
double arrivals(const Facts& facts, const Listener& listener) {
  if (facts.before == nullptr || facts.seen.window <= Duration{}) return 0;
  const Socket& s = *listener.socket;
  const bool only_port = std::ranges::none_of(facts.listeners(), [&](const Listener& other) {
    return other.socket->netns == s.netns && other.socket->local.port != s.local.port;
  });
  const auto rise = facts.rise(s.netns, "Tcp.PassiveOpens");
  if (only_port && rise) return static_cast<double>(*rise) / seconds(facts.seen.window);
  const auto fresh = std::ranges::count_if(facts.now.sockets, [&](const Socket& one) {
    return one.netns == s.netns && one.local.port == s.local.port &&
           one.state != tcp::State::listen && facts.earlier(one) == nullptr;
  });
  return static_cast<double>(fresh) / seconds(facts.seen.window);
}

std::string cause_of(Why why, uint32_t limit) {
  switch (why) {
    case Why::clamped:
      return fmt::format(
          "its limit equals net.core.somaxconn ({}): the kernel silently takes the smaller of that "
          "and what listen() asks for",
          grouped(limit));
    case Why::library_default:
      return fmt::format("its limit is {}, which libraries pass to listen() when nobody chooses",
                         grouped(limit));
    case Why::very_short: break;
  }
  return fmt::format("listen() asked for no more than {}", grouped(limit));
}

void add_remedy(const Facts& facts, const Listener& listener, Why why, Finding& f) {
  const Socket& s = *listener.socket;
  if (why == Why::clamped) {
    f.confirm.push_back(
        fmt::format("{}sysctl net.core.somaxconn   (compare with the backlog in the program's "
                    "configuration)",
                    run_inside(facts, s)));
    f.remedy.push_back(
        "raise net.core.somaxconn, and the backlog in listen() if it is no larger; then restart "
        "the program: the setting is read at listen()");
  } else {
    f.confirm.push_back("look for the backlog in the program's configuration");
    const auto allowed = facts.sysctl(s.netns, "net.core.somaxconn");
    f.remedy.push_back(fmt::format(
        "raise the backlog in listen(){} and restart the program",
        allowed ? fmt::format(" (net.core.somaxconn allows {})", grouped(*allowed)) : ""));
  }
  if (listener.group > 1) {
    f.remedy.emplace_back("each worker of the SO_REUSEPORT group has a queue of its own");
  }
  f.avoid.emplace_back("huge values just in case: they turn an overload into long waits");
}

Finding report(const Facts& facts, const Listener& listener, Why why, bool overflows) {
  const Socket& s = *listener.socket;
  Finding f = make_finding(kInfo, overflows ? Severity::notice : Severity::info,
                           why == Why::clamped ? Confidence::likely : Confidence::suspected);
  describe_listener(facts, listener, f);
  const double rate = arrivals(facts, listener);
  f.headline = fmt::format("{} has room for {} waiting connections on {}{}{}", owner_name(facts, s),
                           grouped(s.send_q), to_string(s.local), in_namespace(facts, s),
                           overflows ? ", too few for its load" : "");
  f.cause = cause_of(why, s.send_q);
  if (rate > 0) {
    add_fact(f, "new connections, at least", per_second(rate), "Tcp.PassiveOpens, sock_diag");
  }
  if (const auto somaxconn = facts.sysctl(s.netns, "net.core.somaxconn")) {
    add_fact(f, "net.core.somaxconn", *somaxconn, "sysctl");
  }
  add_remedy(facts, listener, why, f);
  return f;
}

// The addresses whose queue overflows, by the judgement of that fault.
std::set<std::pair<uint64_t, SocketAddress>> overflowing(const Facts& facts) {
  std::set<std::pair<uint64_t, SocketAddress>> found;
  for (const Finding& finding : accept_queue_overflow.find(facts)) {
    if (finding.subject.netns && finding.subject.listener) {
      found.emplace(*finding.subject.netns, *finding.subject.listener);
    }
  }
  return found;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  auto full = overflowing(facts);
  for (const Listener& listener : facts.listeners()) {
    const Socket& s = *listener.socket;
    const auto why = why_short(facts, listener);
    if (!why || stalled_for(facts, listener).at_least >= kStalled) continue;
    const std::pair place(facts.seen.namespaces[s.netns].inode, s.local);
    const bool own_choice = *why == Why::very_short;
    if (!own_choice && full_share(listener) > 0 && full.erase(place) > 0) {
      findings.push_back(report(facts, listener, *why, true));
    } else if (s.send_q <= kVeryShort && arrivals(facts, listener) > kManyPerSecond) {
      findings.push_back(report(facts, listener, *why, false));
    }
  }
  return findings;
}

}  // namespace

const Fault backlog_clamped{&kInfo, find};

}  // namespace tcpdx::faults
