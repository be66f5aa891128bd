// ephemeral-port-exhaustion: no free source port towards one destination.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/local_ports.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr double kNearly = 0.80;
constexpr double kFull = 0.95;

constexpr std::array kStates{time_wait, established};
constexpr std::array kLookAlikes{
    LookAlike{"many TIME-WAIT over many destinations",
              "each destination has the whole range for itself"},
    LookAlike{"TIME-WAIT on the serving side", "the server's port is fixed, no port is used up"},
    LookAlike{"bind() to an address the host lacks", "the same EADDRNOTAVAIL, with free ports"},
    LookAlike{"descriptor limit", "EMFILE instead"},
};
constexpr FaultInfo kInfo{
    .id = "ephemeral-port-exhaustion",
    .title = "No free local port towards a destination: \"Cannot assign requested address\"",
    .states = kStates,
    .signature =
        "The local ports in use for one (local address, destination) come near the size "
        "of ip_local_port_range; connect() fails with EADDRNOTAVAIL, while other "
        "destinations still work. No counter counts it.",
    .look_alikes = kLookAlikes,
    .trigger =
        "80 % of the range in use is a notice, 95 % critical. Per destination, because "
        "100 000 TIME-WAIT over a thousand destinations are harmless. TIME-WAIT whose port "
        "connect() may take again (tcp_tw_reuse) does not count.",
    .severity = "notice from 80 %, critical from 95 %",
    .remedy =
        "Keep connections alive or pool them; widen the range; more source or destination "
        "addresses; IP_BIND_ADDRESS_NO_PORT; tcp_tw_reuse=1 on the calling side.",
    .avoid =
        "tcp_tw_recycle (gone since Linux 4.12), a small tcp_fin_timeout (does not touch "
        "TIME-WAIT), SO_LINGER 0, a small tcp_max_tw_buckets.",
    .silent_on = "TIME-WAIT spread over destinations, TIME-WAIT on the serving side",
};

void add_remedies(const Facts& facts, const PortUse& use, Finding& f) {
  const Socket& s = *use.example;
  f.remedy.push_back("keep connections alive or pool them: one connection for many requests");
  const bool reusable = facts.sysctl(s.netns, "net.ipv4.tcp_timestamps").value_or(0) != 0 &&
                        facts.sysctl(s.netns, "net.ipv4.tcp_tw_reuse").value_or(0) != 1;
  if (use.time_wait_blocking > use.live.size() && reusable) {
    f.remedy.push_back(fmt::format("sysctl net.ipv4.tcp_tw_reuse=1 on this side (now {})",
                                   facts.sysctl(s.netns, "net.ipv4.tcp_tw_reuse").value_or(0)));
  }
  f.remedy.push_back(fmt::format(
      "a wider net.ipv4.ip_local_port_range (now {}), or more source or destination addresses",
      facts.seen.namespaces[s.netns].sysctls.text("net.ipv4.ip_local_port_range").value_or("?")));
  f.avoid.push_back(
      "a small tcp_fin_timeout or tcp_max_tw_buckets, SO_LINGER 0: they do not free these ports "
      "safely");
}

Finding report(const Facts& facts, const PortUse& use) {
  const Socket& s = use.live.empty() ? *use.example : *use.live.front();
  const bool full = use.share() >= kFull;
  const size_t held = use.live.size() + use.time_wait_blocking;
  Finding f =
      make_finding(kInfo, full ? Severity::critical : Severity::notice, Confidence::confirmed);
  f.subject.netns = facts.seen.namespaces[s.netns].inode;
  if (!use.live.empty() && facts.owner(s) != nullptr) set_owner(facts, s, f);
  f.subject.destination = s.remote;
  f.headline = fmt::format("{} of {} local ports towards {} are taken{}{}", grouped(held),
                           grouped(use.available), to_string(s.remote), in_namespace(facts, s),
                           held >= use.available ? ": connect() fails with EADDRNOTAVAIL"
                           : full                ? ": connect() is about to fail with EADDRNOTAVAIL"
                                                 : "");
  f.cause = use.time_wait_blocking > use.live.size()
                ? "this side closes first, and each closed connection keeps its port in TIME-WAIT "
                  "for 60 s"
                : "so many connections to this one destination are open at once";
  add_fact(f, "ports taken", uint64_t{held}, use.available, "sock_diag, ip_local_port_range");
  add_fact(f, "by open connections", uint64_t{use.live.size()}, "sock_diag");
  add_fact(f, "by TIME-WAIT", uint64_t{use.time_wait_blocking}, "sock_diag");
  if (use.time_wait > use.time_wait_blocking) {
    add_fact(f, "TIME-WAIT that may be reused", uint64_t{use.time_wait - use.time_wait_blocking},
             "tcp_tw_reuse");
  }
  f.confirm.push_back(fmt::format(
      "{0}ss -Htan dst {1} dport = :{2} | wc -l; {0}sysctl net.ipv4.ip_local_port_range",
      run_inside(facts, s), to_string(s.remote.addr), s.remote.port));
  add_remedies(facts, use, f);
  f.see.push_back(fmt::format("tcpdx states --by process 'dst host {} and dst port {}'",
                              to_string(s.remote.addr), s.remote.port));
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const PortUse& use : port_use(facts)) {
    if (use.share() >= kNearly) findings.push_back(report(facts, use));
  }
  return findings;
}

}  // namespace

const Fault ephemeral_port_exhaustion{&kInfo, find};

}  // namespace tcpdx::faults
