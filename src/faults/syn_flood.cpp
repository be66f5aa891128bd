// syn-flood: the half-open queue is filled by sources that never answer.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/queue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kLeastRows = 16;  // fewer fill a tiny backlog in a load test
constexpr double kQueueFull = 0.9;
constexpr double kCompletion = 0.2;  // a popular server completes nearly all within one RTT
constexpr uint64_t kLeastAttempts = 20;
constexpr double kSpread = 0.8;          // share of rows with a source address of their own
constexpr double kOnePrefix = 0.2;       // no /24 or /64 may hold more: that would be one path
constexpr size_t kLeastInCapture = 100;  // of 128, the smallest queue in use
constexpr Duration kStay = 60s;          // for which a half-open connection stays
constexpr double kUnanswered = 0.5;      // share of rows whose SYN-ACK had to be repeated

constexpr std::array kStates{syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"honest load on a small backlog",
              "there most half-open connections complete, and "
              "cookies come back"},
    LookAlike{"lost SYN-ACKs", "there few real sources, from one path, repeat their SYN"},
    LookAlike{"accept-queue-overflow", "there Recv-Q of the listener is above its limit"},
    LookAlike{"TCP_DEFER_ACCEPT", "there no SYN-ACK is repeated and TCPDeferAcceptDrop rises"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Tcp.PassiveOpens", "TcpExt.SyncookiesRecv", "TcpExt.SyncookiesSent",
     "TcpExt.TCPDeferAcceptDrop", "TcpExt.TCPReqQFullDrop"});
constexpr FaultInfo kInfo{
    .id = "syn-flood",
    .title = "The half-open queue is full of sources that never answer",
    .states = kStates,
    .signature =
        "SYN-RECEIVED on one listener at its limit, from addresses all over, none ever "
        "established. With SYN cookies SyncookiesSent rises and SyncookiesRecv does not; "
        "without them TCPReqQFullDrop and ListenDrops rise together.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 16 half-open connections, 90 % of the half-open queue; of 20 attempts or more "
        "less than 20 % completed, of fewer half of the SYN-ACKs repeated; "
        "at least 80 % of the rows from addresses of their own and no network (/24, /64) "
        "with more than 20 % of them. Completion, because a popular server has many "
        "SYN-RECEIVED too, but nearly all complete within one round trip. In a capture: 100 within "
        "60 s, which is how long a half-open connection stays.",
    .severity = "notice while SYN cookies absorb it, critical when SYNs are dropped",
    .remedy =
        "Keep net.ipv4.tcp_syncookies=1; filter upstream; a SYN proxy; a moderately longer "
        "backlog; tcp_synack_retries=2.",
    .avoid =
        "Switching cookies off, setting tcp_syncookies=2 for good, blocking the sources: they "
        "are forged.",
    .silent_on = "a flash crowd, a load test with a tiny backlog, slow honest clients",
    .counters = kCounters,
};

struct Flood {
  size_t rows = 0;
  size_t peak = 0;  // of both looks: under pressure the kernel drops old rows early
  uint64_t limit = 0;
  size_t sources = 0;
  size_t largest_prefix = 0;
  size_t unanswered = 0;
  uint64_t cookies_sent = 0;
  uint64_t cookies_back = 0;
  uint64_t dropped = 0;
  uint64_t attempts = 0;
  uint64_t completed = 0;
  bool cookies_on = true;
};

// The half-open queue is bounded by the listener's backlog; with cookies off the last quarter of
// tcp_max_syn_backlog is kept for peers that proved to be alive (net/ipv4/tcp_input.c).
uint64_t half_open_limit(const Facts& facts, const Listener& listener, bool cookies_on) {
  const uint64_t backlog = uint64_t{queue_limit(*listener.socket).value_or(0)} + 1;
  const auto syn_backlog = facts.sysctl(listener.socket->netns, "net.ipv4.tcp_max_syn_backlog");
  if (cookies_on || !syn_backlog) return backlog;
  return std::min(backlog, *syn_backlog - *syn_backlog / 4);
}

void count_sources(const Sockets& rows, Flood& flood) {
  std::set<IpAddress> sources;
  std::map<IpAddress, size_t> prefixes;
  for (const Socket* s : rows) {
    const IpAddress source = s->remote.addr.unmapped();
    sources.insert(source);
    ++prefixes[source.prefix(source.family == Family::v4 ? 24 : 64)];
    flood.unanswered += s->timer.retransmits > 0;
  }
  flood.sources = sources.size();
  for (const auto& [prefix, count] : prefixes) {
    flood.largest_prefix = std::max(flood.largest_prefix, count);
  }
}

Flood measure(const Facts& facts, const Listener& listener) {
  const size_t netns = listener.socket->netns;
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  Flood flood;
  flood.rows = listener.half_open.size();
  const auto rows_before =
      std::ranges::count_if(facts.earlier_in(syn_received), [&](const Socket* s) {
        return s->netns == netns && s->local.port == listener.socket->local.port;
      });
  flood.peak = std::max(flood.rows, static_cast<size_t>(rows_before));
  flood.cookies_on = facts.sysctl(netns, "net.ipv4.tcp_syncookies").value_or(1) != 0;
  flood.limit = half_open_limit(facts, listener, flood.cookies_on) * listener.group;
  count_sources(listener.half_open, flood);
  flood.cookies_sent = rise("TcpExt.SyncookiesSent");
  flood.cookies_back = rise("TcpExt.SyncookiesRecv");
  flood.dropped = rise("TcpExt.TCPReqQFullDrop");
  flood.completed = rise("Tcp.PassiveOpens");
  const auto fresh = std::ranges::count_if(
      listener.half_open, [&](const Socket* s) { return facts.earlier(*s) == nullptr; });
  flood.attempts = flood.completed + flood.cookies_sent + flood.dropped +
                   (facts.before != nullptr ? static_cast<uint64_t>(fresh) : 0);
  return flood;
}

bool is_flood(const Facts& facts, const Listener& listener, const Flood& flood) {
  const bool parked =
      facts.rise(listener.socket->netns, "TcpExt.TCPDeferAcceptDrop").value_or(0) > 0;
  const bool few_complete =
      flood.attempts < kLeastAttempts || ratio(flood.completed, flood.attempts) < kCompletion;
  const bool nobody_answers = ratio(flood.unanswered, flood.rows) >= kUnanswered ||
                              (flood.attempts >= kLeastAttempts && few_complete);
  return queue_limit(*listener.socket) && ratio(flood.peak, flood.limit) >= kQueueFull &&
         !is_full(listener) && !parked && few_complete && nobody_answers &&
         ratio(flood.sources, flood.rows) >= kSpread &&
         ratio(flood.largest_prefix, flood.rows) <= kOnePrefix;
}

void add_numbers(const Flood& flood, Finding& f) {
  add_fact(f, "half-open queue at its fullest", uint64_t{flood.peak}, flood.limit, "sock_diag");
  add_fact(f, "source addresses", uint64_t{flood.sources}, "sock_diag");
  add_fact(f, "SYN-ACK repeated without answer", uint64_t{flood.unanswered}, "sock_diag");
  add_fact(f, "completed of attempts in the window", flood.completed, flood.attempts,
           "Tcp.PassiveOpens");
  add_fact(f, "cookies sent", flood.cookies_sent, "TcpExt.SyncookiesSent");
  add_fact(f, "cookies that came back", flood.cookies_back, "TcpExt.SyncookiesRecv");
  if (flood.dropped > 0) add_fact(f, "SYNs dropped", flood.dropped, "TcpExt.TCPReqQFullDrop");
}

void add_advice(const Facts& facts, const Socket& listener, const Flood& flood, Finding& f) {
  f.confirm.push_back(
      fmt::format("{}tcpdump -ni any -c 100 'tcp dst port {} and tcp[tcpflags] == tcp-syn'   "
                  "(sources spread, no ACK follows)",
                  run_inside(facts, listener), listener.local.port));
  f.remedy.push_back(
      flood.cookies_on
          ? "keep net.ipv4.tcp_syncookies=1: honest clients get through; filter upstream"
          : "set net.ipv4.tcp_syncookies=1 now (it is 0): honest clients then get through");
  f.remedy.push_back(
      "net.ipv4.tcp_synack_retries=2 empties the queue sooner; a longer backlog helps a little");
  f.avoid.push_back("blocking the sources: they are forged; tcp_syncookies=2 for good");
}

Finding report(const Facts& facts, const Listener& listener, const Flood& flood) {
  const Socket& s = *listener.socket;
  const bool harm = !flood.cookies_on || flood.dropped > 0;
  const bool decisive = ratio(flood.unanswered, flood.rows) >= kSpread;
  Finding f =
      make_finding(kInfo, harm ? Severity::critical : Severity::notice,
                   decisive ? Confidence::confirmed : at_most_for(facts, Confidence::likely));
  describe_listener(facts, listener, f);
  f.headline = fmt::format(
      "{} half-open connections from {} addresses fill the queue of {} on {}{} (limit {})",
      grouped(flood.rows), grouped(flood.sources), owner_name(facts, s), to_string(s.local),
      in_namespace(facts, s), grouped(flood.limit));
  f.cause = fmt::format("the sources never answer the SYN-ACK, as forged ones do; {}",
                        harm ? "SYNs of honest clients are dropped while the queue is full"
                             : "SYN cookies are on, so honest clients still get through");
  add_numbers(flood, f);
  add_advice(facts, s, flood, f);
  f.see.push_back(fmt::format("tcpdx sockets 'state syn-received and src port {}'", s.local.port));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Listener& listener : facts.listeners()) {
    if (listener.half_open.size() < kLeastRows) continue;
    const Flood flood = measure(facts, listener);
    if (is_flood(facts, listener, flood)) findings.push_back(report(facts, listener, flood));
  }
  return findings;
}

struct Sources {
  size_t addresses = 0;
  size_t largest_prefix = 0;
};

Sources sources_of(const std::vector<Attempt>& attempts) {
  std::set<IpAddress> addresses;
  std::map<IpAddress, size_t> prefixes;
  for (const Attempt& one : attempts) {
    addresses.insert(one.other.addr);
    ++prefixes[one.other.addr.prefix(network_bits(one.other.addr.family))];
  }
  Sources sources{.addresses = addresses.size()};
  for (const auto& [prefix, count] : prefixes) {
    sources.largest_prefix = std::max(sources.largest_prefix, count);
  }
  return sources;
}

bool is_flood(const End& end, const std::vector<Attempt>& attempts, const Sources& sources) {
  if (attempts.size() < kLeastInCapture || ratio(end.complete, end.attempts) >= kCompletion) {
    return false;
  }
  std::vector<WallTime> at;
  at.reserve(attempts.size());
  for (const Attempt& one : attempts) at.push_back(one.at);
  return ratio(sources.addresses, attempts.size()) >= kSpread &&
         ratio(sources.largest_prefix, attempts.size()) <= kOnePrefix &&
         most_within(std::move(at), kStay) >= kLeastInCapture;
}

Finding report(const CaptureFacts& facts, const SocketAddress& service, const End& end,
               const Sources& sources) {
  // Where the server leaves SYNs without an answer, those of honest clients are among them.
  const bool dropped = end.unheard * 2 > end.pending;
  Finding f = make_finding(kInfo, dropped ? Severity::critical : Severity::notice,
                           at_most_for(facts, Confidence::confirmed));
  f.subject.listener = service;
  f.headline = fmt::format("{} of {} to {} were never completed, from {} addresses or more",
                           grouped(end.pending), counted(end.attempts, "connection attempt"),
                           to_string(service), grouped(sources.addresses));
  f.cause = fmt::format("the sources never answer the SYN-ACK, as forged ones do; {}",
                        dropped ? "most SYNs are not answered any more: the queue is full"
                                : "the server still answers them, by SYN cookies or a long queue");
  add_fact(f, "never completed", end.pending, end.attempts, std::string(kCapture));
  add_fact(f, "SYNs without any answer", end.unheard, std::string(kCapture));
  add_fact(f, "source addresses", uint64_t{sources.addresses}, std::string(kCapture));
  f.confirm.push_back(fmt::format("on {}: tcpdx sockets 'state syn-received and src port {}'",
                                  to_string(service.addr), service.port));
  f.remedy.push_back("keep net.ipv4.tcp_syncookies=1 on the server; filter upstream");
  f.avoid.push_back("blocking the sources: they are forged; tcp_syncookies=2 for good");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const auto& [place, end] : facts.ends()) {
    const std::vector<Attempt>& attempts = facts.pending(place);
    const Sources sources = sources_of(attempts);
    if (is_flood(end, attempts, sources)) findings.push_back(report(facts, place, end, sources));
  }
  return findings;
}

}  // namespace

const Fault syn_flood{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
