// What each counter means, and does not mean: counter_texts.cpp. sar's columns: sysstat, rd_stats.c
// (read_net_sock, read_net_tcp, read_net_etcp) and pr_stats.c.
#include "view/rate_columns.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

using Of = std::optional<Quotient>;

Of rate_of(const RateColumn& column, const CounterInterval& interval) {
  const auto rise = interval.rise(column.counters[0]);
  if (!rise) return std::nullopt;
  return Quotient{static_cast<double>(*rise), interval.length()};
}

// A sum. Only the first must be there: a kernel without IPv6 has no sockstat6.
Of level_of(const RateColumn& column, const CounterInterval& interval) {
  const Counters& counters = interval.now->counters;
  const auto first = counters.get(column.counters[0]);
  if (!first) return std::nullopt;
  uint64_t sum = *first;
  for (const std::string_view name : column.asks().subspan(1))
    sum += counters.get(name).value_or(0);
  return Quotient{static_cast<double>(sum), 1};
}

Of share_of(std::optional<uint64_t> part, std::optional<uint64_t> whole) {
  if (!part || !whole) return std::nullopt;
  return Quotient{static_cast<double>(*part), static_cast<double>(*whole)};
}

Of memory_share(const RateColumn& column, const CounterInterval& interval) {
  return share_of(interval.now->counters.get(column.counters[0]), interval.now->memory_limit);
}

Of orphan_share(const RateColumn& column, const CounterInterval& interval) {
  return share_of(interval.now->counters.get(column.counters[0]), interval.now->orphan_limit);
}

Of conntrack_share(const RateColumn& column, const CounterInterval& interval) {
  return share_of(interval.now->counters.get(column.counters[0]),
                  interval.now->counters.get(column.counters[1]));
}

// Data segments sent again, of data segments sent for the first time. RetransSegs has SYN and
// SYN-ACK repeats too, and OutSegs has bare ACKs and leaves repeats out, so neither alone will do.
// RetransSegs stands in snmp and is read before TCPSynRetrans: a SYN repeated in between would
// make the difference negative.
Of retransmission(const RateColumn& column, const CounterInterval& interval) {
  const auto repeats = interval.rise(column.counters[0]);
  const auto of_syns = interval.rise(column.counters[1]);
  const auto sent = interval.rise(column.counters[2]);
  if (!repeats || !of_syns || !sent) return std::nullopt;
  return Quotient{static_cast<double>(*repeats - std::min(*repeats, *of_syns)),
                  static_cast<double>(*sent)};
}

constexpr std::string_view bare(std::string_view counter) {
  return counter.substr(counter.rfind('.') + 1);
}

// A counter per second under its own name. Those of TCP are known without their group.
constexpr RateColumn rate(RateGroup group, std::string_view counter, bool notable = false) {
  const std::string_view name = counter.starts_with("Tcp") ? bare(counter) : counter;
  return {.name = name,
          .title = name,
          .group = group,
          .kind = RateKind::per_second,
          .counters = {counter},
          .of = rate_of,
          .notable = notable};
}

// The same in every report, with a short title.
constexpr RateColumn usual(RateGroup group, std::string_view counter, std::string_view title) {
  RateColumn column = rate(group, counter);
  column.title = title;
  column.by_default = true;
  return column;
}

constexpr bool kNotable = true;
using enum RateGroup;
using enum RateKind;

constexpr RateColumn kColumns[]{
    {"sockets",
     "sock",
     sockets,
     now,
     {"sockstat.TCP.inuse", "sockstat6.TCP6.inuse"},
     level_of,
     true},
    {"time_wait", "tw", sockets, now, {"sockstat.TCP.tw"}, level_of, true},
    {"established", "estab", sockets, now, {"Tcp.CurrEstab"}, level_of},
    {"orphans", "orphan", sockets, now, {"sockstat.TCP.orphan"}, level_of},
    {"orphans_used", "orphan%", sockets, share, {"sockstat.TCP.orphan"}, orphan_share},
    usual(opening, "Tcp.ActiveOpens", "act/s"),
    usual(opening, "Tcp.PassiveOpens", "pass/s"),
    usual(opening, "Tcp.AttemptFails", "fail/s"),
    usual(resets, "Tcp.EstabResets", "estres/s"),
    usual(resets, "Tcp.OutRsts", "rst/s"),
    rate(resets, "TcpExt.EmbryonicRsts", kNotable),
    rate(resets, "TcpExt.TCPChallengeACK"),
    rate(resets, "TcpExt.TCPSYNChallenge"),
    usual(segments, "Tcp.InSegs", "in/s"),
    usual(segments, "Tcp.OutSegs", "out/s"),
    {"retransmission",
     "retr%",
     segments,
     share,
     {"Tcp.RetransSegs", "TcpExt.TCPSynRetrans", "TcpExt.TCPOrigDataSent"},
     retransmission,
     true},
    rate(segments, "Tcp.RetransSegs"),
    rate(segments, "TcpExt.TCPSynRetrans"),
    rate(segments, "TcpExt.TCPOrigDataSent"),
    rate(segments, "TcpExt.TCPTimeouts"),
    rate(segments, "TcpExt.TCPLostRetransmit"),
    rate(segments, "Tcp.InErrs", kNotable),
    rate(segments, "Tcp.InCsumErrors", kNotable),
    rate(listening, "TcpExt.ListenOverflows", kNotable),
    rate(listening, "TcpExt.ListenDrops", kNotable),
    rate(listening, "TcpExt.TCPReqQFullDoCookies"),
    rate(listening, "TcpExt.TCPReqQFullDrop", kNotable),
    rate(listening, "TcpExt.SyncookiesSent", kNotable),
    rate(listening, "TcpExt.SyncookiesRecv"),
    rate(listening, "TcpExt.SyncookiesFailed", kNotable),
    rate(listening, "TcpExt.TCPDeferAcceptDrop"),
    rate(time_wait, "TcpExt.TW"),
    rate(time_wait, "TcpExt.TWRecycled"),
    rate(time_wait, "TcpExt.TWKilled"),
    rate(time_wait, "TcpExt.TCPTimeWaitOverflow", kNotable),
    rate(time_wait, "TcpExt.PAWSTimewait"),
    rate(aborts, "TcpExt.TCPAbortOnData", kNotable),
    rate(aborts, "TcpExt.TCPAbortOnClose", kNotable),
    rate(aborts, "TcpExt.TCPAbortOnTimeout", kNotable),
    rate(aborts, "TcpExt.TCPAbortOnMemory", kNotable),
    rate(aborts, "TcpExt.TCPAbortOnLinger", kNotable),
    rate(aborts, "TcpExt.TCPAbortFailed", kNotable),
    {"memory_pages", "mem", memory, now, {"sockstat.TCP.mem"}, level_of},
    {"memory", "mem%", memory, share, {"sockstat.TCP.mem"}, memory_share},
    rate(memory, "TcpExt.TCPMemoryPressures", kNotable),
    rate(memory, "TcpExt.PruneCalled", kNotable),
    rate(memory, "TcpExt.RcvPruned", kNotable),
    rate(memory, "TcpExt.OfoPruned", kNotable),
    rate(memory, "TcpExt.TCPRcvCollapsed"),
    rate(memory, "TcpExt.TCPBacklogDrop", kNotable),
    rate(memory, "TcpExt.TCPRcvQDrop", kNotable),
    rate(memory, "TcpExt.TCPZeroWindowDrop"),
    {"conntrack", "ct", conntrack, now, {"nf_conntrack.count"}, level_of},
    {"conntrack_used",
     "ct%",
     conntrack,
     share,
     {"nf_conntrack.count", "nf_conntrack.max"},
     conntrack_share},
    rate(conntrack, "nf_conntrack.insert_failed", kNotable),
    rate(conntrack, "nf_conntrack.drop", kNotable),
    rate(conntrack, "nf_conntrack.early_drop", kNotable),
    rate(conntrack, "nf_conntrack.invalid"),
    rate(machine, "softnet.processed"),
    rate(machine, "softnet.dropped", kNotable),
    rate(machine, "softnet.squeezed"),
};

// A value of now instead of its rise.
constexpr RateColumn as_level(RateColumn column) {
  column.kind = now;
  column.of = level_of;
  return column;
}

constexpr RateColumn sar_rate(RateGroup group, std::string_view title, std::string_view counter) {
  RateColumn column = rate(group, counter);
  column.name = column.title = title;
  return column;
}

constexpr RateColumn sar_value(RateGroup group, std::string_view title, std::string_view counter) {
  return as_level(sar_rate(group, title, counter));
}

constexpr RateColumn kSarColumns[]{
    sar_value(sar_sock, "totsck", "sockstat.sockets.used"),
    sar_value(sar_sock, "tcpsck", "sockstat.TCP.inuse"),
    sar_value(sar_sock, "udpsck", "sockstat.UDP.inuse"),
    sar_value(sar_sock, "rawsck", "sockstat.RAW.inuse"),
    sar_value(sar_sock, "ip-frag", "sockstat.FRAG.inuse"),
    sar_value(sar_sock, "tcp-tw", "sockstat.TCP.tw"),
    sar_value(sar_sock6, "tcp6sck", "sockstat6.TCP6.inuse"),
    sar_value(sar_sock6, "udp6sck", "sockstat6.UDP6.inuse"),
    sar_value(sar_sock6, "raw6sck", "sockstat6.RAW6.inuse"),
    sar_value(sar_sock6, "ip6-frag", "sockstat6.FRAG6.inuse"),
    sar_rate(sar_tcp, "active/s", "Tcp.ActiveOpens"),
    sar_rate(sar_tcp, "passive/s", "Tcp.PassiveOpens"),
    sar_rate(sar_tcp, "iseg/s", "Tcp.InSegs"),
    sar_rate(sar_tcp, "oseg/s", "Tcp.OutSegs"),
    sar_rate(sar_etcp, "atmptf/s", "Tcp.AttemptFails"),
    sar_rate(sar_etcp, "estres/s", "Tcp.EstabResets"),
    sar_rate(sar_etcp, "retrans/s", "Tcp.RetransSegs"),
    sar_rate(sar_etcp, "isegerr/s", "Tcp.InErrs"),
    sar_rate(sar_etcp, "orsts/s", "Tcp.OutRsts"),
};

bool is_called(const RateColumn& column, std::string_view word) {
  return column.name == word || column.title == word ||
         (column.kind == RateKind::per_second && column.counters[0] == word);
}

bool is_called_in_any_case(const RateColumn& column, std::string_view word) {
  return lower(column.name) == word || lower(column.title) == word ||
         (column.kind == RateKind::per_second && lower(column.counters[0]) == word);
}

const RateColumn* find_column(bool (*is_it)(const RateColumn&, std::string_view),
                              std::string_view word) {
  for (const std::span<const RateColumn> columns : {rate_columns(), sar_columns()}) {
    const auto found =
        std::ranges::find_if(columns, [&](const RateColumn& c) { return is_it(c, word); });
    if (found != columns.end()) return &*found;
  }
  return nullptr;
}

// Whatever the kernel counts may be a column.
std::optional<RateColumn> column_of_counter(std::string_view word, const Counters& known) {
  for (const auto& [name, value] : known.all()) {
    if (lower(name) != word && lower(bare(name)) != word) continue;
    const bool is_level = name.starts_with("sockstat") || name == "nf_conntrack.count" ||
                          name == "nf_conntrack.max" || name == "Tcp.CurrEstab";
    const RateColumn column = rate(segments, name);
    return is_level ? as_level(column) : column;
  }
  return std::nullopt;
}

}  // namespace

std::optional<double> value_of(const Quotient& quotient) {
  if (quotient.whole <= 0) return std::nullopt;
  return quotient.part / quotient.whole;
}

std::span<const std::string_view> RateColumn::asks() const {
  const auto* const end = std::ranges::find(counters, std::string_view{});
  return {counters.begin(), end};
}

std::span<const RateColumn> rate_columns() { return kColumns; }
std::span<const RateColumn> sar_columns() { return kSarColumns; }

// "tw" is a number of sockets, "TW" a counter: as it is written comes first.
const RateColumn* find_rate_column(std::string_view word) {
  const RateColumn* const found = find_column(is_called, word);
  return found != nullptr ? found : find_column(is_called_in_any_case, lower(word));
}

Result<std::vector<RateColumn>> parse_rate_columns(std::string_view list, const Counters& known) {
  std::vector<RateColumn> columns;
  for (const std::string_view part : split(list, ',')) {
    const std::string_view word = trim(part);
    if (const RateColumn* const column = find_rate_column(word)) {
      columns.push_back(*column);
    } else if (const auto counter = column_of_counter(lower(word), known)) {
      columns.push_back(*counter);
    } else {
      return fail(
          "there is no column and no kernel counter '{}'; tcpdx rates --help names the columns, "
          "tcpdx explain the counters",
          printable(word));
    }
  }
  return columns;
}

bool is_quiet(const CounterInterval& interval) {
  return std::ranges::none_of(kColumns, [&](const RateColumn& column) {
    if (column.kind != RateKind::per_second || column.group == RateGroup::machine) return false;
    return interval.rise(column.counters[0]).value_or(0) > 0;
  });
}

}  // namespace tcpdx::view
