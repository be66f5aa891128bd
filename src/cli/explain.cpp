// `tcpdx explain [STATE|TOPIC|FAULT]`: what it is, where it comes from, what to do.
#include "view/explain.hpp"

#include <fmt/format.h>

#include <string>
#include <vector>

#include "base/text.hpp"
#include "cli/exit_code.hpp"
#include "cli/options.hpp"
#include "cli/suggest.hpp"
#include "faults/catalogue.hpp"

namespace tcpdx::cli {
namespace {

std::vector<const FaultInfo*> fault_infos() {
  std::vector<const FaultInfo*> infos;
  infos.reserve(faults::catalogue().size());
  for (const faults::Fault& fault : faults::catalogue()) infos.push_back(fault.info);
  return infos;
}

int unknown_word(std::string_view word, view::FaultInfos infos, Io& io) {
  std::vector<std::string_view> known;
  known.reserve(tcp::kStates.size() + infos.size());
  for (const tcp::State state : tcp::kStates) known.push_back(tcp::to_string(state));
  for (const view::TopicText& topic : view::topics()) known.push_back(topic.name);
  for (const FaultInfo* info : infos) known.push_back(info->id);
  return usage_error(io, fmt::format("'{}' is no state, topic or fault{}; tcpdx explain lists them",
                                     printable(word), did_you_mean(word, known)));
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
  const faults::Fault* fault = faults::find_fault(lower(word));
  if (fault == nullptr) return unknown_word(word, infos, io);
  json ? view::explain_fault_json(io.out, *fault->info)
       : view::explain_fault(io.out, style, *fault->info);
  return kOk;
}

}  // namespace

int explain(Arguments arguments, Io& io) {
  CLI::App app("What a state, a topic or a fault is, where it comes from and what to do.",
               "tcpdx explain");
  std::string word;
  ShowOptions show;
  app.add_option("word", word, "what to explain; without it, all are listed")
      ->type_name("STATE|TOPIC|FAULT");
  add_show_options(app, show);
  if (const auto code = parse(app, arguments, io)) return *code;
  const view::Style style = style_of(io, show.colour);
  if (app.count("word") != 0) return explain_word(word, show.json, style, io);
  const std::vector<const FaultInfo*> infos = fault_infos();
  show.json ? view::list_explained_json(io.out, infos) : view::list_explained(io.out, style, infos);
  return kOk;
}

}  // namespace tcpdx::cli
