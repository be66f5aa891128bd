// `tcpdx sockets [FILTER]`: each socket with its owner, queues and timer, as a table or JSON.
#include <fmt/format.h>

#include <optional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/select.hpp"
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
};

void describe(CLI::App& app, Words& words) {
  app.add_option("filter", words.filter, "only these, for example: port 443 and state close-wait")
      ->type_name("FILTER");
  auto* columns = app.add_option("--columns", words.columns, "columns to show, a,b,c");
  app.add_option("--sort", words.sort, "columns to sort by; -NAME for the greatest first");
  app.add_flag("--no-owners", words.no_owners, "do not look for the programs; faster");
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
  plan.needs = needed(words, plan);
  if (words.no_owners && plan.needs.owners) {
    return fail("--columns or --sort name a column of the owner, which --no-owners leaves out");
  }
  return plan;
}

void show(const Words& words, const Plan& plan, const Observation& observation, Io& io) {
  std::vector<uint32_t> selected = select(observation, plan.filter);
  view::sort_sockets(observation, plan.sort, selected);
  if (words.show.json) {
    view::write_sockets_json(io.out, observation, selected, plan.needs.owners);
    return;
  }
  const view::Style style = style_of(io, words.show.colour);
  const view::Columns columns =
      plan.columns ? *plan.columns : usual_columns(&observation, !words.no_owners);
  view::write_socket_table(io.out, style, observation, columns, selected, engine::run_on_threads);
  io.out.flush();
  view::write_missing(io.err, style_of_messages(io, words.show.colour), observation.missing);
}

}  // namespace

int sockets(Arguments arguments, Io& io) {
  CLI::App app("Each TCP socket of this machine with owner, queues and timer.", "tcpdx sockets");
  Words words;
  describe(app, words);
  if (const auto code = parse(app, arguments, io)) return *code;
  const auto plan = plan_of(words);
  if (!plan) return usage_error(io, plan.error().sentence);
  const auto observation =
      look_once({.infos = plan->needs.infos, .owners = plan->needs.owners}, plan->sources);
  if (!observation) return cannot_look(io, observation.error().sentence);
  show(words, *plan, *observation, io);
  return kOk;
}

}  // namespace tcpdx::cli
