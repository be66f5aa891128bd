// The text of `tcpdx rates`: a line per interval and namespace, as sar(1) and vmstat(8) write them,
// averages at the end, and on a terminal a spark line per column below.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <vector>

#include "model/counter_reading.hpp"
#include "view/rate_columns.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

struct RateLayout {
  // One block: a line per interval and namespace below a heading that comes again every screen.
  // Several: each interval has them all, one below the other.
  std::vector<std::vector<RateColumn>> blocks;
  bool sar = false;        // sar's widths and digits
  bool fold = true;        // namespaces in which nothing happened take no line, but the first does
  bool fine_time = false;  // with milliseconds
  bool sparks = false;     // of the last intervals below the table, drawn anew each time
};

// The columns that matter, on 80 columns. What is notable among the others is told in words.
RateLayout usual_rates();
RateLayout all_rates();
// `ipv6`: with the block of SOCK6.
RateLayout sar_rates(bool ipv6);

class RateTable {
 public:
  RateTable(std::ostream& out, const Style& style, RateLayout layout)
      : out_(out), style_(style), layout_(std::move(layout)) {}

  // The intervals that ended now, one per namespace.
  void write(std::span<const CounterInterval> intervals);
  // Of all intervals written so far; nothing when there was none.
  void write_averages();

 private:
  struct Totals {
    std::string netns;
    bool active = false;
    std::vector<std::vector<Quotient>> sums;  // of the columns of each block
    std::vector<Quotient> others;             // of rate_columns(), for the words behind them
  };
  struct Line;

  void add(const CounterInterval& interval);
  void forget_ended(std::span<const CounterInterval> intervals);
  void write_heading(size_t block, std::string_view first);
  void write_line(size_t block, const Line& line);
  void write_intervals(std::span<const CounterInterval> shown, size_t quiet);
  std::string also(std::span<const Quotient> others, size_t quiet) const;
  size_t time_width() const;
  void remember(std::span<const CounterInterval> intervals);
  void write_sparks();
  void erase_sparks();

  std::ostream& out_;
  Style style_;
  RateLayout layout_;
  bool with_netns_ = false;
  size_t lines_since_heading_ = 0;  // 0: a heading is due
  std::vector<uint64_t> order_;     // of namespaces, as they came
  std::map<uint64_t, Totals> totals_;
  std::vector<std::deque<std::optional<double>>> history_;  // one per column of the first block
  size_t spark_lines_ = 0;                                  // on the screen
};

}  // namespace tcpdx::view
