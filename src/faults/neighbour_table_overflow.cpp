// neighbour-table-overflow: no room for another neighbour's address.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "faults/build.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::faults {
namespace {

constexpr double kNearlyFull = 0.9;

constexpr std::array kStates{tcp::State::syn_sent};
constexpr std::array kLookAlikes{
    LookAlike{"host-unreachable", "there one neighbour does not answer, and others can be new"},
    LookAlike{"connect-blackhole", "there the next hop is known and answers"},
    LookAlike{"a table above gc_thresh2", "the kernel then cleans up, and there is room"},
};
constexpr FaultInfo kInfo{
    .id = "neighbour-table-overflow",
    .title = "The kernel's table of neighbours is full",
    .states = kStates,
    .signature =
        "Connects to hosts of the own networks that were not called lately fail at once or stay in "
        "SYN-SENT, while old ones go on; the kernel says 'neighbor table overflow!'. The table of "
        "each family is shared by all namespaces of the machine.",
    .look_alikes = kLookAlikes,
    .trigger =
        "table_fulls of the table rose within the look: an entry was wanted and there was no room. "
        "Or at least 90 % of gc_thresh3 are in use at both looks; permanent entries are among "
        "them, although they do not count against the limit. Not reproduced on a live machine, "
        "whose "
        "namespaces share the table: tested on altered observations.",
    .severity = "critical while entries are refused, warning when it is nearly full",
    .remedy =
        "Raise net.ipv4.neigh.default.gc_thresh1, 2 and 3 (net.ipv6 likewise) above the number of "
        "hosts on all links; smaller networks; stop whoever scans them.",
    .avoid = "Flushing the table again and again: it fills as quickly.",
    .silent_on = "a table above gc_thresh2, which the kernel cleans up",
};

// A family's table at the first look and at the last.
struct Tables {
  const NeighbourTable* then = nullptr;
  const NeighbourTable* now = nullptr;
};

Tables tables_of(const Facts& facts, Family family) {
  Tables tables;
  for (const NeighbourTable& table : facts.seen.neighbour_tables) {
    if (table.family != family) continue;
    if (tables.then == nullptr) tables.then = &table;
    tables.now = &table;
  }
  return tables;
}

uint64_t refused_in(const Tables& tables) {
  return tables.now->refused > tables.then->refused ? tables.now->refused - tables.then->refused
                                                    : 0;
}

bool is_nearly_full(const NeighbourTable& table) {
  return table.limit > 0 &&
         static_cast<double>(table.entries) >= kNearlyFull * static_cast<double>(table.limit);
}

Finding report(const Facts& facts, const Tables& tables, uint64_t refused) {
  const NeighbourTable& table = *tables.now;
  const bool v4 = table.family == Family::v4;
  const bool overflows = refused > 0;
  const Confidence nearly = facts.before == nullptr ? Confidence::suspected : Confidence::likely;
  Finding f = make_finding(kInfo, overflows ? Severity::critical : Severity::warning,
                           overflows ? Confidence::confirmed : nearly);
  const std::string name = v4 ? "IPv4 (ARP)" : "IPv6";
  f.headline = overflows ? fmt::format("the table of {} neighbours refused {} new ones", name,
                                       grouped(refused))
                         : fmt::format("the table of {} neighbours is nearly full", name);
  f.cause =
      "hosts of the own networks are more than the kernel may remember, in all namespaces "
      "together";
  add_fact(f, "neighbours", table.entries, table.limit, "RTM_GETNEIGHTBL");
  add_fact(f, "refused for want of room within the look", refused, "ndts_table_fulls");
  const std::string_view family = v4 ? "ipv4" : "ipv6";
  f.confirm.push_back(
      fmt::format("ip -{} neigh | wc -l in each namespace; sysctl "
                  "net.{}.neigh.default.gc_thresh3; dmesg | grep 'table overflow'",
                  v4 ? 4 : 6, family));
  f.remedy.push_back(fmt::format(
      "raise net.{}.neigh.default.gc_thresh1, 2 and 3 above the number of hosts on all links; find "
      "out whether somebody scans them",
      family));
  f.avoid.push_back("flushing the table again and again: it fills as quickly");
  return f;
}

std::vector<Finding> find(const Facts& facts) {
  std::vector<Finding> findings;
  for (const Family family : {Family::v4, Family::v6}) {
    const Tables tables = tables_of(facts, family);
    if (tables.now == nullptr) continue;
    const uint64_t refused = refused_in(tables);
    const bool full = is_nearly_full(*tables.then) && is_nearly_full(*tables.now);
    if (refused > 0 || full) findings.push_back(report(facts, tables, refused));
  }
  return findings;
}

}  // namespace

const Fault neighbour_table_overflow{&kInfo, find};

}  // namespace tcpdx::faults
