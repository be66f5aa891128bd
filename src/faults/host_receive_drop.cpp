// host-receive-drop: this machine throws packets away before TCP sees them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kShare = 0.0001;           // of all packets; retransmission hides less
constexpr uint64_t kLeastPackets = 10'000;  // that were taken: of fewer the share says nothing
constexpr uint64_t kLeastDropped = 10;

constexpr std::array kStates{tcp::State::established, tcp::State::syn_sent,
                             tcp::State::syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"packet-loss-retransmission", "there one network is affected, not all"},
    LookAlike{"time_squeeze alone", "there work is put off, and nothing is lost"},
    LookAlike{"rx_dropped of an interface", "it also counts packets of unknown protocols"},
    LookAlike{"receive-buffer-prune", "there the segment did reach its socket"},
};
constexpr FaultInfo kInfo{
    .id = "host-receive-drop",
    .title = "This machine drops packets before TCP sees them: it cannot take them fast enough",
    .states = kStates,
    .signature =
        "The second column of /proc/net/softnet_stat rises: a processor's queue of received "
        "packets (net.core.netdev_max_backlog) was full. Every connection of the machine loses "
        "some, in all namespaces; peers repeat, and new connections are slow.",
    .look_alikes = kLookAlikes,
    .trigger =
        "Of at least 10 000 packets that were taken more than 0.01 % dropped, and at least 10. In "
        "less than 30 s only suspected, unless the kernel's events name the reason. The third "
        "column, time_squeeze, is shown but is no sign: it says that work was put off. Not "
        "reproduced on a live machine: "
        "tested on altered observations.",
    .severity = "warning; notice in less than 30 s",
    .remedy =
        "Spread receiving over processors (RSS, RPS, interrupt affinity); raise "
        "net.core.netdev_max_backlog against short bursts; larger rings (ethtool -G); more "
        "processors.",
    .avoid = "Raising net.core.netdev_budget alone: it helps time_squeeze, not a full queue.",
    .silent_on = "time_squeeze that grows without drops, packets of unknown protocols",
};

bool dropped_by_host(std::string_view reason) {
  return reason == "CPU_BACKLOG" || reason == "FULL_RING";
}

size_t events_of(const Facts& facts) {
  return static_cast<size_t>(std::ranges::count_if(
      facts.events(EventKind::drop),
      [&](const TcpEvent* event) { return dropped_by_host(facts.reason(*event)); }));
}

std::optional<Softnet> risen(const std::vector<Softnet>& sums) {
  if (sums.size() < 2) return std::nullopt;
  const Softnet& then = sums.front();
  const Softnet& now = sums.back();
  // A processor that was switched off takes its counts with it.
  if (now.processed < then.processed || now.dropped < then.dropped) return std::nullopt;
  return Softnet{.processed = now.processed - then.processed,
                 .dropped = now.dropped - then.dropped,
                 .squeezed = now.squeezed < then.squeezed ? 0 : now.squeezed - then.squeezed};
}

Finding report(const Facts& facts, const Softnet& rise) {
  const size_t events = events_of(facts);
  const double share = ratio(rise.dropped, rise.processed + rise.dropped);
  Finding f =
      make_finding(kInfo, facts.is_short() ? Severity::notice : Severity::warning,
                   events > 0 ? Confidence::confirmed : at_most_for(facts, Confidence::likely));
  f.headline =
      fmt::format("this machine dropped {} of {} received packets ({}) before TCP saw them, in {}",
                  grouped(rise.dropped), grouped(rise.processed + rise.dropped), percent(share),
                  human(facts.seen.window));
  f.cause =
      "the queue of received packets of a processor was full: packets came faster than it could "
      "take them";
  add_judged(
      f, "packets dropped", rise.dropped,
      std::max(kLeastDropped, static_cast<uint64_t>(kShare * static_cast<double>(rise.processed))),
      "/proc/net/softnet_stat, column 2");
  add_fact(f, "packets taken", rise.processed, "/proc/net/softnet_stat, column 1");
  add_fact(f, "times that work was put off", rise.squeezed, "/proc/net/softnet_stat, column 3");
  if (events > 0) add_fact(f, "TCP segments among them", uint64_t{events}, "skb:kfree_skb");
  if (const auto backlog = facts.sysctl(0, "net.core.netdev_max_backlog")) {
    add_fact(f, "packets that a processor may have queued", *backlog,
             "net.core.netdev_max_backlog");
  }
  f.confirm.push_back(
      "mpstat -P ALL 1 (one processor at 100 % soft); cat /proc/net/softnet_stat; ip -s -s link "
      "(missed, fifo: lost in the card already)");
  f.remedy.push_back(
      "spread receiving over processors: RSS queues, RPS, interrupt affinity; find the flood if "
      "there is one");
  f.remedy.push_back("raise net.core.netdev_max_backlog against short bursts");
  f.avoid.push_back("raising net.core.netdev_budget alone: it does not help a full queue");
  f.see.push_back("tcpdx explain packet-loss-retransmission");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  const auto rise = risen(facts.seen.softnet);
  if (!rise || rise->processed < kLeastPackets || rise->dropped < kLeastDropped) return {};
  if (ratio(rise->dropped, rise->processed + rise->dropped) <= kShare) return {};
  return {report(facts, *rise)};
}

}  // namespace

const Fault host_receive_drop{&kInfo, find};

}  // namespace tcpdx::faults
