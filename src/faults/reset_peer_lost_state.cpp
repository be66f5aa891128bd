// reset-peer-lost-state: the peer no longer knows the connection.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/gone_peer.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kLeast = 3;
constexpr Duration kWithin = 60s;
constexpr Duration kIdle = 5s;   // programs in the middle of a conversation pause for less
constexpr size_t kServices = 2;  // of one host: a program aborts only its own connections

constexpr std::array kStates{tcp::State::established};
constexpr std::array kLookAlikes{
    LookAlike{"keepalive-reuse-race", "there the peer's FIN came before"},
    LookAlike{"rst-by-middlebox", "there the reset's TTL is not the peer's"},
    LookAlike{
        "rst-on-close-unread",
        "there the reset has ACK set: a program aborted. A live look cannot see that, so that "
        "resets of one service are only suspected"},
    LookAlike{"an orderly restart of the peer", "there its FIN comes first"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Tcp.EstabResets", "TcpExt.TCPAbortOnClose", "TcpExt.TCPAbortOnData",
     "TcpExt.TCPAbortOnLinger", "TcpExt.TCPAbortOnMemory", "TcpExt.TCPAbortOnTimeout"});
constexpr FaultInfo kInfo{
    .id = "reset-peer-lost-state",
    .title = "A host answers text on open connections by resets: it has forgotten them",
    .states = kStates,
    .signature =
        "Text on an established connection draws a reset without ACK, which is the answer of a "
        "host "
        "that has no such socket (RFC 9293 3.10.7.1), and no FIN came before: the host crashed, "
        "was "
        "restarted, or its address moved to another.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least three connections with one service or host within 60 s. One alone may be "
        "anything. Live: connections that were open and quiet for 5 s at the first look, and were "
        "then reset by their peer without a FIN. The kernel's events tell of each reset; without "
        "them the connections must be gone, and as many resets counted that no program here sent. "
        "Likely when two services of the host do so, else suspected.",
    .severity = "notice",
    .remedy = "Programs must connect again by themselves; heartbeats notice it sooner.",
    .avoid = "Longer timeouts: the connections are gone.",
    .silent_on = "single resets, resets behind a FIN",
    .counters = kCounters,
};

// A connection that the first look saw open and quiet, and that its peer has reset since.
struct Reset {
  const Socket* was = nullptr;
  Duration idle{};             // at the first look
  std::optional<Duration> at;  // since the first look, where an event told
};

std::vector<Reset> quiet_before(const Facts& facts) {
  std::vector<Reset> quiet;
  for (const Socket* s : facts.earlier_in(tcp::State::established)) {
    const auto idle = quiet_for(facts, *s);
    if (s->cookie == 0 || s->inode == 0 || s->send_q > 0 || !idle || *idle < kIdle) continue;
    quiet.push_back({.was = s, .idle = *idle, .at = std::nullopt});
  }
  return quiet;
}

// By the kernel's events: reset while ESTABLISHED, so that no FIN had come.
std::vector<Reset> told_by_events(const Facts& facts, std::vector<Reset> quiet) {
  std::map<uint64_t, Duration> at;
  for (const TcpEvent* event : facts.events(EventKind::reset_received)) {
    if (event->from == tcp::State::established) at.emplace(event->cookie, event->at);
  }
  std::erase_if(quiet, [&](Reset& one) {
    const auto reset = at.find(one.was->cookie);
    if (reset != at.end()) one.at = reset->second;
    return reset == at.end();
  });
  return quiet;
}

// Connections that ended by a RST from outside: those that a program or a timer here aborted are
// counted one by one as well.
uint64_t resets_received(const Facts& facts, size_t netns) {
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  const uint64_t aborted = rise("TcpExt.TCPAbortOnClose") + rise("TcpExt.TCPAbortOnData") +
                           rise("TcpExt.TCPAbortOnLinger") + rise("TcpExt.TCPAbortOnMemory") +
                           rise("TcpExt.TCPAbortOnTimeout");
  const uint64_t ended = rise("Tcp.EstabResets");
  return ended > aborted ? ended - aborted : 0;
}

// Without events: gone without a trace, and resets enough to account for all that are.
std::vector<Reset> told_by_counters(const Facts& facts, std::vector<Reset> quiet) {
  std::set<uint64_t> present;
  for (const Socket& s : facts.now.sockets) present.insert(s.cookie);
  std::map<uint16_t, uint64_t> gone;
  for (const Socket* s : facts.earlier_in(tcp::State::established)) {
    if (!present.contains(s->cookie)) ++gone[s->netns];
  }
  std::erase_if(quiet, [&](const Reset& one) {
    return present.contains(one.was->cookie) ||
           resets_received(facts, one.was->netns) < gone[one.was->netns];
  });
  return quiet;
}

// Where no event tells when, they are taken to have come evenly.
size_t within_a_minute(const Facts& facts, const std::vector<Reset>& resets) {
  if (facts.seen.window <= kWithin) return resets.size();
  if (!facts.watched()) {
    return static_cast<size_t>(static_cast<double>(resets.size()) * seconds(kWithin) /
                               seconds(facts.seen.window));
  }
  std::vector<WallTime> at;
  at.reserve(resets.size());
  for (const Reset& one : resets) at.emplace_back(one.at.value_or(0s));
  return most_within(std::move(at), kWithin);
}

Finding report(const Facts& facts, const std::vector<Reset>& resets) {
  Sockets group;
  std::set<uint16_t> services;
  std::set<uint32_t> owners;
  Duration idle{};
  for (const Reset& one : resets) {
    group.push_back(one.was);
    services.insert(one.was->remote.port);
    owners.insert(facts.owner_index(*one.was));
    idle = std::max(idle, one.idle);
  }
  const Socket& one = *group.front();
  const bool whole_host = services.size() >= kServices && !serves(facts, one);
  Finding f =
      make_finding(kInfo, Severity::notice,
                   facts.watched() && whole_host ? Confidence::likely : Confidence::suspected);
  set_owner(facts, one, f);
  f.subject.remote = one.remote;
  f.headline = fmt::format(
      "{} reset {} of {}{}{} that had been idle for up to {}",
      services.size() == 1 ? to_string(one.remote) : to_string(one.remote.addr),
      counted(group.size(), "open connection"), owner_name(facts, one),
      owners.size() > 1 ? fmt::format(" and {} more", counted(owners.size() - 1, "program")) : "",
      in_namespace(facts, one), human(idle));
  f.cause = whole_host
                ? "the host no longer knows them: it crashed, was restarted, or its address "
                  "moved to another"
                : "the host may have forgotten them (a crash, a restart, its address moved); "
                  "a program there that aborts idle connections looks the same from here";
  add_judged(f, "within 60 s", uint64_t{within_a_minute(facts, resets)}, uint64_t{kLeast},
             facts.watched() ? "tcp:tcp_receive_reset" : "sock_diag, Tcp.EstabResets");
  add_fact(f, "services of that host", uint64_t{services.size()}, "sock_diag");
  add_fact(f, "idle before, at most", human(idle), "TCP_INFO");
  f.confirm.push_back(fmt::format("on {}: uptime; last reboot; was an address moved there?",
                                  to_string(one.remote.addr)));
  f.confirm.push_back(fmt::format(
      "{}tcpdx capture 'host {} and port {}' -w resets.pcap   (a reset without ACK: no such "
      "connection there)",
      run_inside(facts, one), to_string(one.remote.addr), one.remote.port));
  f.remedy.push_back("let programs connect again by themselves; heartbeats notice it sooner");
  f.avoid.push_back("longer timeouts: the connections are gone");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  if (facts.before == nullptr) return findings;
  const auto resets = facts.watched() ? told_by_events(facts, quiet_before(facts))
                                      : told_by_counters(facts, quiet_before(facts));
  std::map<std::pair<uint16_t, IpAddress>, std::vector<Reset>> hosts;
  for (const Reset& one : resets) {
    hosts[{one.was->netns, one.was->remote.addr.unmapped()}].push_back(one);
  }
  for (const auto& [host, group] : hosts) {
    if (within_a_minute(facts, group) >= kLeast) findings.push_back(report(facts, group));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group, size_t most) {
  Finding f = make_finding(kInfo, Severity::notice, Confidence::likely);
  set_place(group.place, f);
  f.headline = fmt::format("{} answered text on {} by resets: it no longer knew them",
                           name_of(group.place), counted(group.count, "open connection"));
  f.cause = "the host was restarted or crashed, or its address moved to another";
  add_judged(f, "within 60 s", uint64_t{most}, uint64_t{kLeast}, std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(fmt::format("on {}: uptime; last reboot; was an address moved there?",
                                  to_string(group.place.addr)));
  f.remedy.push_back("let programs connect again by themselves; heartbeats notice it sooner");
  f.avoid.push_back("longer timeouts: the connections are gone");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::lost_state)) {
    std::vector<WallTime> at;
    for (const Kept& one : group.kept) {
      if (const auto reset = reset_at(*one.connection, one.by)) at.push_back(one->start + *reset);
    }
    const size_t most = most_within(std::move(at), kWithin);
    if (most >= kLeast) findings.push_back(report(facts, group, most));
  }
  return findings;
}

}  // namespace

const Fault reset_peer_lost_state{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
