// half-open-busy: sending into the void.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/age.hpp"
#include "faults/build.hpp"
#include "faults/capture_build.hpp"
#include "faults/catalogue.hpp"
#include "faults/gone_peer.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr uint8_t kBackoff = 5;
constexpr Duration kSilence = 10s;
constexpr int64_t kSilentRtos = 10;
constexpr double kFewOfClients = 0.05;
constexpr size_t kManyHosts = 4;  // of one program: one finding, not a page of them

constexpr std::array kStates{established};
constexpr std::array kLookAlikes{
    LookAlike{"packet loss", "there acknowledgments do arrive"},
    LookAlike{"zero-window-stuck-reader", "there the timer is persist and the probes are answered"},
    LookAlike{"a path that loses only big packets", "there small segments are still acknowledged"},
    LookAlike{"a roaming client", "silent for a few seconds only"},
};
constexpr FaultInfo kInfo{
    .id = "half-open-busy",
    .title = "Data is repeated into the void: the peer no longer answers",
    .states = kStates,
    .signature =
        "ESTABLISHED with data unacknowledged, the retransmission timer doubled five "
        "times or more, no ACK for long. It ends after tcp_retries2 (about 15 minutes) "
        "with ETIMEDOUT.",
    .look_alikes = kLookAlikes,
    .trigger =
        "backoff of at least 5, nothing received for 10 s and for 10 base RTOs, bytes_acked "
        "unchanged. Ordinary loss is acknowledged within a few round trips, so the backoff "
        "without any ACK is the sign, not the number of repeats. In a capture: five repeats and 10 "
        "s "
        "in which the other end sent nothing.",
    .severity = "warning; notice for at most 5 % of a server's clients",
    .remedy = "TCP_USER_TIMEOUT of 20 to 60 s, or an application heartbeat.",
    .avoid = "Keep-alives do not act while data is unacknowledged.",
    .silent_on = "a few seconds without radio",
};

bool into_the_void(const Facts& facts, const Socket& s) {
  const TcpInfo* info = facts.info(s);
  if (info == nullptr || s.send_q == 0 || s.timer.kind != TimerKind::retransmit) return false;
  const Duration silent = std::chrono::milliseconds(info->last_ack_recv_ms);
  if (info->backoff < kBackoff || silent < kSilence) return false;
  if (silent < base_rto(*info) * kSilentRtos) return false;
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  return then == nullptr || then->bytes_acked == info->bytes_acked;
}

Duration silence(const Facts& facts, const Sockets& sockets) {
  Duration longest{};
  for (const Socket* s : sockets) {
    longest =
        std::max<Duration>(longest, std::chrono::milliseconds(facts.info(*s)->last_ack_recv_ms));
  }
  return longest;
}

// A client's port takes no new connections, so that only a server is called again.
void add_checks(const Facts& facts, const Socket& one, Finding& f) {
  const std::string inside = run_inside(facts, one);
  const std::string host = to_string(one.remote.addr.unmapped());
  f.confirm.push_back(fmt::format("{}ping -c 3 {}", inside, host));
  if (!serves(facts, one)) {
    f.confirm.push_back(fmt::format("{}nc -vz {} {}   (does a new connection work?)", inside, host,
                                    one.remote.port));
  }
}

// A server of many clients always has a few that have just vanished.
Severity severity_of(const Facts& facts, const Sockets& group) {
  const Socket& one = *group.front();
  if (!serves(facts, one)) return Severity::warning;
  const auto clients = std::ranges::count_if(facts.in(established), [&](const Socket* s) {
    return s->netns == one.netns && s->local.port == one.local.port;
  });
  const bool few =
      static_cast<double>(group.size()) <= kFewOfClients * static_cast<double>(clients);
  return few ? Severity::notice : Severity::warning;
}

Finding report(const Facts& facts, const Sockets& group) {
  const Socket& one = *group.front();
  Finding f = make_finding(kInfo, severity_of(facts, group), Confidence::confirmed);
  set_owner(facts, one, f);
  const size_t hosts = hosts_of(group).size();
  if (hosts == 1) f.subject.remote = one.remote;
  if (group.size() == 1) f.subject.local = one.local;
  uint64_t unacked = 0;
  uint64_t backoff = 0;
  for (const Socket* s : group) {
    unacked += s->send_q;
    backoff = std::max<uint64_t>(backoff, facts.info(*s)->backoff);
  }
  f.headline = fmt::format("{} of {} {}{} {} into the void, nothing heard for {}",
                           counted(group.size(), "connection"), owner_name(facts, one),
                           place_of(facts, group), in_namespace(facts, one),
                           group.size() == 1 ? "sends" : "send", human(silence(facts, group)));
  f.cause = cause_of_silence(alive_to(facts, group, kSilence), hosts);
  if (hosts > 1) add_fact(f, "hosts that do not answer", uint64_t{hosts}, "sock_diag");
  add_fact(f, "not acknowledged", fmt::format("{} bytes", grouped(unacked)), "sock_diag Send-Q");
  add_judged(f, "timer doubled", backoff, uint64_t{kBackoff}, "tcpi_backoff");
  add_judged(f, "nothing heard for", human(silence(facts, group)), human(kSilence),
             "tcpi_last_ack_recv");
  add_checks(facts, one, f);
  f.remedy.push_back(
      "set TCP_USER_TIMEOUT (20 to 60 s) or send heartbeats, so that the program learns of it");
  const auto retries = facts.sysctl(one.netns, "net.ipv4.tcp_retries2").value_or(15);
  f.remedy.push_back(fmt::format("net.ipv4.tcp_retries2 is {}: the kernel gives up only after {}",
                                 retries,
                                 retries >= 15 ? "about 15 minutes" : "that many repeats"));
  f.avoid.push_back("relying on keep-alives: they do not act while data is unacknowledged");
  f.see.push_back(fmt::format("tcpdx sockets 'dst host {}'", to_string(one.remote.addr)));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  Sockets stuck;
  for (const Socket* s : facts.in(established)) {
    if (into_the_void(facts, *s)) stuck.push_back(s);
  }
  std::vector<Finding> findings;
  for (const auto& [program, all] :
       group_by(stuck, [&](const Socket& s) { return std::pair(s.netns, facts.owner_index(s)); })) {
    const auto by_host = group_by(all, [](const Socket& s) { return s.remote.addr; });
    if (by_host.size() >= kManyHosts) {
      findings.push_back(report(facts, all));
      continue;
    }
    for (const auto& [host, group] : by_host) findings.push_back(report(facts, group));
  }
  return findings;
}

Finding report(const CaptureFacts& facts, const Group& group) {
  const Kept& one = group.kept.front();
  const Party sender = other(one.by);
  const End* served = facts.end(place_of(*one.connection, sender));
  const bool client = one.by == Party::originator && served != nullptr &&
                      group.share_of(served->closes + group.count) <= kFewOfClients;
  Finding f =
      make_finding(kInfo, client ? Severity::notice : Severity::warning, Confidence::likely);
  f.subject.local = one->end(sender);
  f.subject.remote = one->end(one.by);
  Duration silent{};
  uint32_t repeats = 0;
  for (const Kept& each : group.kept) {
    const ConnectionSide& side = each->side(other(each.by));
    silent = std::max(silent, side.last_at - each->side(each.by).last_at);
    repeats = std::max(repeats, side.unanswered ? side.unanswered->repeats : 0);
  }
  f.headline = fmt::format("{} no longer answers on {}; text is repeated for up to {}",
                           name_of(group.place), counted(group.count, "connection"), human(silent));
  f.cause =
      "text is sent again and again and nothing comes back: the peer is gone, or something on the "
      "way forgot the connection";
  add_judged(f, "repeats of the same text, at most", uint64_t{repeats}, uint64_t{kBackoff},
             std::string(kCapture));
  add_judged(f, "nothing heard for", human(silent), human(kSilence), std::string(kCapture));
  add_example(facts, group, f);
  f.confirm.push_back(
      fmt::format("ping -c 3 {}; does a new connection work?", to_string(group.place.addr)));
  f.remedy.push_back("TCP_USER_TIMEOUT of 20 to 60 s, or an application heartbeat");
  f.avoid.push_back("keep-alives: they do not act while data is unacknowledged");
  return f;
}

std::vector<Finding> find_in_capture(const CaptureFacts& facts) {
  std::vector<Finding> findings;
  for (const Group& group : groups_of(facts, Sign::into_void)) {
    findings.push_back(report(facts, group));
  }
  return findings;
}

}  // namespace

const Fault half_open_busy{&kInfo, find, find_in_capture};

}  // namespace tcpdx::faults
