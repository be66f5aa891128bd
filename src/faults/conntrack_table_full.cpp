// conntrack-table-full: the table of the firewall's connections has no room for new ones.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kNotice = 0.85;
constexpr double kWarning = 0.95;

constexpr std::string_view kCount = "nf_conntrack.count";
constexpr std::string_view kMax = "nf_conntrack.max";
constexpr std::string_view kDrop = "nf_conntrack.drop";
constexpr std::string_view kEarlyDrop = "nf_conntrack.early_drop";
constexpr std::string_view kClashes = "nf_conntrack.insert_failed";

constexpr std::array kStates{tcp::State::syn_sent, tcp::State::syn_received};
constexpr std::array kLookAlikes{
    LookAlike{"a firewall rule that drops", "there nf_conntrack's drop does not move"},
    LookAlike{"connect-blackhole", "there the way is at fault, and the table has room"},
    LookAlike{"syn-flood", "it fills this table as well: look for SYN-RECEIVED"},
};
constexpr auto kCounters = std::to_array<std::string_view>(
    {"nf_conntrack.count", "nf_conntrack.drop", "nf_conntrack.early_drop",
     "nf_conntrack.insert_failed", "nf_conntrack.max"});
constexpr FaultInfo kInfo{
    .id = "conntrack-table-full",
    .title = "The firewall's connection table is full",
    .states = kStates,
    .signature =
        "nf_conntrack_count is at nf_conntrack_max: the first packet of every new connection is "
        "dropped, in both directions, while old connections go on. Clients wait in SYN-SENT. No "
        "counter of IP or TCP moves; nf_conntrack's own drop does, and the kernel logs \"table "
        "full, dropping packet\".",
    .look_alikes = kLookAlikes,
    .trigger =
        "Above 85 % of the limit in any sample of the look a notice, above 95 % a warning, drops "
        "(less those of two packets of one connection, insert_failed) critical, early drops "
        "(unanswered entries thrown out for new ones, which the kernel does only near the limit) a "
        "warning. A ratio, because limits go from thousands to millions. Not reproduced on a live "
        "machine, whose limit it is: tested on altered observations.",
    .severity = "notice, warning or critical by fill and drops",
    .remedy =
        "Raise net.netfilter.nf_conntrack_max together with the hash size (the module's hashsize), "
        "shorten timeouts, exempt stateless traffic (NOTRACK), stop the flood.",
    .avoid = "conntrack -F on a live machine: it forgets the connections of everybody.",
    .silent_on = "many entries at a low share of the limit",
    .counters = kCounters,
};

struct Fill {
  size_t netns = 0;
  uint64_t count = 0;  // the most of all samples
  uint64_t max = 0;
  uint64_t drops = 0;
  uint64_t early = 0;

  double share() const { return ratio(count, max); }
};

std::optional<Fill> fill_of(const Facts& facts, size_t netns) {
  const auto count = facts.counter(netns, kCount);
  const auto max = facts.counter(netns, kMax);
  if (!count || !max || *max == 0) return std::nullopt;
  // A clash is counted as a failed insertion, and where it could not be settled as a drop as well.
  const uint64_t drops = facts.rise(netns, kDrop).value_or(0);
  const uint64_t clashes = facts.rise(netns, kClashes).value_or(0);
  Fill fill{.netns = netns,
            .count = *count,
            .max = *max,
            .drops = drops - std::min(drops, clashes),
            .early = facts.rise(netns, kEarlyDrop).value_or(0)};
  for (const Sample& sample : facts.seen.samples) {
    if (netns >= sample.counters.size()) continue;
    fill.count = std::max(fill.count, sample.counters[netns].get(kCount).value_or(0));
  }
  return fill;
}

std::optional<Severity> severity_of(const Fill& fill) {
  // Packets whose memory ran out count as drops as well: those need no full table.
  if (fill.drops > 0 && fill.share() > kNotice) return Severity::critical;
  if (fill.early > 0 || fill.share() > kWarning) return Severity::warning;
  if (fill.share() > kNotice) return Severity::notice;
  return std::nullopt;
}

std::string headline_of(const Facts& facts, const Fill& fill) {
  const std::string where = in_namespace(facts, fill.netns);
  if (fill.drops > 0 && fill.share() > kNotice) {
    return fmt::format("The connection table of the firewall{} is full: {} dropped within {}",
                       where, counted(fill.drops, "new connection"), human(facts.seen.window));
  }
  if (fill.early > 0) {
    return fmt::format("The connection table of the firewall{} throws out {} for new ones", where,
                       counted(fill.early, "unanswered entry"));
  }
  return fmt::format("The connection table of the firewall{} is {} full", where,
                     percent(fill.share()));
}

Finding report(const Facts& facts, const Fill& fill, Severity severity) {
  Finding f = make_finding(kInfo, severity, Confidence::confirmed);
  f.subject.netns = facts.seen.namespaces[fill.netns].inode;
  f.headline = headline_of(facts, fill);
  f.cause =
      fill.drops > 0
          ? "every connection that passes, or was seen and is not over, holds an entry; a new "
            "one finds no room"
          : "every connection that passes, or was seen and is not over, holds an entry; when "
            "none is left new connections are dropped";
  add_fact(f, "entries, at most", fill.count, fill.max, "nf_conntrack_count, nf_conntrack_max");
  if (fill.drops > 0) add_fact(f, "dropped", fill.drops, "/proc/net/stat/nf_conntrack");
  if (fill.early > 0) add_fact(f, "early drops", fill.early, "/proc/net/stat/nf_conntrack");
  const std::string inside = run_inside(facts, fill.netns);
  f.confirm.push_back(inside + "conntrack -S; conntrack -L | awk '{print $4}' | sort | uniq -c");
  f.remedy.push_back("raise net.netfilter.nf_conntrack_max together with the hash size");
  f.remedy.push_back("shorten nf_conntrack_tcp_timeout_*, exempt stateless traffic (NOTRACK)");
  f.avoid.push_back("conntrack -F on a live machine: it forgets the connections of everybody");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (size_t netns = 0; netns < facts.seen.namespaces.size(); ++netns) {
    const auto fill = fill_of(facts, netns);
    if (!fill) continue;
    if (const auto severity = severity_of(*fill)) {
      findings.push_back(report(facts, *fill, *severity));
    }
  }
  return findings;
}

}  // namespace

const Fault conntrack_table_full{&kInfo, find};

}  // namespace tcpdx::faults
