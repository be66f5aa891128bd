// The columns of `tcpdx rates`: what each is called, what it is worked out from, and how.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/counter_reading.hpp"

namespace tcpdx::view {

enum class RateKind : uint8_t {
  per_second,  // rise of counters over time
  now,         // a value at the end of the interval
  share,       // of one thing in another; 1 is all of it
};

// Columns of one group stand in one block when there are too many for one line.
enum class RateGroup : uint8_t {
  sockets,
  opening,
  resets,
  segments,
  listening,
  time_wait,
  aborts,
  memory,
  conntrack,
  machine,
  sar_sock,
  sar_sock6,
  sar_tcp,
  sar_etcp,
};

// A value as the two numbers it is the quotient of, so that values of several intervals or
// namespaces can be joined without weighing them wrongly: rise and seconds, value and 1, part and
// whole.
struct Quotient {
  double part = 0;
  double whole = 0;
};

// Nothing where the whole is nothing: a share of no segments is not known.
std::optional<double> value_of(const Quotient& quotient);

struct RateColumn {
  std::string_view name;   // for --columns and JSON
  std::string_view title;  // above the column
  RateGroup group{};
  RateKind kind{};
  std::array<std::string_view, 3> counters{};  // the rest is empty
  // Nothing where a counter is not known.
  std::optional<Quotient> (*of)(const RateColumn&, const CounterInterval&) = nullptr;
  bool by_default = false;
  // Worth a word when it is above 0 and not among the columns: errors and limits.
  bool notable = false;

  std::span<const std::string_view> asks() const;
};

// All columns but those of sar, by group.
std::span<const RateColumn> rate_columns();
// Those of `sar -n SOCK,SOCK6,TCP,ETCP`, under its names and in its order.
std::span<const RateColumn> sar_columns();

// A column by name, title, or the name of its counter with or without group, in any case.
const RateColumn* find_rate_column(std::string_view word);

// "active,ListenOverflows,TcpExt.TCPHPHits": columns, or any counter of `known`, which the columns
// then point into.
Result<std::vector<RateColumn>> parse_rate_columns(std::string_view list, const Counters& known);

// Has anything of what `rate_columns()` counts per second happened in this namespace? What is of
// the whole machine does not count.
bool is_quiet(const CounterInterval& interval);

}  // namespace tcpdx::view
