// `tcpdx listen [FILTER]`: every listening port with its program, reach, queue and firewall; what
// is odd about it, and what is new, gone or changed since a baseline.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/interrupt.hpp"
#include "cli/options.hpp"
#include "cli/select.hpp"
#include "engine/observe.hpp"
#include "model/baseline.hpp"
#include "model/listener.hpp"
#include "store/baseline_file.hpp"
#include "view/listen_json.hpp"
#include "view/listen_table.hpp"
#include "view/report.hpp"

namespace tcpdx::cli {
namespace {

struct Words {
  std::vector<std::string> filter;
  std::string window = "1s";
  std::string learn;
  std::string baseline;
  bool hidden = false;
  std::string source = "auto";
  ShowOptions show;
};

struct Plan {
  Filter filter;
  Duration window{};
  host::Sources sources;
};

// What the listeners are held against, and how they differ from it.
struct Held {
  Baseline baseline;
  Comparison comparison;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443")->type_name("FILTER");
  app.add_option("--for", words.window, "how long to watch the queues (1s)")->type_name("DUR");
  app.add_option("--learn", words.learn, "write down the listeners that there are")
      ->type_name("FILE");
  app.add_option("--baseline", words.baseline,
                 "tell what is new, gone or changed since FILE was learned")
      ->type_name("FILE");
  app.add_flag("--hidden", words.hidden,
               "also look for ports that are held but shown in no table: binds every free port for "
               "some microseconds and calls those that it cannot explain");
  add_source_option(app, words.source);
  add_show_options(app, words.show);
  app.footer(
      "exit codes: 0 listed; with --baseline: 0 all as learned, 1 changes, 2 a program that runs "
      "from where no service belongs, or a hidden port; 3 could not look or compare, 64 wrong "
      "usage");
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  auto filter = parse_filter(joined(words.filter));
  if (!filter) return std::unexpected(filter.error());
  plan.filter = std::move(*filter);
  const auto window = parse_duration(words.window);
  if (!window) return fail("--for: {}", window.error().sentence);
  plan.window = *window;
  const auto sources = host::parse_sources(words.source);
  if (!sources) return fail("--source: {}", sources.error().sentence);
  plan.sources = *sources;
  if (!words.filter.empty() && !(words.learn.empty() && words.baseline.empty())) {
    return fail("--learn and --baseline are about all listeners: leave the filter out");
  }
  return plan;
}

Result<Observation> look(const Words& words, const Plan& plan) {
  engine::ObserveOptions options;
  options.host.sources = plan.sources;
  options.window = plan.window;
  options.stop = &interrupted();
  options.watch_events = false;
  options.look.listeners_only = true;
  options.look.infos = false;  // listeners have their drops all the same
  options.ask_firewalls = true;
  options.sweep_hidden = words.hidden;
  auto observation = engine::observe(options);
  if (observation && observation->looks.empty()) return fail("no socket table could be read");
  return observation;
}

std::vector<ListeningSocket> selected(const Observation& observation, const Filter& filter) {
  std::vector<ListeningSocket> listeners = listening_sockets(observation);
  std::erase_if(listeners, [&](const ListeningSocket& one) {
    return !matches(filter, observation, observation.now(), *one.socket);
  });
  return listeners;
}

void show(const Words& words, const Observation& observation,
          const std::vector<ListeningSocket>& listeners, const Held* held, Io& io) {
  if (words.show.json) {
    view::write_listen_json(io.out, observation, listeners,
                            held == nullptr ? nullptr : &held->comparison);
    io.out.flush();
    return;
  }
  const view::Style style = style_of(io, words.show.colour);
  view::write_listen_table(io.out, style, observation, listeners);
  view::write_listen_signs(io.out, style, observation, listeners);
  if (held != nullptr) view::write_changes(io.out, style, held->baseline, held->comparison);
  io.out.flush();
  if (held != nullptr) {
    for (const std::string& one : held->comparison.not_compared) {
      io.err << "tcpdx: not compared: " << one << '\n';
    }
  }
  view::write_missing(io.err, style_of_messages(io, words.show.colour), observation.missing);
}

bool is_critical(const Observation& observation, const ListeningSocket& one,
                 const Baseline& baseline) {
  return std::ranges::any_of(one.signs, [&](const OddSign& sign) {
    return sign.critical &&
           !accepted(baseline, identity_of(observation, one), to_string(sign.sign));
  });
}

int exit_code(const Observation& observation, const std::vector<ListeningSocket>& listeners,
              const Held& held) {
  const bool hidden = observation.closer.hidden && !observation.closer.hidden->empty();
  const bool critical = std::ranges::any_of(listeners, [&](const ListeningSocket& one) {
    return is_critical(observation, one, held.baseline);
  });
  if (hidden || critical) return kCritical;
  if (!held.comparison.changes.empty()) return kWarning;
  return held.comparison.not_compared.empty() ? kOk : kCannotLook;
}

// Looks, compares with the baseline where there is one, shows, and learns if that was asked for.
int run_plan(const Words& words, const Plan& plan, const Baseline* baseline, Io& io) {
  const auto observation = look(words, plan);
  if (!observation) return cannot_look(io, observation.error().sentence);
  const auto listeners = selected(*observation, plan.filter);
  std::optional<Held> held;
  if (baseline != nullptr) held = Held{*baseline, compare(*baseline, *observation)};
  show(words, *observation, listeners, held ? &*held : nullptr, io);
  if (!words.learn.empty()) {
    const auto saved = store::save_baseline(learn(*observation), words.learn);
    if (!saved) return cannot_look(io, saved.error().sentence);
  }
  return held ? exit_code(*observation, listeners, *held) : kOk;
}

}  // namespace

int listen(Arguments arguments, Io& io) {
  CLI::App app("Every listening TCP port: program, reach, queue, firewall, what is odd or new.",
               "tcpdx listen");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  if (words.baseline.empty()) return run_plan(words, *plan, nullptr, io);
  auto baseline = store::load_baseline(words.baseline);
  if (!baseline) return cannot_look(io, baseline.error().sentence);
  return run_plan(words, *plan, &*baseline, io);
}

}  // namespace tcpdx::cli
