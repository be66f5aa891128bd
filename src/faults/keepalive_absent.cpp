// keepalive-absent: a server that cannot notice when an idle client vanishes.
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

constexpr Duration kIdle = 10min;  // applications that keep a connection alive speak more often
constexpr size_t kMost = 50;       // fewer vanished clients hurt no server

constexpr std::array kStates{established};
constexpr std::array kLookAlikes{
    LookAlike{"heartbeats of the application", "there octets move every minute or so"},
    LookAlike{"half-open-idle", "there is a sign that peers are gone; here there is none"},
    LookAlike{"keep-alives switched on", "there an idle connection has the keep-alive timer"},
    LookAlike{"an idle limit in the program", "it closes such connections before they are old"},
};
constexpr FaultInfo kInfo{
    .id = "keepalive-absent",
    .title = "A server keeps idle connections without any way to notice a vanished client",
    .states = kStates,
    .signature =
        "Many ESTABLISHED connections of one service, idle for long, none with the keep-alive "
        "timer. A client that loses power or its network leaves such a connection behind for ever. "
        "Boxes on the way forget idle connections after minutes (NAT, firewalls, balancers), far "
        "below the two hours of tcp_keepalive_time.",
    .look_alikes = kLookAlikes,
    .trigger =
        "More than 50 connections to one served port on which nothing passed for more than 10 min, "
        "and no connection of that port with the keep-alive timer. The minutes are tested on "
        "altered "
        "observations.",
    .severity = "info: a risk, not a fault",
    .remedy =
        "SO_KEEPALIVE on each accepted socket, with TCP_KEEPIDLE below the shortest limit on the "
        "way (60 s), or heartbeats, or an idle limit in the program.",
    .avoid =
        "net.ipv4.tcp_keepalive_time: it is only the default of sockets that have SO_KEEPALIVE.",
    .silent_on = "loopback, peers on the same machine, fewer than 50, anything that still talks",
};

using Port = std::tuple<uint16_t, uint16_t>;  // namespace, port

Port port_of(const Socket& s) { return {s.netns, s.local.port}; }

Finding report(const Facts& facts, const Sockets& idle, size_t all) {
  const Socket& one = *idle.front();
  Finding f = make_finding(kInfo, Severity::info, Confidence::likely);
  set_owner(facts, one, f);
  f.subject.listener = service_of(facts, one);
  Duration longest{};
  for (const Socket* s : idle) longest = std::max(longest, quiet_for(facts, *s).value_or(0s));
  f.headline = fmt::format(
      "{} holds {} on port {}{} without keep-alives, idle for more than 10 min, the longest for "
      "{}: it would not notice if their clients were gone",
      owner_name(facts, one), counted(idle.size(), "connection"), one.local.port,
      in_namespace(facts, one), human(longest));
  f.cause =
      "nobody set SO_KEEPALIVE, and nothing passes that would fail: a vanished client stays "
      "ESTABLISHED for ever";
  add_fact(f, "idle for more than 10 min", uint64_t{idle.size()}, uint64_t{all}, "TCP_INFO");
  add_fact(f, "with the keep-alive timer", uint64_t{0}, uint64_t{all}, "sock_diag timer");
  if (const auto time = facts.sysctl(one.netns, "net.ipv4.tcp_keepalive_time")) {
    add_fact(f, "first keep-alive, where switched on, after", human(std::chrono::seconds(*time)),
             "net.ipv4.tcp_keepalive_time");
  }
  f.confirm.push_back(fmt::format("{}ss -tno 'sport = :{}' | grep -c keepalive",
                                  run_inside(facts, one), one.local.port));
  f.remedy.push_back(
      "set SO_KEEPALIVE on accepted sockets with TCP_KEEPIDLE 60, TCP_KEEPINTVL 10, TCP_KEEPCNT 6; "
      "or close what is idle for too long");
  f.avoid.push_back(
      "net.ipv4.tcp_keepalive_time: it is only the default of sockets that have SO_KEEPALIVE");
  f.see.push_back(fmt::format("tcpdx sockets 'src port {} and state established'", one.local.port));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::set<Port> served;
  for (const Listener& listener : facts.listeners()) served.insert(port_of(*listener.socket));
  const std::set<IpAddress> here = local_addresses(facts);
  std::map<Port, size_t> all;
  std::map<Port, Sockets> idle;
  std::set<Port> kept_alive;
  for (const Socket* s : facts.in(established)) {
    const IpAddress host = s->remote.addr.unmapped();
    if (s->inode == 0 || !served.contains(port_of(*s)) || host.is_loopback() ||
        here.contains(host)) {
      continue;
    }
    ++all[port_of(*s)];
    if (s->timer.kind == TimerKind::keepalive) kept_alive.insert(port_of(*s));
    if (s->timer.kind == TimerKind::none && quiet_for(facts, *s).value_or(0s) > kIdle) {
      idle[port_of(*s)].push_back(s);
    }
  }
  std::vector<Finding> findings;
  for (const auto& [port, sockets] : idle) {
    if (sockets.size() > kMost && !kept_alive.contains(port)) {
      findings.push_back(report(facts, sockets, all[port]));
    }
  }
  return findings;
}

}  // namespace

const Fault keepalive_absent{&kInfo, find};

}  // namespace tcpdx::faults
