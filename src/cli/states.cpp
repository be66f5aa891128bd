// `tcpdx states [FILTER]`: how many connections are in each state, once or again and again.
#include <algorithm>
#include <optional>
#include <sstream>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "base/time.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/screen.hpp"
#include "cli/select.hpp"
#include "cli/watch.hpp"
#include "engine/socket_watch.hpp"
#include "view/report.hpp"
#include "view/state_table.hpp"

namespace tcpdx::cli {
namespace {

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
  add_watch_option(app, words.watch);
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
  const auto every = parse_watch(words.watch);
  if (!every) return std::unexpected(every.error());
  plan.every = *every;
  const auto sources = host::parse_sources(words.source);
  if (!sources) return fail("--source: {}", sources.error().sentence);
  plan.sources = *sources;
  plan.owners = plan.by == view::GroupBy::process || plan.by == view::GroupBy::cgroup ||
                needs_owners(plan.filter);
  return plan;
}

void show(const Words& words, const Plan& plan, const Observation& observation, std::ostream& out,
          const Io& io) {
  const auto selected = select(observation, plan.filter);
  const view::StateCount count = view::count_states(observation, selected, plan.by);
  if (words.show.json) {
    view::write_states_json(out, observation, count);
  } else {
    view::write_state_table(out, style_of(io, words.show.colour), count);
  }
}

// Counts need every socket, so each look is a full one. It is pressed no harder than that a tenth
// of the time is spent looking.
int watch(const Words& words, const Plan& plan, Io& io) {
  interrupted();
  auto watch =
      engine::SocketWatch::open({.sources = plan.sources}, {.infos = false, .owners = plan.owners});
  if (!watch) return cannot_look(io, watch.error().sentence);
  Screen screen(io);
  MissingOnce missing(io, words.show.colour);
  while (io.out.good()) {
    if (words.show.json) {
      show(words, plan, watch->seen(), io.out, io);
      io.out.flush();
    } else {
      std::ostringstream table;
      show(words, plan, watch->seen(), table, io);
      screen.show(watch->seen().at, table.view());
      missing.after_table(watch->seen());
    }
    if (!sleep_for(std::max(plan.every.value_or(Duration::zero()), watch->rest()))) break;
    if (const auto done = watch->look(); !done) return cannot_look(io, done.error().sentence);
  }
  if (!words.show.json) missing.at_end(watch->seen());
  return kOk;
}

}  // namespace

int states(Arguments arguments, Io& io) {
  CLI::App app("How many TCP connections are in each state.", "tcpdx states");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  if (plan->every) return watch(words, *plan, io);
  const auto observation = look_once({.infos = false, .owners = plan->owners}, plan->sources);
  if (!observation) return cannot_look(io, observation.error().sentence);
  show(words, *plan, *observation, io.out, io);
  io.out.flush();
  if (!words.show.json) {
    view::write_missing(io.err, style_of_messages(io, words.show.colour), observation->missing);
  }
  return kOk;
}

}  // namespace tcpdx::cli
