// `tcpdx sockets [FILTER]`: each socket with its owner, queues and timer, as a table or JSON.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <span>
#include <sstream>
#include <string>
#include <utility>
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
#include "engine/threads.hpp"
#include "view/report.hpp"
#include "view/socket_json.hpp"
#include "view/socket_table.hpp"

namespace tcpdx::cli {
namespace {

struct Words {
  std::vector<std::string> filter;
  std::string columns;
  std::string sort;
  std::string source = "auto";
  std::string watch;  // empty: look once
  bool no_owners = false;
  ShowOptions show;
};

// What is to be done, once all words are understood.
struct Plan {
  Filter filter;
  std::optional<view::Columns> columns;  // nothing: the usual ones
  std::vector<view::SortKey> sort;
  view::Needs needs;
  host::Sources sources;
  std::optional<Duration> every;
};

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443 and state close-wait")
      ->type_name("FILTER");
  auto* columns = app.add_option("--columns", words.columns, "columns to show, a,b,c");
  app.add_option("--sort", words.sort, "columns to sort by; -NAME for the greatest first");
  app.add_flag("--no-owners", words.no_owners, "do not look for the programs; faster");
  add_watch_option(app, words.watch);
  add_source_option(app, words.source);
  add_show_options(app, words.show);
  columns->excludes(app.get_option("--json"));
  app.footer("columns\n" + view::describe_columns());
}

view::Columns usual_columns(const Observation* observation, bool owners) {
  const bool several = observation != nullptr && observation->namespaces.size() > 1;
  view::Columns columns = view::default_columns(several);
  if (!owners) columns.pop_back();  // the owner is the last
  return columns;
}

view::Needs needed(const Words& words, const Plan& plan) {
  if (words.show.json) return {.infos = true, .owners = !words.no_owners};
  view::Columns used = plan.columns ? *plan.columns : usual_columns(nullptr, !words.no_owners);
  for (const view::SortKey& key : plan.sort) used.push_back(key.column);
  view::Needs needs = view::needs_of(used);
  needs.owners = needs.owners || needs_owners(plan.filter);
  return needs;
}

Result<Plan> plan_of(const Words& words) {
  Plan plan;
  auto filter = parse_filter(joined(words.filter));
  if (!filter) return std::unexpected(filter.error());
  plan.filter = std::move(*filter);
  if (!words.columns.empty()) {
    auto columns = view::parse_columns(words.columns);
    if (!columns) return std::unexpected(columns.error());
    plan.columns = std::move(*columns);
  }
  auto sort = words.sort.empty() ? std::vector<view::SortKey>{} : view::parse_sort(words.sort);
  if (!sort) return std::unexpected(sort.error());
  plan.sort = std::move(*sort);
  if (words.no_owners && needs_owners(plan.filter)) {
    return fail("with --no-owners nothing can answer '{}' of the filter",
                printable(owner_word(plan.filter)));
  }
  const auto sources = host::parse_sources(words.source);
  if (!sources) return fail("--source: {}", sources.error().sentence);
  plan.sources = *sources;
  const auto every = parse_watch(words.watch);
  if (!every) return std::unexpected(every.error());
  plan.every = *every;
  plan.needs = needed(words, plan);
  if (words.no_owners && plan.needs.owners) {
    return fail("--columns or --sort name a column of the owner, which --no-owners leaves out");
  }
  return plan;
}

std::vector<uint32_t> chosen(const Plan& plan, const Observation& observation) {
  std::vector<uint32_t> selected = select(observation, plan.filter);
  view::sort_sockets(observation, plan.sort, selected);
  return selected;
}

void show(const Words& words, const Plan& plan, const Observation& observation,
          std::span<const uint32_t> shown, std::ostream& out, const view::Style& style) {
  if (words.show.json) {
    view::write_sockets_json(out, observation, shown, plan.needs.owners);
    return;
  }
  const view::Columns columns =
      plan.columns ? *plan.columns : usual_columns(&observation, !words.no_owners);
  view::write_socket_table(out, style, observation, columns, shown, engine::run_on_threads);
}

// A table that stands on a terminal. Between full looks only the rows on it are asked for again.
class Watch {
 public:
  Watch(const Words& words, const Plan& plan, engine::SocketWatch sockets, Io& io)
      : words_(words), plan_(plan), sockets_(std::move(sockets)), io_(io), screen_(io) {
    order_ = chosen(plan_, sockets_.seen());
  }

  int run() {
    MissingOnce missing(io_, words_.show.colour);
    while (io_.out.good()) {
      show_now();
      missing.after_table(sockets_.seen());
      if (!sleep_for(plan_.every.value_or(Duration::zero()))) break;
      if (auto done = again(); !done) return cannot_look(io_, done.error().sentence);
    }
    if (!words_.show.json) missing.at_end(sockets_.seen());
    return kOk;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static constexpr Duration kFullEvery = 5s;
  static constexpr size_t kRounds = 3;

  // Rows that are on the screen: all of them where there is none.
  std::span<const uint32_t> visible() const {
    const size_t room = screen_.room();
    constexpr size_t kHeadings = 2;
    const size_t rows = room > kHeadings ? room - kHeadings : 1;
    return std::span(order_).first(room == 0 ? order_.size() : std::min(rows, order_.size()));
  }

  void show_now() {
    const Observation& seen = sockets_.seen();
    if (words_.show.json) {
      show(words_, plan_, seen, order_, io_.out, {});
      io_.out.flush();
      return;
    }
    std::ostringstream text;
    view::Style style = style_of(io_, words_.show.colour);
    if (io_.out_is_terminal) {
      style.width = io_.screen_size().width;
      text << fmt::format("{} {}, {} shown\n", grouped(order_.size()),
                          order_.size() == 1 ? "socket" : "sockets", visible().size());
    }
    show(words_, plan_, seen, visible(), text, style);
    screen_.show(seen.at, text.view());
  }

  Result<void> again() {
    const Duration since = std::chrono::duration_cast<Duration>(Clock::now() - full_);
    const bool stream = !io_.out_is_terminal || words_.show.json;
    const bool due = many_gone_ || since >= kFullEvery;
    if (stream || !sockets_.can_refresh() || (due && since >= sockets_.rest())) return look();
    return refresh();
  }

  Result<void> look() {
    if (auto done = sockets_.look(); !done) return done;
    full_ = Clock::now();
    many_gone_ = false;
    order_ = chosen(plan_, sockets_.seen());
    return {};
  }

  // Rows that take the place of those that have gone are asked for in the next round.
  Result<void> refresh() {
    const size_t before = order_.size();
    for (size_t round = 0; round < kRounds; ++round) {
      const auto gone = sockets_.refresh(visible());
      if (!gone) return std::unexpected(gone.error());
      const size_t rows = order_.size();
      drop(*gone);
      if (order_.size() == rows) break;
    }
    many_gone_ = (before - order_.size()) * 4 >= visible().size();
    return {};
  }

  // Takes out what is gone, and what the filter no longer wants.
  void drop(std::span<const uint32_t> gone) {
    const Observation& seen = sockets_.seen();
    const Look& look = seen.now();
    const auto end = order_.begin() + static_cast<std::ptrdiff_t>(visible().size());
    const auto left = std::remove_if(order_.begin(), end, [&](uint32_t index) {
      return std::ranges::find(gone, index) != gone.end() ||
             !matches(plan_.filter, seen, look, look.sockets[index]);
    });
    order_.erase(left, end);
  }

  const Words& words_;
  const Plan& plan_;
  engine::SocketWatch sockets_;
  Io& io_;
  Screen screen_;
  std::vector<uint32_t> order_;  // what is to be shown, in its order
  Clock::time_point full_ = Clock::now();
  bool many_gone_ = false;
};

int watch(const Words& words, const Plan& plan, const host::LookOptions& how, Io& io) {
  interrupted();  // from here on Ctrl-C is an end like any other
  auto sockets = engine::SocketWatch::open({.sources = plan.sources}, how);
  if (!sockets) return cannot_look(io, sockets.error().sentence);
  return Watch(words, plan, std::move(*sockets), io).run();
}

}  // namespace

int sockets(Arguments arguments, Io& io) {
  CLI::App app("Each TCP socket of this machine with owner, queues and timer.", "tcpdx sockets");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  const host::LookOptions how{.infos = plan->needs.infos, .owners = plan->needs.owners};
  if (plan->every) return watch(words, *plan, how, io);
  const auto observation = look_once(how, plan->sources);
  if (!observation) return cannot_look(io, observation.error().sentence);
  show(words, *plan, *observation, chosen(*plan, *observation), io.out,
       style_of(io, words.show.colour));
  io.out.flush();
  if (!words.show.json) {
    view::write_missing(io.err, style_of_messages(io, words.show.colour), observation->missing);
  }
  return kOk;
}

}  // namespace tcpdx::cli
