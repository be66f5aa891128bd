// time-wait-pileup: many TIME-WAIT; an explanation, not a fault of its own.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/local_ports.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr double kHalf = 0.5;

constexpr std::array kStates{time_wait};
constexpr std::array kLookAlikes{
    LookAlike{"a busy server", "24 000 TIME-WAIT at 400 closes per second are exactly normal"},
    LookAlike{"ephemeral-port-exhaustion",
              "the harm that TIME-WAIT can do; this is folded under it"},
};
constexpr auto kCounters = std::to_array<std::string_view>({"TcpExt.TW"});
constexpr FaultInfo kInfo{
    .id = "time-wait-pileup",
    .title = "TIME-WAIT holds many of the local ports towards a destination",
    .states = kStates,
    .signature =
        "TIME-WAIT towards one destination in number about 60 times the closes per "
        "second, on the side that closes first.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Only where it leads towards exhausted ports: TIME-WAIT whose port cannot be reused "
        "holds at least half of the range towards one destination. The number of TIME-WAIT "
        "by itself says nothing: it is the close rate times 60 s.",
    .severity = "info",
    .remedy = "Let the other side close first; keep connections alive.",
    .avoid = "tcp_tw_recycle, a small tcp_max_tw_buckets, SO_LINGER 0.",
    .silent_on =
        "any number of TIME-WAIT that is spread over destinations, on the serving side, "
        "or reusable",
    .counters = kCounters,
};

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const PortUse& use : port_use(facts)) {
    const double share =
        static_cast<double>(use.time_wait_blocking) / static_cast<double>(use.available);
    if (share < kHalf) continue;
    const Socket& s = *use.example;
    Finding f = make_finding(kInfo, Severity::info, Confidence::confirmed);
    f.subject.netns = facts.seen.namespaces[s.netns].inode;
    f.subject.destination = s.remote;
    f.headline = fmt::format("{} TIME-WAIT towards {}{} hold {} of the local ports",
                             grouped(use.time_wait_blocking), to_string(s.remote),
                             in_namespace(facts, s), percent(share));
    f.cause = "this side closes first; TIME-WAIT lasts 60 s after each close, by design";
    add_fact(f, "TIME-WAIT", uint64_t{use.time_wait_blocking}, use.available,
             "sock_diag, ip_local_port_range");
    if (const uint64_t closes = facts.rise(s.netns, "TcpExt.TW").value_or(0); closes > 0) {
      add_fact(f, "closes in the namespace",
               per_second(static_cast<double>(closes) / seconds(facts.seen.window)), "TcpExt.TW");
    }
    f.confirm.push_back("closes per second times 60 is the number to expect");
    f.remedy.push_back("let the other side close first, or keep connections alive");
    f.avoid.push_back(
        "tcp_tw_recycle (gone since Linux 4.12), a small tcp_max_tw_buckets, SO_LINGER 0");
    findings.push_back(std::move(f));
  }
  return findings;
}

}  // namespace

const Fault time_wait_pileup{&kInfo, find};

}  // namespace tcpdx::faults
