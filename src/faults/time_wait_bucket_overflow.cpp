// time-wait-bucket-overflow: TIME-WAIT is cut short by the limit on its number.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr std::string_view kOverflow = "TcpExt.TCPTimeWaitOverflow";
constexpr uint64_t kLeastCloses = 20;
constexpr double kShare = 0.01;  // below, a peak now and then reaches the limit
constexpr double kFailingShare = 0.01;
constexpr double kTimeWait = 60;       // seconds, TCP_TIMEWAIT_LEN
constexpr uint64_t kRoundedTo = 1024;  // of the limit that is recommended

constexpr std::array kStates{tcp::State::time_wait, tcp::State::fin_wait_2};
constexpr std::array kLookAlikes{
    LookAlike{"time-wait-pileup", "there TIME-WAIT is many but complete: the counter stays still"},
    LookAlike{"ephemeral-port-exhaustion", "there the ports run out, not the room for TIME-WAIT"},
    LookAlike{"little TIME-WAIT on a busy machine", "its peers close first"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"Tcp.ActiveOpens", "Tcp.AttemptFails", "Tcp.OutRsts", "TcpExt.EmbryonicRsts",
     "TcpExt.TCPTimeWaitOverflow", "TcpExt.TW", "TcpExt.TWKilled", "sockstat.TCP.tw"});
constexpr FaultInfo kInfo{
    .id = "time-wait-bucket-overflow",
    .title = "Connections skip TIME-WAIT: tcp_max_tw_buckets is reached",
    .states = kStates,
    .signature =
        "TCPTimeWaitOverflow rises while the number in TIME-WAIT stands at tcp_max_tw_buckets: "
        "sockets that close first go at once. A FIN that the peer still has to send, and segments "
        "that come late, are answered by a reset; a new connection of the same numbers may take "
        "old segments for its own. The kernel logs \"time wait bucket table overflow\".",
    .look_alikes = kLookAlikes,
    .trigger =
        "In a namespace above 1 % of at least 20 closes that lead to TIME-WAIT, again and again "
        "within the look. A share, because one peak harms nobody; the kernel's own counter is "
        "the sign, not the number of TIME-WAIT.",
    .severity = "notice; warning when more than 1 % of at least 20 calls from there fail as well",
    .remedy =
        "A tcp_max_tw_buckets above the closes per second times 60; each takes about 0.25 kB.",
    .avoid = "A smaller limit, SO_LINGER 0 or tcp_tw_recycle as cures for TIME-WAIT.",
    .silent_on = "any number of TIME-WAIT below the limit, a single peak at it",
    .counters = kCounters,
};

struct Overflow {
  size_t netns = 0;
  uint64_t cut = 0;     // closed without TIME-WAIT
  uint64_t closes = 0;  // those included
  uint64_t calls = 0;
  uint64_t failed = 0;  // of the calls
};

Overflow overflow_of(const Facts& facts, size_t netns) {
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  const uint64_t cut = rise(kOverflow);
  // AttemptFails counts those whom we serve too; theirs are EmbryonicRsts.
  const uint64_t failed = rise("Tcp.AttemptFails");
  const uint64_t theirs = rise("TcpExt.EmbryonicRsts");
  return {.netns = netns,
          .cut = cut,
          .closes = cut + rise("TcpExt.TW") + rise("TcpExt.TWKilled"),
          .calls = rise("Tcp.ActiveOpens"),
          .failed = failed - std::min(failed, theirs)};
}

void add_evidence(const Facts& facts, const Overflow& overflow, Finding& f) {
  add_judged(f, "closed without TIME-WAIT", percent(ratio(overflow.cut, overflow.closes)),
             percent(kShare), "TcpExt.TCPTimeWaitOverflow, TcpExt.TW");
  const auto limit = facts.sysctl(overflow.netns, "net.ipv4.tcp_max_tw_buckets");
  const auto waiting = facts.counter(overflow.netns, "sockstat.TCP.tw");
  if (limit && waiting) add_fact(f, "in TIME-WAIT now", *waiting, *limit, "sockstat");
  if (overflow.calls >= kLeastCloses) {
    add_judged(f, "calls that fail", percent(ratio(overflow.failed, overflow.calls)),
               percent(kFailingShare), "Tcp.AttemptFails, Tcp.ActiveOpens");
  }
  const uint64_t resets = facts.rise(overflow.netns, "Tcp.OutRsts").value_or(0);
  if (resets > 0) add_fact(f, "resets sent", resets, "Tcp.OutRsts");
}

Finding report(const Facts& facts, const Overflow& overflow) {
  const bool failing =
      overflow.calls >= kLeastCloses && ratio(overflow.failed, overflow.calls) > kFailingShare;
  Finding f = make_finding(kInfo, failing ? Severity::warning : Severity::notice,
                           facts.is_short() ? Confidence::likely : Confidence::confirmed);
  f.subject.netns = facts.seen.namespaces[overflow.netns].inode;
  const auto limit = facts.sysctl(overflow.netns, "net.ipv4.tcp_max_tw_buckets");
  f.headline = fmt::format("{} of {}{} skipped TIME-WAIT within {}: {}", grouped(overflow.cut),
                           counted(overflow.closes, "close"), in_namespace(facts, overflow.netns),
                           human(facts.seen.window),
                           limit ? fmt::format("tcp_max_tw_buckets allows {}", grouped(*limit))
                                 : "tcp_max_tw_buckets is reached");
  f.cause = "connections are closed faster than TIME-WAIT, 60 s each, makes room";
  add_evidence(facts, overflow, f);
  const std::string inside = run_inside(facts, overflow.netns);
  f.confirm.push_back(fmt::format("{}nstat -az TcpExtTCPTimeWaitOverflow   (rising)", inside));
  const double per_s = static_cast<double>(overflow.closes) / seconds(facts.seen.window);
  const uint64_t wanted = (static_cast<uint64_t>(per_s * kTimeWait) / kRoundedTo + 1) * kRoundedTo;
  f.remedy.push_back(fmt::format(
      "{}sysctl -w net.ipv4.tcp_max_tw_buckets={}   (at least: closes per second times 60; about "
      "0.25 kB each)",
      inside, wanted));
  f.remedy.push_back("or fewer closes: keep connections alive, let the clients close first");
  f.avoid.push_back("SO_LINGER 0 or tcp_tw_recycle to have less TIME-WAIT: they lose data");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const Overflow overflow = overflow_of(facts, netns);
    if (overflow.closes < kLeastCloses || ratio(overflow.cut, overflow.closes) <= kShare) continue;
    if (keeps_rising(facts, netns, kOverflow)) findings.push_back(report(facts, overflow));
  }
  return findings;
}

}  // namespace

const Fault time_wait_bucket_overflow{&kInfo, find};

}  // namespace tcpdx::faults
