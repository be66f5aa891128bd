// fin-wait1-stuck: our FIN is not acknowledged.
#include <fmt/format.h>

#include <array>

#include "base/text.hpp"
#include "faults/catalogue.hpp"
#include "faults/closing.hpp"

namespace tcpdx::faults {
namespace {

using enum tcp::State;

constexpr size_t kLeast = 3;
constexpr double kShareOfMemory = 0.05;
constexpr uint64_t kPage = 4096;  // tcp_mem counts pages

constexpr std::array kStates{fin_wait_1};
constexpr std::array kLookAlikes{
    LookAlike{"normal passage", "lasts one round trip, no repeats"},
    LookAlike{"a path outage", "then every state shows repeats, not only FIN-WAIT-1"},
    LookAlike{"mobile clients", "a few per cent of them always vanish while closing"},
};
constexpr auto kCounters =
    std::to_array<std::string_view>({"Tcp.ActiveOpens", "Tcp.AttemptFails", "Tcp.CurrEstab",
                                     "Tcp.EstabResets", "Tcp.PassiveOpens", "TcpExt.TW"});
constexpr FaultInfo kInfo{
    .id = "fin-wait1-stuck",
    .title = "Closed connections whose FIN is not acknowledged",
    .states = kStates,
    .signature =
        "FIN-WAIT-1 without an owner, the FIN repeated (retransmission timer): the peer is "
        "silent. With the persist timer the peer lives but does not read, and the kernel "
        "keeps the unsent data. It ends after tcp_orphan_retries, about 100 s.",
    .look_alikes = kLookAlikes,
    .trigger =
        "At least 3 with three repeats and above 5 % of all closes (at least 20 of them to "
        "be more than suspected), or their data above 5 % of tcp_mem. A share, because a few "
        "per cent of mobile clients always vanish.",
    .severity = "info; warning when the data they hold takes more than 5 % of tcp_mem",
    .remedy = "Usually wait; on a loaded server a lower tcp_orphan_retries; drain before a stop.",
    .avoid = "A low tcp_max_orphans; tcp_fin_timeout has no effect here.",
    .silent_on = "a few per cent of the closes, FIN-WAIT-1 for one round trip",
    .counters = kCounters,
};

uint64_t held_bytes(const Closing& closing) {
  uint64_t bytes = 0;
  for (const Socket* s : closing.silent) bytes += s->send_q;
  for (const Socket* s : closing.not_reading) bytes += s->send_q;
  return bytes;
}

bool much_memory(const Facts& facts, uint64_t bytes) {
  const auto pages = facts.sysctl(0, "net.ipv4.tcp_mem", 1);
  return pages && static_cast<double>(bytes) > kShareOfMemory * static_cast<double>(*pages * kPage);
}

Finding report(const Facts& facts, const Closing& closing) {
  const bool silent = closing.silent.size() >= closing.not_reading.size();
  const Sockets& group = silent ? closing.silent : closing.not_reading;
  const uint64_t bytes = held_bytes(closing);
  const bool memory = much_memory(facts, bytes);
  Finding f = make_finding(kInfo, memory ? Severity::warning : Severity::info,
                           closing_confidence(facts, closing));
  const Socket& one = *group.front();
  f.subject.netns = facts.seen.namespaces[closing.netns].inode;
  f.subject.local = one.local;
  f.subject.remote = one.remote;
  f.headline = fmt::format("{} stay in FIN-WAIT-1, the oldest for at least {}",
                           peers_of(facts, group), human(oldest(facts, group).at_least));
  f.cause =
      silent
          ? "this side closed, and nobody acknowledges the FIN: the peers are gone, or the path is"
          : "this side closed with data unsent; the peers answer with a window of zero: they live "
            "but do not read";
  add_fact(f, "FIN repeated three times or more", uint64_t{closing.silent.size()}, "sock_diag");
  add_fact(f, "waiting for a window", uint64_t{closing.not_reading.size()}, "sock_diag");
  add_judged(f, "share of closes in the window", percent(closing.share()), percent(kShareOfCloses),
             "TcpExt.TW, Tcp.CurrEstab, sock_diag");
  add_fact(f, "unsent or unacknowledged", fmt::format("{} bytes", grouped(bytes)),
           "sock_diag Send-Q");
  f.confirm.push_back(fmt::format("{}ss -tano state fin-wait-1 'sport = :{}'",
                                  run_inside(facts, one), one.local.port));
  f.remedy.push_back(
      "usually wait: the kernel drops them after about 100 s; on a loaded server lower "
      "net.ipv4.tcp_orphan_retries");
  f.remedy.push_back("before stopping a server let it finish its connections");
  f.avoid.push_back(
      "a low tcp_max_orphans (it resets good connections); tcp_fin_timeout has no effect here");
  f.see.push_back("tcpdx sockets 'state fin-wait-1'");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Closing& closing : stuck_in(facts, fin_wait_1)) {
    const size_t stuck = closing.silent.size() + closing.not_reading.size();
    const bool many = stuck >= kLeast && closing.share() > kShareOfCloses;
    if (many || much_memory(facts, held_bytes(closing))) findings.push_back(report(facts, closing));
  }
  return findings;
}

}  // namespace

const Fault fin_wait1_stuck{&kInfo, find};

}  // namespace tcpdx::faults
