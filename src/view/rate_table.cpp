#include "view/rate_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/text.hpp"
#include "view/spark.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kLinesPerHeading = 20;
constexpr size_t kWidth = 6;  // of a column, or of its title
constexpr size_t kSarTime = 11;
constexpr size_t kSarWidth = 9;
constexpr size_t kNetns = 12;
constexpr size_t kSparks = 20;      // intervals
constexpr size_t kSparkTitle = 16;  // the longest counters are cut
constexpr size_t kSparkValue = 7;
constexpr double kNearLimit = 0.5;        // a share of a limit that is worth a word
constexpr size_t kMostNamespaces = 1000;  // that averages are kept of, with those that ended
constexpr size_t kLeastWords = 16;        // with less room the words get a line of their own

using Groups = std::vector<std::vector<RateColumn>>;

Groups by_group(std::span<const RateColumn> columns) {
  Groups groups;
  for (const RateColumn& column : columns) {
    if (groups.empty() || groups.back().front().group != column.group) groups.emplace_back();
    groups.back().push_back(column);
  }
  return groups;
}

// Three or four digits that matter: 0, 0.25, 7.25, 72.5, 7250, 72k, 7.2M.
std::string short_number(double value) {
  if (value == 0) return "0";
  if (value < 9.995) return fmt::format("{:.2f}", value);
  if (value < 99.95) return fmt::format("{:.1f}", value);
  if (value < 99'999.5) return fmt::format("{:.0f}", value);
  if (value < 999'500) return fmt::format("{:.0f}k", value / 1e3);
  if (value < 99.95e6) return fmt::format("{:.1f}M", value / 1e6);
  if (value < 999.5e6) return fmt::format("{:.0f}M", value / 1e6);
  return fmt::format("{:.1f}G", value / 1e9);
}

std::string cell(const RateColumn& column, std::optional<double> value, bool sar) {
  if (!value) return "-";
  if (sar) return fmt::format("{:.{}f}", *value, column.kind == RateKind::per_second ? 2 : 0);
  if (column.kind == RateKind::share) return short_number(*value * 100);
  if (column.kind == RateKind::now && *value < 99'999.5) return fmt::format("{:.0f}", *value);
  return short_number(*value);
}

std::optional<double> value_in(const RateColumn& column, const CounterInterval& interval) {
  const auto quotient = column.of(column, interval);
  return quotient ? value_of(*quotient) : std::nullopt;
}

// Of several namespaces together: sums, and a share of the sums.
std::optional<double> joined(const RateColumn& column, std::span<const CounterInterval> intervals) {
  Quotient sum;
  for (const CounterInterval& interval : intervals) {
    const auto quotient = column.of(column, interval);
    if (!quotient) continue;
    const bool share = column.kind == RateKind::share;
    sum.part += share ? quotient->part : value_of(*quotient).value_or(0);
    sum.whole = share ? sum.whole + quotient->whole : 1;
  }
  return value_of(sum);
}

std::string name_of(const CounterReading& reading) {
  return reading.name.empty() ? fmt::to_string(reading.netns) : one_word(reading.name);
}

void add_to(std::vector<Quotient>& sums, std::span<const RateColumn> columns,
            const CounterInterval& interval) {
  sums.resize(columns.size());
  for (size_t i = 0; i < columns.size(); ++i) {
    const auto quotient = columns[i].of(columns[i], interval).value_or(Quotient{});
    sums[i].part += quotient.part;
    sums[i].whole += quotient.whole;
  }
}

bool is_among(const std::vector<RateColumn>& columns, const RateColumn& one) {
  return std::ranges::any_of(columns, [&](const RateColumn& column) {
    return column.kind == one.kind && column.counters == one.counters;
  });
}

}  // namespace

struct RateTable::Line {
  std::string first;  // the time, or "Average:"
  std::string netns;
  std::vector<std::optional<double>> values;  // of the block
  std::string also;
};

RateLayout usual_rates() {
  std::vector<RateColumn> columns;
  std::ranges::copy_if(rate_columns(), std::back_inserter(columns), &RateColumn::by_default);
  return {.blocks = {std::move(columns)}};
}

RateLayout all_rates() { return {.blocks = by_group(rate_columns()), .fold = false}; }

RateLayout sar_rates(bool ipv6) {
  Groups groups = by_group(sar_columns());
  if (!ipv6) {
    std::erase_if(groups, [](const auto& g) { return g.front().group == RateGroup::sar_sock6; });
  }
  return {.blocks = std::move(groups), .sar = true};
}

size_t RateTable::time_width() const {
  if (layout_.sar) return kSarTime;
  return layout_.fine_time ? 12 : 8;
}

void RateTable::write_heading(size_t block, std::string_view first) {
  std::string line = fmt::format("{:<{}}", first, time_width());
  if (with_netns_) line += fmt::format(" {:<{}}", layout_.sar ? "NETNS" : "netns", kNetns);
  for (const RateColumn& column : layout_.blocks[block]) {
    line += fmt::format(" {:>{}}", column.title, layout_.sar ? kSarWidth : kWidth);
  }
  out_ << paint(style_, Ink::bold, line) << '\n';
}

void RateTable::write_line(size_t block, const Line& line) {
  const std::vector<RateColumn>& columns_of_block = layout_.blocks[block];
  std::string text = fmt::format("{:<{}}", line.first, time_width());
  if (with_netns_) text += fmt::format(" {:<{}}", line.netns, kNetns);
  for (size_t i = 0; i < columns_of_block.size(); ++i) {
    const RateColumn& column = columns_of_block[i];
    const size_t width = std::max(layout_.sar ? kSarWidth : kWidth, column.title.size());
    text += fmt::format(" {:>{}}", cell(column, line.values[i], layout_.sar), width);
  }
  out_ << text;
  if (!line.also.empty()) {
    const size_t column = columns(text) + 2;
    const bool fits = style_.width == 0 || column + kLeastWords <= style_.width;
    const size_t indent = fits ? column : time_width() + 1;
    out_ << (fits ? "  " : "\n" + std::string(indent, ' ')) << wrapped(style_, indent, line.also);
  }
  out_ << '\n';
}

// What is notable and has no column of its own, in words.
std::string RateTable::also(std::span<const Quotient> others, size_t quiet) const {
  std::string words;
  const auto add = [&](const std::string& word) { words += (words.empty() ? "" : ", ") + word; };
  for (size_t i = 0; i < others.size(); ++i) {
    const RateColumn& column = rate_columns()[i];
    if (is_among(layout_.blocks.front(), column)) continue;
    const double value = value_of(others[i]).value_or(0);
    if (column.notable && value > 0) {
      add(fmt::format("{} {}/s", column.name, short_number(value)));
    } else if (column.kind == RateKind::share && value >= kNearLimit) {
      add(fmt::format("{} {}", column.title, short_number(value * 100)));
    }
  }
  if (quiet > 0) add(fmt::format("+{} quiet", quiet));
  return words;
}

void RateTable::write_intervals(std::span<const CounterInterval> shown, size_t quiet) {
  const bool blocks = layout_.blocks.size() > 1;
  for (size_t block = 0; block < layout_.blocks.size(); ++block) {
    if (blocks) out_ << '\n';
    if (blocks || lines_since_heading_ == 0) write_heading(block, layout_.sar ? "" : "UTC");
    for (const CounterInterval& interval : shown) {
      Line line;
      line.first = rfc3339(interval.now->wall).substr(11, layout_.fine_time ? 12 : 8);
      line.netns = name_of(*interval.now);
      for (const RateColumn& column : layout_.blocks[block]) {
        line.values.push_back(value_in(column, interval));
      }
      if (!blocks) {
        std::vector<Quotient> others;
        add_to(others, rate_columns(), interval);
        line.also = also(others, &interval == &shown.front() ? quiet : 0);
      }
      write_line(block, line);
    }
  }
  lines_since_heading_ += shown.size();
  if (lines_since_heading_ >= kLinesPerHeading) lines_since_heading_ = 0;
}

void RateTable::add(const CounterInterval& interval) {
  const auto [place, fresh] = totals_.try_emplace(interval.now->netns);
  if (fresh) order_.push_back(interval.now->netns);
  Totals& totals = place->second;
  totals.netns = name_of(*interval.now);
  totals.active = totals.active || !is_quiet(interval);
  add_to(totals.others, rate_columns(), interval);
  totals.sums.resize(layout_.blocks.size());
  for (size_t block = 0; block < layout_.blocks.size(); ++block) {
    add_to(totals.sums[block], layout_.blocks[block], interval);
  }
}

// Containers come and go for months; what is kept of them must end too.
void RateTable::forget_ended(std::span<const CounterInterval> intervals) {
  if (order_.size() <= std::max(kMostNamespaces, intervals.size())) return;
  std::set<uint64_t> present;
  for (const CounterInterval& interval : intervals) present.insert(interval.now->netns);
  const auto ended = [&](uint64_t netns) { return !present.contains(netns); };
  std::erase_if(order_, ended);
  std::erase_if(totals_, [&](const auto& one) { return ended(one.first); });
}

void RateTable::write(std::span<const CounterInterval> intervals) {
  if (intervals.empty()) return;
  erase_sparks();
  if (intervals.size() > 1 && !std::exchange(with_netns_, true)) lines_since_heading_ = 0;
  std::vector<CounterInterval> shown;
  for (const CounterInterval& interval : intervals) {
    add(interval);
    const bool first = &interval == &intervals.front();
    if (first || !layout_.fold || !is_quiet(interval)) shown.push_back(interval);
  }
  forget_ended(intervals);
  write_intervals(shown, intervals.size() - shown.size());
  if (layout_.sparks) {
    remember(intervals);
    write_sparks();
  }
}

void RateTable::write_averages() {
  erase_sparks();
  if (order_.empty()) return;
  std::vector<const Totals*> shown;
  for (const uint64_t netns : order_) {
    const Totals& totals = totals_.at(netns);
    if (!layout_.fold || totals.active || netns == order_.front()) shown.push_back(&totals);
  }
  for (size_t block = 0; block < layout_.blocks.size(); ++block) {
    out_ << '\n';
    write_heading(block, "");
    for (const Totals* totals : shown) {
      Line line{.first = "Average:", .netns = totals->netns, .values = {}, .also = {}};
      for (const Quotient& sum : totals->sums[block]) line.values.push_back(value_of(sum));
      if (layout_.blocks.size() == 1) line.also = also(totals->others, 0);
      write_line(block, line);
    }
  }
  if (const size_t idle = order_.size() - shown.size(); idle > 0) {
    out_ << fmt::format("nothing happened in {} other namespace{}; --all shows them\n", idle,
                        idle == 1 ? "" : "s");
  }
}

void RateTable::remember(std::span<const CounterInterval> intervals) {
  const std::vector<RateColumn>& first = layout_.blocks.front();
  history_.resize(first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    history_[i].push_back(joined(first[i], intervals));
    if (history_[i].size() > kSparks) history_[i].pop_front();
  }
}

// As many beside each other as the terminal has room for.
void RateTable::write_sparks() {
  constexpr size_t kCell = kSparkTitle + 1 + kSparks + 1 + kSparkValue + 2;
  const std::vector<RateColumn>& first = layout_.blocks.front();
  size_t title = 0;
  for (const RateColumn& column : first) title = std::max(title, column.title.size());
  title = std::min(title, kSparkTitle);
  const size_t per_line = std::max<size_t>(1, (style_.width + 2) / (kCell - kSparkTitle + title));
  const auto write = [&](const std::string& line) {
    out_ << paint(style_, Ink::dim, line) << '\n';
    ++spark_lines_;
  };
  write(fmt::format("the last {} intervals{}, the greatest value at the right",
                    history_.front().size(), with_netns_ ? " of the namespaces together" : ""));
  for (size_t row = 0; row < first.size(); row += per_line) {
    std::string line;
    for (size_t i = row; i < std::min(first.size(), row + per_line); ++i) {
      double greatest = 0;
      for (const auto& value : history_[i]) greatest = std::max(greatest, value.value_or(0));
      const std::string blanks(kSparks - history_[i].size(), ' ');
      line += fmt::format("{:<{}} {}{} {:<{}}  ", ellipsis(first[i].title, title), title,
                          spark_line(history_[i]), blanks, cell(first[i], greatest, false),
                          kSparkValue);
    }
    write(line.substr(0, line.find_last_not_of(' ') + 1));
  }
}

void RateTable::erase_sparks() {
  if (spark_lines_ > 0) out_ << fmt::format("\x1b[{}A\x1b[J", std::exchange(spark_lines_, 0));
}

}  // namespace tcpdx::view
