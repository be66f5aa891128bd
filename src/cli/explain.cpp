// `tcpdx explain [STATE|TOPIC|FAULT|COUNTER]`: what it is, where it comes from, what to do.
#include "view/explain.hpp"

#include <fmt/format.h>

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"
#include "engine/counter_watch.hpp"
#include "faults/catalogue.hpp"
#include "view/rate_columns.hpp"

namespace tcpdx::cli {
namespace {

std::vector<const FaultInfo*> fault_infos() {
  std::vector<const FaultInfo*> infos;
  infos.reserve(faults::catalogue().size());
  for (const faults::Fault& fault : faults::catalogue()) infos.push_back(fault.info);
  return infos;
}

// The counters of the namespace that we are in; empty where they cannot be read.
Counters counters_here() {
  host::Options options;
  options.all_namespaces = false;
  auto watch = engine::CounterWatch::open(options);
  if (!watch) return {};
  std::vector<CounterReading> readings = watch->read();
  return readings.empty() ? Counters{} : std::move(readings.front().counters);
}

std::string_view bare(std::string_view counter) { return counter.substr(counter.rfind('.') + 1); }

// Also by the title of a column of `rates`, and whatever else this kernel counts.
std::optional<view::CounterSubject> find_counter(std::string_view word, const Counters& here) {
  const view::CounterText* text = view::find_counter_text(word);
  if (text == nullptr) {
    const view::RateColumn* const column = view::find_rate_column(word);
    if (column != nullptr) text = view::find_counter_text(column->counters[0]);
  }
  if (text != nullptr) return view::CounterSubject{text->name, text, here.get(text->name)};
  const std::string wanted = lower(word);
  std::optional<view::CounterSubject> found;
  for (const auto& [name, value] : here.all()) {
    if (lower(name) == wanted) return view::CounterSubject{name, nullptr, value};
    if (lower(bare(name)) != wanted) continue;
    if (found) return std::nullopt;  // of two groups: the whole name has to be said
    found = view::CounterSubject{name, nullptr, value};
  }
  return found;
}

int unknown_word(std::string_view word, view::FaultInfos infos, const Counters& here, Io& io) {
  std::vector<std::string_view> known;
  known.reserve(tcp::kStates.size() + infos.size());
  for (const tcp::State state : tcp::kStates) known.push_back(tcp::to_string(state));
  for (const view::TopicText& topic : view::topics()) known.push_back(topic.name);
  for (const FaultInfo* info : infos) known.push_back(info->id);
  std::vector<std::string_view> more;
  for (const view::CounterText& text : view::counter_texts()) {
    known.push_back(text.name);
    more.push_back(bare(text.name));
  }
  for (const auto& [name, value] : here.all()) more.push_back(name);
  // A mistyped counter has mostly lost its group; rarer names only where nothing else is near.
  std::string hint = did_you_mean(word, known);
  if (hint.empty()) hint = did_you_mean(word, more);
  return usage_error(io, fmt::format("'{}' is no state, topic, fault or counter{}; tcpdx explain "
                                     "lists them",
                                     printable(word), hint));
}

int explain_word(std::string_view word, bool json, const view::Style& style, Io& io) {
  const std::vector<const FaultInfo*> infos = fault_infos();
  // Before the states: "close" is a topic, and also what netstat calls CLOSED.
  if (const view::TopicText* const topic = view::find_topic(word)) {
    json ? view::explain_topic_json(io.out, *topic)
         : view::explain_topic(io.out, style, *topic, infos);
    return kOk;
  }
  if (const auto state = tcp::parse_state(word)) {
    json ? view::explain_state_json(io.out, *state, infos)
         : view::explain_state(io.out, style, *state, infos);
    return kOk;
  }
  if (const faults::Fault* const fault = faults::find_fault(lower(word))) {
    json ? view::explain_fault_json(io.out, *fault->info)
         : view::explain_fault(io.out, style, *fault->info);
    return kOk;
  }
  const Counters here = counters_here();
  const auto counter = find_counter(word, here);
  if (!counter) return unknown_word(word, infos, here, io);
  json ? view::explain_counter_json(io.out, *counter, infos)
       : view::explain_counter(io.out, style, *counter, infos);
  return kOk;
}

}  // namespace

int explain(Arguments arguments, Io& io) {
  CLI::App app(
      "What a state, a topic, a fault or a kernel counter is, where it comes from and what to "
      "do.",
      "tcpdx explain");
  std::string word;
  ShowOptions show;
  app.add_option("word", word, "what to explain; without it, all are listed")
      ->type_name("STATE|TOPIC|FAULT|COUNTER");
  add_show_options(app, show);
  if (const auto code = parse(app, arguments, io)) return *code;
  const view::Style style = style_of(io, show.colour);
  if (app.count("word") != 0) return explain_word(word, show.json, style, io);
  const std::vector<const FaultInfo*> infos = fault_infos();
  show.json ? view::list_explained_json(io.out, infos) : view::list_explained(io.out, style, infos);
  return kOk;
}

}  // namespace tcpdx::cli
