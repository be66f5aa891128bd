// orphan-limit: too many sockets that no program holds any more.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr std::string_view kOrphans = "sockstat.TCP.orphan";
constexpr double kNotice = 0.50;
constexpr double kWarning = 0.80;
// For an orphan whose peer has been silent for minutes, or about which errors came, the kernel
// shifts the count by up to two bits (tcp_out_of_resources): resets may begin at a quarter.
constexpr double kLeastForResets = 0.25;

constexpr std::array kStates{fin_wait_1, closing, last_ack};
constexpr std::array kLookAlikes{
    LookAlike{"tcp-memory-pressure",
              "TCPAbortOnMemory rises there too, but orphans are few and memory is near tcp_mem"},
    LookAlike{"FIN-WAIT-2 and TIME-WAIT without owner",
              "the kernel does not count them as orphans"},
    LookAlike{"a server that stops", "its orphans fade within two minutes"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"TcpExt.TCPAbortOnMemory", "sockstat.TCP.orphan"});
constexpr FaultInfo kInfo{
    .id = "orphan-limit",
    .title = "Too many closed connections wait for peers: tcp_max_orphans is near",
    .states = kStates,
    .signature =
        "orphan in /proc/net/sockstat, a count over the whole machine, near tcp_max_orphans: "
        "sockets that their programs have closed and whose data or FIN is not acknowledged. At the "
        "limit the kernel resets them (TCPAbortOnMemory) and unsent data is lost; those whose "
        "peers "
        "are silent for long already from a quarter of it. It logs \"too many orphaned "
        "sockets\".",
    .look_alikes = kLookAlikes,
    .trigger =
        "In every sample of the look at least half of tcp_max_orphans, or a quarter with "
        "TCPAbortOnMemory rising in any namespace. A share, because the limit grows with the "
        "machine. Not reproduced on a live machine, whose limit it is: tested on altered "
        "observations.",
    .severity = "notice from half of the limit, warning from 80 %, critical with TCPAbortOnMemory",
    .remedy =
        "Find the peers that vanished or do not read; a lower tcp_orphan_retries (0 stands for 8); "
        "a higher limit, 64 kB of memory each at worst.",
    .avoid = "A lower tcp_max_orphans: it resets good connections.",
    .silent_on = "orphans below half of the limit, a peak within the look",
    .counters = kCounters,
};

struct Orphans {
  size_t netns = 0;  // where the whole machine is counted
  uint64_t limit = 0;
  uint64_t least = 0;  // of all samples
  uint64_t now = 0;
  uint64_t aborted = 0;  // TCPAbortOnMemory, in all namespaces
  double share() const { return ratio(least, limit); }
};

std::optional<Orphans> orphans_of(const Facts& facts, size_t netns) {
  const auto limit = facts.sysctl(netns, "net.ipv4.tcp_max_orphans");
  const auto now = facts.counter(netns, kOrphans);
  if (!limit || *limit == 0 || !now) return std::nullopt;
  Orphans orphans{.netns = netns, .limit = *limit, .least = *now, .now = *now};
  for (const Sample& sample : facts.seen.samples) {
    if (netns >= sample.counters.size()) continue;
    orphans.least = std::min(orphans.least, sample.counters[netns].get(kOrphans).value_or(0));
  }
  for (size_t i = 0; i < facts.seen.namespaces.size(); ++i) {
    orphans.aborted += facts.rise(i, "TcpExt.TCPAbortOnMemory").value_or(0);
  }
  return orphans;
}

std::optional<Severity> severity_of(const Orphans& orphans) {
  if (orphans.aborted > 0 && orphans.share() >= kLeastForResets) return Severity::critical;
  if (orphans.share() >= kWarning) return Severity::warning;
  return orphans.share() >= kNotice ? std::optional(Severity::notice) : std::nullopt;
}

// Those without descriptor, by what they wait for.
void add_states(const Facts& facts, Finding& f) {
  uint64_t not_reading = 0;
  for (const tcp::State state : kStates) {
    uint64_t count = 0;
    for (const Socket* s : facts.in(state)) {
      count += s->inode == 0;
      not_reading += s->inode == 0 && s->timer.kind == TimerKind::persist;
    }
    if (count > 0) add_fact(f, std::string(tcp::to_string(state)), count, "sock_diag");
  }
  if (not_reading > 0) add_fact(f, "peer does not read", not_reading, "sock_diag, persist timer");
}

Finding report(const Facts& facts, const Orphans& orphans, Severity severity) {
  // Resets by the kernel are the decisive sign; the count alone has to last.
  const bool decisive = orphans.aborted > 0;
  Finding f =
      make_finding(kInfo, severity,
                   decisive ? Confidence::confirmed : at_most_for(facts, Confidence::confirmed));
  f.subject.netns = facts.seen.namespaces[orphans.netns].inode;
  f.headline = fmt::format(
      "{} closed connections of this machine wait for their peers, {} of tcp_max_orphans{}",
      grouped(orphans.now), percent(ratio(orphans.now, orphans.limit)),
      decisive ? fmt::format("; the kernel has reset {} within {}", grouped(orphans.aborted),
                             human(facts.seen.window))
               : "");
  f.cause =
      "programs have closed these connections, but their peers acknowledge nothing or do not read; "
      "each waits for about 100 s";
  add_fact(f, "orphans", orphans.now, orphans.limit, "sockstat, tcp_max_orphans");
  add_states(facts, f);
  if (decisive) add_fact(f, "TCPAbortOnMemory", orphans.aborted, "TcpExt.TCPAbortOnMemory");
  f.confirm.push_back(
      "ss -tano state fin-wait-1   (to whom? timer on: silent; persist: not reading)");
  f.confirm.push_back("dmesg | grep 'orphaned sockets'");
  f.remedy.push_back(
      "find the peers that vanished or do not read; lower net.ipv4.tcp_orphan_retries (0 "
      "stands for 8), so that each waits less long");
  f.remedy.push_back(
      fmt::format("raise net.ipv4.tcp_max_orphans ({}); each takes at most about 64 kB of memory",
                  grouped(orphans.limit)));
  f.avoid.push_back("a lower tcp_max_orphans: it resets good connections");
  f.see.push_back("tcpdx sockets 'state fin-wait-1 or state last-ack'");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const auto orphans = orphans_of(facts, netns);
    if (!orphans) continue;
    if (const auto severity = severity_of(*orphans)) {
      findings.push_back(report(facts, *orphans, *severity));
    }
  }
  return findings;
}

}  // namespace

const Fault orphan_limit{&kInfo, find};

}  // namespace tcpdx::faults
