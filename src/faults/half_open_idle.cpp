// half-open-idle: the peer is gone, an idle connection still says ESTABLISHED.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <tuple>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"
#include "faults/gone_peer.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr uint8_t kUnanswered = 2;   // probes: one may be on its way, or lost like any segment
constexpr Duration kRecent = 10min;  // a host that spoke within it is not gone
constexpr size_t kManyHosts = 4;     // of one program: one finding, not a page of them
constexpr Duration kQuiet = 2h;     // tcp_keepalive_time: with keep-alives it would be known by now
constexpr size_t kLeastQuiet = 20;  // fewer are the idle end of a pool
constexpr double kShare = 0.20;     // of the descriptors: fewer do no harm

constexpr std::array kStates{established};
constexpr std::array kLookAlikes{
    LookAlike{"a healthy idle connection (a pool, IMAP IDLE, a shell)",
              "there keep-alives are answered; without keep-alives nothing on this machine can "
              "tell, so that only very long and very many are suspected"},
    LookAlike{"half-open-busy", "there data waits and the retransmission timer runs"},
    LookAlike{"one lost keep-alive", "the next is answered, and the count goes back to 0"},
    LookAlike{"keepalive-absent", "there nothing says that a peer is gone: it is a risk only"},
};
constexpr FaultInfo kInfo{
    .id = "half-open-idle",
    .title = "Peers have vanished from idle connections, which still say ESTABLISHED",
    .states = kStates,
    .signature =
        "ESTABLISHED with empty queues and the keep-alive timer, whose probes are not answered; "
        "the kernel ends it with ETIMEDOUT after tcp_keepalive_probes of them. Without "
        "SO_KEEPALIVE nothing ever changes: no timer, no segment, for ever.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least two keep-alives in a row without an answer: likely. Without keep-alives, on a "
        "port that a program serves: at least 20 connections quiet for more than 2 h that hold "
        "more than 20 % of its descriptors, from hosts of which nothing else was heard for 10 min: "
        "suspected. Time and share together, as age alone is no sign of illness. Hours are tested "
        "on altered observations.",
    .severity =
        "notice; warning when at least 20 connections and 20 % of the program's descriptors do "
        "not answer keep-alives",
    .remedy =
        "SO_KEEPALIVE with TCP_KEEPIDLE 60, TCP_KEEPINTVL 10, TCP_KEEPCNT 6; heartbeats or an "
        "idle limit in the program; TCP_USER_TIMEOUT for data in flight.",
    .avoid = "net.ipv4.tcp_keepalive_time alone: it does nothing for sockets without SO_KEEPALIVE.",
    .silent_on = "database pools, long polls, idle shells; peers on the same machine",
};

bool is_idle(const Socket& s) { return s.inode != 0 && s.send_q == 0 && s.recv_q == 0; }

bool probes_in_vain(const Socket& s) {
  return is_idle(s) && s.timer.kind == TimerKind::keepalive && s.timer.retransmits >= kUnanswered;
}

// Quiet for hours without keep-alives, on a port that its program serves.
bool long_quiet(const Facts& facts, const Socket& s) {
  if (!is_idle(s) || s.timer.kind != TimerKind::none) return false;
  return quiet_for(facts, s).value_or(0s) > kQuiet;
}

// Hosts of which this machine heard something lately, on any connection.
std::set<IpAddress> heard_lately(const Facts& facts) {
  std::set<IpAddress> hosts;
  for (const Socket* s : facts.in(established)) {
    if (quiet_for(facts, *s).value_or(kQuiet) < kRecent) hosts.insert(s->remote.addr.unmapped());
  }
  return hosts;
}

double share_of_descriptors(const Facts& facts, const Sockets& group) {
  const Process* owner = facts.owner(*group.front());
  return owner == nullptr ? 0 : ratio(group.size(), owner->fds.value_or(0));
}

Duration longest_quiet(const Facts& facts, const Sockets& group) {
  Duration longest{};
  for (const Socket* s : group) longest = std::max(longest, quiet_for(facts, *s).value_or(0s));
  return longest;
}

// Everything but headline, cause and what proves it.
Finding begin(const Facts& facts, const Sockets& group, Severity severity, Confidence confidence) {
  const Socket& one = *group.front();
  Finding f = make_finding(kInfo, severity, confidence);
  set_owner(facts, one, f);
  f.subject.listener = service_of(facts, one);
  if (hosts_of(group).size() == 1) f.subject.remote = one.remote;
  if (group.size() == 1) f.subject.local = one.local;
  f.confirm.push_back("ask a peer for its side: ss -tn there shows no such connection");
  f.remedy.push_back(
      "set SO_KEEPALIVE with TCP_KEEPIDLE 60, TCP_KEEPINTVL 10 and TCP_KEEPCNT 6, or send "
      "heartbeats, or close what is idle for too long");
  f.avoid.push_back(
      "net.ipv4.tcp_keepalive_time alone: it does nothing for sockets without SO_KEEPALIVE");
  return f;
}

void add_descriptors(const Facts& facts, const Sockets& group, Finding& f) {
  const Process* owner = facts.owner(*group.front());
  if (owner == nullptr || !owner->fds) return;
  add_fact(f, "of the program's descriptors", uint64_t{group.size()}, uint64_t{*owner->fds},
           "/proc/PID/fd");
}

Finding report_unanswered(const Facts& facts, const Sockets& group) {
  const Socket& one = *group.front();
  const bool harm = group.size() >= kLeastQuiet && share_of_descriptors(facts, group) >= kShare;
  Finding f = begin(facts, group, harm ? Severity::warning : Severity::notice, Confidence::likely);
  uint64_t probes = 0;
  for (const Socket* s : group) probes = std::max<uint64_t>(probes, s->timer.retransmits);
  const size_t hosts = hosts_of(group).size();
  f.headline = fmt::format(
      "{} holds {} {}{} whose peer{} no longer answer{} keep-alives, quiet for up to {}",
      owner_name(facts, one), counted(group.size(), "idle connection"), place_of(facts, group),
      in_namespace(facts, one), hosts == 1 ? "" : "s", hosts == 1 ? "s" : "",
      human(longest_quiet(facts, group)));
  f.cause = cause_of_silence(alive_to(facts, group, kRecent), hosts);
  if (hosts > 1) add_fact(f, "hosts that do not answer", uint64_t{hosts}, "sock_diag");
  add_judged(f, "keep-alives without an answer", probes, uint64_t{kUnanswered}, "sock_diag timer");
  add_fact(f, "quiet for", human(longest_quiet(facts, group)), "TCP_INFO");
  add_descriptors(facts, group, f);
  f.remedy.push_back(
      "nothing need be done for these: the kernel ends them with ETIMEDOUT when TCP_KEEPCNT probes "
      "are unanswered");
  f.see.push_back(f.subject.pid
                      ? fmt::format("tcpdx sockets 'pid {} and state established'", *f.subject.pid)
                      : fmt::format("tcpdx sockets 'port {}'", one.local.port));
  return f;
}

Finding report_quiet(const Facts& facts, const Sockets& group) {
  const Socket& one = *group.front();
  Finding f = begin(facts, group, Severity::notice, Confidence::suspected);
  f.headline = fmt::format(
      "{} holds {} {}{} that have been quiet for more than 2 h, the longest for {}; it has no way "
      "to notice whether their peers still exist",
      owner_name(facts, one), counted(group.size(), "connection"), place_of(facts, group),
      in_namespace(facts, one), human(longest_quiet(facts, group)));
  f.cause =
      "the sockets have no keep-alive, and nothing else was heard of these hosts for 10 min: they "
      "may have vanished without a FIN";
  add_judged(f, "quiet for", human(longest_quiet(facts, group)), human(kQuiet), "TCP_INFO");
  add_descriptors(facts, group, f);
  add_fact(f, "hosts", uint64_t{hosts_of(group).size()}, "sock_diag");
  f.see.push_back(fmt::format("tcpdx sockets 'src port {} and state established'", one.local.port));
  return f;
}

void find_unanswered(const Facts& facts, std::vector<Finding>& findings) {
  Sockets stuck;
  for (const Socket* s : facts.in(established)) {
    if (probes_in_vain(*s)) stuck.push_back(s);
  }
  for (const auto& [program, all] :
       group_by(stuck, [&](const Socket& s) { return std::pair(s.netns, facts.owner_index(s)); })) {
    const auto by_host = group_by(all, [](const Socket& s) { return s.remote.addr; });
    if (by_host.size() >= kManyHosts) {
      findings.push_back(report_unanswered(facts, all));
      continue;
    }
    for (const auto& [host, group] : by_host) findings.push_back(report_unanswered(facts, group));
  }
}

void find_quiet(const Facts& facts, std::vector<Finding>& findings) {
  Sockets quiet;
  for (const Socket* s : facts.in(established)) {
    if (long_quiet(facts, *s)) quiet.push_back(s);
  }
  if (quiet.size() < kLeastQuiet) return;
  const std::set<IpAddress> here = local_addresses(facts);
  const std::set<IpAddress> alive = heard_lately(facts);
  std::erase_if(quiet, [&](const Socket* s) {
    const IpAddress host = s->remote.addr.unmapped();
    return host.is_loopback() || here.contains(host) || alive.contains(host);
  });
  for (const auto& [place, group] : group_by(quiet, [&](const Socket& s) {
         return std::tuple(s.netns, facts.owner_index(s), s.local.port);
       })) {
    if (group.size() >= kLeastQuiet && service_of(facts, *group.front()) &&
        share_of_descriptors(facts, group) > kShare) {
      findings.push_back(report_quiet(facts, group));
    }
  }
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  find_unanswered(facts, findings);
  find_quiet(facts, findings);
  return findings;
}

}  // namespace

const Fault half_open_idle{&kInfo, find};

}  // namespace tcpdx::faults
