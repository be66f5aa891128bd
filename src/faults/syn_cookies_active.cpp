// syn-cookies-active: honest clients come faster than the half-open queue is long.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr uint64_t kLeast = 20;     // cookies; fewer are the burst of a moment
constexpr size_t kParts = 3;        // of the window, in each of which cookies must have gone out
constexpr double kReturned = 0.5;   // below, the sources are not honest, or their ACKs are lost
constexpr double kQueueFull = 0.9;  // half-open connections of the listener's limit

constexpr std::array kStates{syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"syn-flood", "there few cookies come back (SyncookiesRecv far below SyncookiesSent)"},
    LookAlike{"accept-queue-overflow",
              "there SYNs are dropped, because the program accepts slowly"},
    LookAlike{"a stray ACK at a listener", "that raises SyncookiesFailed alone"},
    LookAlike{"net.ipv4.tcp_syncookies=2", "then every SYN is answered with a cookie, full or not"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"TcpExt.SyncookiesRecv", "TcpExt.SyncookiesSent", "TcpExt.TCPReqQFullDoCookies"});
constexpr FaultInfo kInfo{
    .id = "syn-cookies-active",
    .title = "Honest clients come faster than the half-open queue is long",
    .states = kStates,
    .signature =
        "SyncookiesSent and SyncookiesRecv rise together, with TCPReqQFullDoCookies: the half-open "
        "queue, which is as long as the backlog, is full of clients who do answer. The kernel "
        "logs \"possible SYN flooding\", as for an attack.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 20 cookies, some in each third of the window, and more than half of them came "
        "back. The share that comes back tells honest clients from a flood; the thirds tell a "
        "queue that is too short from one burst. It takes 30 s to be more than suspected.",
    .severity =
        "notice: clients get in, but without window scaling and SACK if they lack timestamps",
    .remedy =
        "A longer backlog in listen() and a net.core.somaxconn that allows it; a faster accept().",
    .avoid = "Switching cookies off to silence the log: then these clients are dropped.",
    .silent_on = "one burst as at a start, a few SyncookiesFailed, a flood",
    .counters = kCounters,
};

struct Cookies {
  uint64_t sent = 0;
  uint64_t back = 0;
  bool steady = false;  // in each part of the window
  bool always = false;  // net.ipv4.tcp_syncookies=2
};

Cookies measure(const Facts& facts, size_t netns) {
  const Rises parts =
      facts.rises(netns, "TcpExt.SyncookiesSent", std::max(kParts, facts.windows()));
  return {.sent = facts.rise(netns, "TcpExt.SyncookiesSent").value_or(0),
          .back = facts.rise(netns, "TcpExt.SyncookiesRecv").value_or(0),
          .steady =
              std::ranges::count_if(parts, [](const auto& part) { return part.value_or(0) > 0; }) >=
              static_cast<std::ptrdiff_t>(parts.empty() ? kParts : parts.size()),
          .always = facts.sysctl(netns, "net.ipv4.tcp_syncookies") == 2};
}

bool is_fault(const Cookies& cookies) {
  return cookies.sent >= kLeast && cookies.steady && ratio(cookies.back, cookies.sent) > kReturned;
}

// The counters are the namespace's. The listener is the one that is seen with a full queue, or the
// only one there is.
const Listener* culprit(const Facts& facts, size_t netns) {
  std::vector<const Listener*> all;
  for (const Listener& one : facts.listeners()) {
    if (one.socket->netns != netns) continue;
    const auto limit = queue_limit(*one.socket);
    const auto half_open = static_cast<double>(one.half_open.size());
    if (limit && half_open > 0 && half_open >= kQueueFull * (*limit + 1.0)) return &one;
    all.push_back(&one);
  }
  return all.size() == 1 ? all.front() : nullptr;
}

std::string shortest_queue(const Facts& facts, size_t netns) {
  const Socket* shortest = nullptr;
  for (const Listener& one : facts.listeners()) {
    const Socket& s = *one.socket;
    if (s.netns != netns || !queue_limit(s)) continue;
    if (shortest == nullptr || s.send_q < shortest->send_q) shortest = &s;
  }
  if (shortest == nullptr) return "";
  return fmt::format("{} of {} on {}", shortest->send_q, owner_name(facts, *shortest),
                     to_string(shortest->local));
}

void add_numbers(const Facts& facts, size_t netns, const Cookies& cookies, Finding& f) {
  add_fact(f, "cookies sent", cookies.sent, "TcpExt.SyncookiesSent");
  add_fact(f, "cookies that came back", cookies.back, "TcpExt.SyncookiesRecv");
  if (const auto full = facts.rise(netns, "TcpExt.TCPReqQFullDoCookies")) {
    add_fact(f, "SYNs that met a full queue", *full, "TcpExt.TCPReqQFullDoCookies");
  }
  if (facts.sysctl(netns, "net.ipv4.tcp_timestamps") == 0) {
    add_fact(f, "net.ipv4.tcp_timestamps",
             std::string("0: these connections have no window scaling and no SACK"), "sysctl");
  }
}

void add_advice(const Facts& facts, size_t netns, const Cookies& cookies, Finding& f) {
  const std::string inside = run_inside(facts, netns);
  f.confirm.push_back(fmt::format(
      "{}ss -tln   (Send-Q is the limit of each queue; compare it with the SYNs of one round trip)",
      inside));
  if (cookies.always) {
    f.remedy.push_back("set net.ipv4.tcp_syncookies=1: cookies only while a queue is full");
  } else {
    f.remedy.push_back(
        fmt::format("a longer backlog in listen(), with net.core.somaxconn (now {}) above it",
                    facts.seen.namespaces[netns].sysctls.text("net.core.somaxconn").value_or("?")));
  }
  f.avoid.push_back("net.ipv4.tcp_syncookies=0: then these clients are dropped");
}

Finding report(const Facts& facts, size_t netns, const Cookies& cookies) {
  const Listener* listener = culprit(facts, netns);
  Finding f = make_finding(kInfo, Severity::notice, at_most_for(facts, Confidence::confirmed));
  f.subject.netns = facts.seen.namespaces[netns].inode;
  f.headline = fmt::format(
      "{} answered {} with SYN cookies in {}{}, and {} of the cookies came back",
      listener != nullptr ? fmt::format("{} on {}", owner_name(facts, *listener->socket),
                                        to_string(listener->socket->local))
                          : "the kernel",
      counted(cookies.sent, "client"), human(facts.seen.window), in_namespace(facts, netns),
      percent(std::min(1.0, ratio(cookies.back, cookies.sent))));
  f.cause = cookies.always
                ? "net.ipv4.tcp_syncookies is 2, which sends them always; it is for tests"
                : "more clients arrive within one round trip than the backlog allows to "
                  "be half open at once";
  add_numbers(facts, netns, cookies, f);
  if (listener != nullptr) {
    describe_listener(facts, *listener, f);
  } else if (const std::string shortest = shortest_queue(facts, netns); !shortest.empty()) {
    add_fact(f, "shortest queue", shortest, "sock_diag");
  }
  add_advice(facts, netns, cookies, f);
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const Cookies cookies = measure(facts, netns);
    if (is_fault(cookies)) findings.push_back(report(facts, netns, cookies));
  }
  return findings;
}

}  // namespace

const Fault syn_cookies_active{&kInfo, find};

}  // namespace tcpdx::faults
