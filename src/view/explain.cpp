// Explanations as text and as JSON. The words come from state_texts, topic_texts, counter_texts and
// each fault's FaultInfo.
#include "view/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "tcp/transition.hpp"
#include "view/json.hpp"
#include "view/state_texts.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kWidest = 110;
constexpr size_t kText = 12;   // where the text beside a label begins
constexpr size_t kNames = 30;  // width of the names in the list

Style narrow(const Style& style) { return {style.colour, std::min(style.width, kWidest)}; }

void title(std::ostream& out, const Style& style, std::string_view name, std::string_view text) {
  out << paint(style, Ink::bold, name) << "  " << wrapped(style, name.size() + 2, text) << '\n';
}

void paragraph(std::ostream& out, const Style& style, std::string_view label,
               std::string_view text) {
  if (text.empty()) return;
  out << "  " << paint(style, Ink::dim, fmt::format("{:<{}}", label, kText - 2))
      << wrapped(style, kText, text) << '\n';
}

std::vector<const FaultInfo*> faults_in(tcp::State state, FaultInfos faults) {
  std::vector<const FaultInfo*> found;
  for (const FaultInfo* fault : faults) {
    if (std::ranges::find(fault->states, state) != fault->states.end()) found.push_back(fault);
  }
  return found;
}

std::vector<const FaultInfo*> faults_that_ask(std::string_view counter, FaultInfos faults) {
  std::vector<const FaultInfo*> found;
  for (const FaultInfo* fault : faults) {
    if (std::ranges::find(fault->counters, counter) != fault->counters.end()) {
      found.push_back(fault);
    }
  }
  return found;
}

std::string_view scope_of(const CounterText& text) {
  if (text.machine) return "machine";
  return "namespace";
}

// "a count of each network namespace, since it began" ...
std::string kind_of(const CounterText& text) {
  return fmt::format(
      "{} of {}", text.level ? "a number that goes up and down," : "a count",
      text.machine ? "the whole machine, the same in every namespace" : "each network namespace");
}

std::string look_closer(tcp::State state) {
  return fmt::format("tcpdx sockets state {}", tcp::to_string(state));
}

void list_line(std::ostream& out, const Style& style, std::string_view name,
               std::string_view text) {
  out << "  " << paint(style, Ink::bold, name)
      << fmt::format("{:{}}", "", kNames - 2 - std::min(name.size(), kNames - 4))
      << wrapped(style, kNames, text) << '\n';
}

// A state at the other end of transitions, with each event that leads there and its section.
struct Way {
  tcp::State state;
  std::string events;
};

std::vector<Way> ways(const std::vector<tcp::Transition>& transitions,
                      tcp::State tcp::Transition::* end) {
  std::vector<Way> found;
  for (const tcp::Transition& one : transitions) {
    auto way = std::ranges::find(found, one.*end, &Way::state);
    if (way == found.end()) way = found.insert(way, {one.*end, ""});
    way->events += fmt::format("{}{} ({})", way->events.empty() ? "" : ", ", tcp::to_string(one.on),
                               one.rfc9293);
  }
  return found;
}

void show_ways(std::ostream& out, const Style& style, std::string_view label,
               const std::vector<Way>& list) {
  for (const Way& way : list) {
    paragraph(out, style, &way == &list.front() ? label : "",
              fmt::format("{}: {}", tcp::to_string(way.state), way.events));
  }
}

void show_faults(std::ostream& out, const Style& style, std::span<const FaultInfo* const> faults) {
  std::string_view label = "faults";
  for (const FaultInfo* fault : faults) {
    paragraph(out, style, label, fmt::format("{}: {}", fault->id, fault->title));
    label = "";
  }
}

std::vector<const TopicText*> topics_of(tcp::State state) {
  std::vector<const TopicText*> found;
  for (const TopicText& topic : topics()) {
    if (std::ranges::find(topic.states, state) != topic.states.end()) found.push_back(&topic);
  }
  return found;
}

std::string names_of(std::span<const tcp::State> states) {
  std::string names;
  for (const tcp::State state : states) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", tcp::to_string(state));
  }
  return names;
}

Json ways_json(std::string_view name, const std::vector<tcp::Transition>& transitions,
               tcp::State tcp::Transition::* end) {
  Json list = Json::array();
  for (const tcp::Transition& one : transitions) {
    list.push_back({{name, tcp::to_string(one.*end)},
                    {"on", tcp::to_string(one.on)},
                    {"rfc9293", one.rfc9293}});
  }
  return list;
}

Json fault_ids(std::span<const FaultInfo* const> faults) {
  Json list = Json::array();
  for (const FaultInfo* fault : faults) list.push_back(fault->id);
  return list;
}

Json state_names(std::span<const tcp::State> states) {
  Json list = Json::array();
  for (const tcp::State state : states) list.push_back(tcp::to_string(state));
  return list;
}

}  // namespace

void explain_state(std::ostream& out, const Style& wide, tcp::State state, FaultInfos faults) {
  const Style style = narrow(wide);
  const StateText& text = state_text(state);
  title(out, style, tcp::to_string(state), text.summary);
  paragraph(out, style, "who", text.who);
  paragraph(out, style, "waits", text.waits);
  paragraph(out, style, "lasts", text.lasts);
  paragraph(out, style, "healthy", text.healthy);
  paragraph(out, style, "trouble", text.trouble);
  paragraph(out, style, "note", text.note);
  show_ways(out, style, "from", ways(tcp::ways_into(state), &tcp::Transition::from));
  show_ways(out, style, "to", ways(tcp::ways_out_of(state), &tcp::Transition::to));
  show_faults(out, style, faults_in(state, faults));
  paragraph(out, style, "look", look_closer(state));
  paragraph(out, style, "", fmt::format("tcpdx diagram --path {}", tcp::to_string(state)));
  for (const TopicText* topic : topics_of(state)) {
    paragraph(out, style, "", fmt::format("tcpdx explain {}", topic->name));
  }
}

void explain_topic(std::ostream& out, const Style& wide, const TopicText& topic,
                   FaultInfos faults) {
  const Style style = narrow(wide);
  title(out, style, topic.name, topic.summary);
  for (const TopicPart& part : topic.parts) paragraph(out, style, part.label, part.text);
  paragraph(out, style, "states", names_of(topic.states));
  std::vector<const FaultInfo*> known;
  for (const FaultInfo* fault : faults) {
    if (std::ranges::find(topic.faults, fault->id) != topic.faults.end()) known.push_back(fault);
  }
  show_faults(out, style, known);
  paragraph(out, style, "look", topic.look);
}

void explain_fault(std::ostream& out, const Style& wide, const FaultInfo& fault) {
  const Style style = narrow(wide);
  title(out, style, fault.id, fault.title);
  paragraph(out, style, "states", names_of(fault.states));
  paragraph(out, style, "signs", fault.signature);
  std::string_view label = "unlike";
  for (const LookAlike& other : fault.look_alikes) {
    paragraph(out, style, label, fmt::format("{}: {}", other.what, other.decided_by));
    label = "";
  }
  paragraph(out, style, "reported", fault.trigger);
  paragraph(out, style, "severity", fault.severity);
  paragraph(out, style, "fix", fault.remedy);
  paragraph(out, style, "not", fault.avoid);
  paragraph(out, style, "silent on", fault.silent_on);
  paragraph(out, style, "counters", fmt::format("{}", fmt::join(fault.counters, ", ")));
}

void explain_counter(std::ostream& out, const Style& wide, const CounterSubject& counter,
                     FaultInfos faults) {
  const Style style = narrow(wide);
  const CounterText* const text = counter.text;
  title(out, style, counter.name, text == nullptr ? "a counter of this kernel" : kind_of(*text));
  if (text != nullptr) {
    paragraph(out, style, "counts", text->counts);
    paragraph(out, style, "not", text->not_this);
    paragraph(out, style, "do", text->advice);
    paragraph(out, style, "where", text->where);
  } else {
    paragraph(out, style, "counts",
              fmt::format("tcpdx has no text for it. It belongs to {}; the kernel's "
                          "Documentation/networking/snmp_counter.rst may tell more",
                          counter_group(counter.name)));
  }
  paragraph(out, style, "now",
            !counter.value ? "not known in this namespace"
                           : grouped(*counter.value) +
                                 (text != nullptr && text->machine ? "" : " in this namespace"));
  show_faults(out, style, faults_that_ask(counter.name, faults));
  paragraph(out, style, "look", fmt::format("tcpdx rates --columns {}", counter.name));
}

void list_explained(std::ostream& out, const Style& wide, FaultInfos faults) {
  const Style style = narrow(wide);
  out << "states\n";
  for (const tcp::State state : tcp::kStates) {
    list_line(out, style, tcp::to_string(state), state_text(state).summary);
  }
  out << "topics\n";
  for (const TopicText& topic : topics()) list_line(out, style, topic.name, topic.summary);
  out << "faults\n";
  for (const FaultInfo* fault : faults) list_line(out, style, fault->id, fault->title);
  out << "counters\n";
  std::string names;
  for (const CounterText& text : counter_texts()) {
    names += fmt::format("{}{}", names.empty() ? "" : "  ", text.name);
  }
  out << "  " << wrapped(style, 2, names) << '\n';
}

void explain_state_json(std::ostream& out, tcp::State state, FaultInfos faults) {
  const StateText& text = state_text(state);
  Json topic_names = Json::array();
  for (const TopicText* topic : topics_of(state)) topic_names.push_back(topic->name);
  out << dump({{"schema", kSchema},
               {"kind", "state"},
               {"name", tcp::to_string(state)},
               {"summary", text.summary},
               {"who", text.who},
               {"waits", text.waits},
               {"lasts", text.lasts},
               {"healthy", text.healthy},
               {"trouble", text.trouble},
               {"note", text.note.empty() ? Json(nullptr) : Json(text.note)},
               {"topics", std::move(topic_names)},
               {"faults", fault_ids(faults_in(state, faults))},
               {"ways_in", ways_json("from", tcp::ways_into(state), &tcp::Transition::from)},
               {"ways_out", ways_json("to", tcp::ways_out_of(state), &tcp::Transition::to)}})
      << '\n';
}

void explain_topic_json(std::ostream& out, const TopicText& topic) {
  Json parts = Json::array();
  for (const TopicPart& part : topic.parts) {
    parts.push_back({{"label", part.label}, {"text", part.text}});
  }
  out << dump({{"schema", kSchema},
               {"kind", "topic"},
               {"name", topic.name},
               {"summary", topic.summary},
               {"parts", std::move(parts)},
               {"states", state_names(topic.states)},
               {"faults", topic.faults},
               {"look", topic.look}})
      << '\n';
}

void explain_fault_json(std::ostream& out, const FaultInfo& fault) {
  Json look_alikes = Json::array();
  for (const LookAlike& other : fault.look_alikes) {
    look_alikes.push_back({{"what", other.what}, {"decided_by", other.decided_by}});
  }
  out << dump({{"schema", kSchema},
               {"kind", "fault"},
               {"name", fault.id},
               {"title", fault.title},
               {"states", state_names(fault.states)},
               {"signature", fault.signature},
               {"look_alikes", std::move(look_alikes)},
               {"trigger", fault.trigger},
               {"severity", fault.severity},
               {"remedy", fault.remedy},
               {"avoid", fault.avoid},
               {"silent_on", fault.silent_on},
               {"counters", fault.counters}})
      << '\n';
}

void explain_counter_json(std::ostream& out, const CounterSubject& counter, FaultInfos faults) {
  const CounterText* const text = counter.text;
  const auto told = [&](std::string_view CounterText::* part) {
    return text == nullptr ? Json(nullptr) : Json(text->*part);
  };
  out << dump({{"schema", kSchema},
               {"kind", "counter"},
               {"name", counter.name},
               {"group", counter_group(counter.name)},
               {"scope", text == nullptr ? Json(nullptr) : Json(scope_of(*text))},
               {"level", text == nullptr ? Json(nullptr) : Json(text->level)},
               {"counts", told(&CounterText::counts)},
               {"not", told(&CounterText::not_this)},
               {"advice", told(&CounterText::advice)},
               {"where", told(&CounterText::where)},
               {"value", or_null(counter.value)},
               {"faults", fault_ids(faults_that_ask(counter.name, faults))}})
      << '\n';
}

void list_explained_json(std::ostream& out, FaultInfos faults) {
  Json states = Json::array();
  for (const tcp::State state : tcp::kStates) {
    states.push_back({{"name", tcp::to_string(state)}, {"summary", state_text(state).summary}});
  }
  Json topic_list = Json::array();
  for (const TopicText& topic : topics()) {
    topic_list.push_back({{"name", topic.name}, {"summary", topic.summary}});
  }
  Json list = Json::array();
  for (const FaultInfo* fault : faults) {
    list.push_back({{"name", fault->id}, {"title", fault->title}});
  }
  Json counters = Json::array();
  for (const CounterText& text : counter_texts()) {
    counters.push_back({{"name", text.name}, {"counts", text.counts}});
  }
  out << dump({{"schema", kSchema},
               {"kind", "list"},
               {"states", std::move(states)},
               {"topics", std::move(topic_list)},
               {"faults", std::move(list)},
               {"counters", std::move(counters)}})
      << '\n';
}

}  // namespace tcpdx::view
