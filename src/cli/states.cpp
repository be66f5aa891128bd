// `tcpdx states [FILTER]`: how many connections are in each state, once or again and again.
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
#include "cli/select.hpp"
#include "view/report.hpp"
#include "view/state_table.hpp"

namespace tcpdx::cli {
namespace {

constexpr Duration kShortestWatch = 100ms;
constexpr std::string_view kClearScreen = "\x1b[H\x1b[2J";

struct Words {
  std::vector<std::string> filter;
  std::string by;
  std::string watch;  // empty: look once
  std::string source = "auto";
  ShowOptions show;
};

struct Plan {
  Filter filter;
  std::optional<view::GroupBy> by;
  std::optional<Duration> every;
  bool owners = false;
  host::Sources sources;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443")->type_name("FILTER");
  app.add_option("--by", words.by,
                 "process, port (the local one if served here, else the remote one), peer, netns "
                 "or cgroup");
  app.add_flag("--watch{2s}", words.watch, "again every DUR (--watch=DUR), until Ctrl-C");
  add_source_option(app, words.source);
  add_show_options(app, words.show);
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  auto filter = parse_filter(joined(words.filter));
  if (!filter) return std::unexpected(filter.error());
  plan.filter = std::move(*filter);
  if (!words.by.empty()) {
    plan.by = view::parse_group_by(words.by);
    if (!plan.by) {
      return fail("cannot group by '{}': it is process, port, peer, netns or cgroup",
                  printable(words.by));
    }
  }
  if (!words.watch.empty()) {
    const auto every = parse_duration(words.watch);
    if (!every) return fail("--watch: {}", every.error().sentence);
    if (*every < kShortestWatch) return fail("--watch: at least 100ms");
    plan.every = *every;
  }
  const auto sources = host::parse_sources(words.source);
  if (!sources) return fail("--source: {}", sources.error().sentence);
  plan.sources = *sources;
  plan.owners = plan.by == view::GroupBy::process || plan.by == view::GroupBy::cgroup ||
                needs_owners(plan.filter);
  return plan;
}

void show(const Words& words, const Plan& plan, const Observation& observation, Io& io) {
  const auto selected = select(observation, plan.filter);
  const view::StateCount count = view::count_states(observation, selected, plan.by);
  if (words.show.json) {
    view::write_states_json(io.out, observation, count);
  } else {
    view::write_state_table(io.out, style_of(io, words.show.colour), count);
  }
  io.out.flush();
}

// Before each table of a watch: when it was, on a fresh screen where there is one.
void separate(const Words& words, const Observation& observation, Io& io) {
  if (words.show.json) return;
  if (io.out_is_terminal) io.out << kClearScreen;
  io.out << rfc3339(observation.at) << '\n';
}

}  // namespace

int states(Arguments arguments, Io& io) {
  CLI::App app("How many TCP connections are in each state.", "tcpdx states");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  const Duration every = plan->every.value_or(Duration::zero());
  bool first = true;
  do {
    const auto observation = look_once({.infos = false, .owners = plan->owners}, plan->sources);
    if (!observation) return cannot_look(io, observation.error().sentence);
    if (every > Duration::zero()) separate(words, *observation, io);
    show(words, *plan, *observation, io);
    if (std::exchange(first, false) && !words.show.json) {
      view::write_missing(io.err, style_of_messages(io, words.show.colour), observation->missing);
    }
  } while (every > Duration::zero() && io.out.good() && sleep_for(every));
  return kOk;
}

}  // namespace tcpdx::cli
