// `tcpdx rates`: connections, segments and errors per second, per namespace, until Ctrl-C.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "engine/counter_watch.hpp"
#include "view/rate_json.hpp"
#include "view/rate_table.hpp"
#include "view/report.hpp"

namespace tcpdx::cli {
namespace {

using Clock = std::chrono::steady_clock;
using Readings = std::vector<CounterReading>;

constexpr Duration kShortest = 100ms;

struct Words {
  std::string interval = "1s";
  std::optional<uint64_t> count;
  std::vector<std::string> netns;
  std::string columns;
  bool all = false;
  bool sar = false;
  ShowOptions show;
};

std::string column_names() {
  std::string names;
  for (const view::RateColumn& column : view::rate_columns()) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", column.name);
  }
  return names;
}

void describe(CLI::App& app, Words& words) {
  app.add_option("--interval", words.interval, "between two lines, at least 100ms; 1s")
      ->type_name("DUR");
  app.add_option("--count", words.count, "end after so many intervals")
      ->type_name("N")
      ->check(whole_number(1));
  app.add_option("--netns", words.netns, "only these, by name or inode; all of them otherwise")
      ->type_name("NAME|INODE|all");
  app.add_option("--columns", words.columns,
                 "these columns, joined by commas: names from below, or any kernel counter")
      ->type_name("LIST");
  app.add_flag("--all", words.all, "every column and every namespace, in blocks");
  app.add_flag("--sar", words.sar, "the columns of sar -n SOCK,SOCK6,TCP,ETCP");
  add_show_options(app, words.show);
  const view::Style narrow{.colour = false, .width = 100};
  app.footer(view::wrapped(narrow, 0, "columns: " + column_names()) + "\n" +
             view::wrapped(narrow, 0,
                           "The values of the whole machine (orphans, memory, softnet) stand in "
                           "the line of the initial namespace only. tcpdx explain COUNTER tells "
                           "what one means."));
}

// An error is wrong usage.
Result<Duration> interval_of(const Words& words) {
  const auto interval = parse_duration(words.interval);
  if (!interval) return fail("--interval: {}", interval.error().sentence);
  if (*interval < kShortest) return fail("--interval: at least 100ms");
  const int layouts = int{words.all} + int{words.sar} + int{!words.columns.empty()};
  if (layouts > 1) return fail("--all, --sar and --columns exclude each other");
  if (words.show.json && (words.all || !words.columns.empty())) {
    return fail("--json has every column and namespace; --all and --columns have no effect");
  }
  return *interval;
}

bool is_wanted(const Words& words, uint64_t inode, std::string_view name) {
  if (words.netns.empty()) return true;
  return std::ranges::any_of(words.netns, [&](const std::string& word) {
    return word == "all" || (word == name && !name.empty()) || word == fmt::to_string(inode);
  });
}

// The first word of --netns that names no namespace, as a sentence; empty: all do.
std::string unknown_namespace(const Words& words, const std::vector<Namespace>& spaces) {
  for (const std::string& word : words.netns) {
    Words one;
    one.netns = {word};
    const bool known = std::ranges::any_of(
        spaces, [&](const Namespace& space) { return is_wanted(one, space.inode, space.name); });
    if (known) continue;
    return fmt::format(
        "there is no network namespace '{}' that can be entered; ip netns and lsns -t net list "
        "them by name and by inode",
        printable(word));
  }
  return "";
}

Readings read_wanted(const Words& words, engine::CounterWatch& watch) {
  Readings readings = watch.read();
  std::erase_if(readings, [&](const CounterReading& reading) {
    return !is_wanted(words, reading.netns, reading.name);
  });
  return readings;
}

Result<view::RateLayout> layout_of(const Words& words, Duration interval, const Counters& known,
                                   const Io& io) {
  view::RateLayout layout = view::usual_rates();
  if (words.all) layout = view::all_rates();
  if (words.sar) layout = view::sar_rates(known.get("sockstat6.TCP6.inuse").has_value());
  if (!words.columns.empty()) {
    auto columns = view::parse_rate_columns(words.columns, known);
    if (!columns) return std::unexpected(columns.error());
    layout.blocks = {std::move(*columns)};
  }
  layout.fine_time = interval % 1s != Duration::zero() && !words.sar;
  layout.sparks = io.out_is_terminal && layout.blocks.size() == 1;
  return layout;
}

// Sleeps until a whole number of intervals has passed since `start`; moments that have been missed
// are left out, so that the lines do not drift. False: Ctrl-C.
bool sleep_to_next(Clock::time_point start, Duration interval) {
  const auto passed = (Clock::now() - start) / interval;
  const auto next = start + (passed + 1) * interval;
  return sleep_for(std::chrono::ceil<Duration>(next - Clock::now()));
}

struct Output {
  const Words& words;
  view::RateTable& table;
  Io& io;
};

void write_lines(const Output& to, std::span<const CounterInterval> intervals,
                 const std::vector<Missing>* missing) {
  if (!to.words.show.json) {
    to.table.write(intervals);
  } else {
    for (const CounterInterval& interval : intervals) {
      view::write_rate_json(to.io.out, interval, to.words.sar, std::exchange(missing, nullptr));
    }
  }
  to.io.out.flush();
}

void follow(const Output& to, Duration interval, engine::CounterWatch& watch, Readings before) {
  const Clock::time_point start = Clock::now();
  bool first = true;
  const uint64_t count = to.words.count.value_or(UINT64_MAX);
  for (uint64_t n = 0; n < count && to.io.out.good(); ++n) {
    if (!sleep_to_next(start, interval)) break;
    Readings now = read_wanted(to.words, watch);
    const auto intervals = intervals_between(before, now);
    if (!intervals.empty()) {
      write_lines(to, intervals, std::exchange(first, false) ? &watch.missing() : nullptr);
    }
    before = std::move(now);
  }
  if (!to.words.show.json) to.table.write_averages();
}

}  // namespace

int rates(Arguments arguments, Io& io) {
  CLI::App app("Connections, segments and errors per second, per network namespace.",
               "tcpdx rates");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto interval = interval_of(words);
  if (!interval) return usage_error(io, interval.error().sentence);
  static_cast<void>(interrupted());  // from here on Ctrl-C ends the lines, not the program

  auto watch = engine::CounterWatch::open({});
  if (!watch) return cannot_look(io, watch.error().sentence);
  if (const std::string unknown = unknown_namespace(words, watch->namespaces()); !unknown.empty()) {
    return cannot_look(io, unknown);
  }
  Readings readings = read_wanted(words, *watch);
  if (readings.empty()) return cannot_look(io, "no counters can be read below /proc/net");
  const Counters known = readings.front().counters;
  const auto layout = layout_of(words, *interval, known, io);
  if (!layout) return usage_error(io, layout.error().sentence);
  if (!words.show.json) {
    view::write_missing(io.err, style_of_messages(io, words.show.colour), watch->missing());
  }
  view::RateTable table(io.out, style_of(io, words.show.colour), *layout);
  follow({words, table, io}, *interval, *watch, std::move(readings));
  return kOk;
}

}  // namespace tcpdx::cli
