// The counts of `tcpdx states` as a table and as JSON.
#include "view/state_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/text.hpp"
#include "base/time.hpp"
#include "view/json.hpp"

namespace tcpdx::view {
namespace {

// Places in tcp::kStates of the states that any socket is in.
std::vector<size_t> seen_states(const StateCount& count) {
  std::vector<size_t> seen;
  for (size_t i = 0; i < tcp::kStates.size(); ++i) {
    if (count.states[i] != 0) seen.push_back(i);
  }
  return seen;
}

Json states_json(const StateNumbers& numbers) {
  Json object = Json::object();
  for (size_t i = 0; i < tcp::kStates.size(); ++i) {
    object[std::string(tcp::to_string(tcp::kStates[i]))] = numbers[i];
  }
  return object;
}

Json group_json(const StateGroup& group) {
  Json object{{"key", group.key}};
  if (group.pid) object["pid"] = *group.pid;
  if (group.comm) object["comm"] = *group.comm;
  object["total"] = total(group.states);
  object["states"] = states_json(group.states);
  return object;
}

// Wide enough for its title and for the greatest number, which is the sum.
size_t width_of(std::string_view title, uint64_t greatest) {
  return std::max(title.size(), grouped(greatest).size());
}

void write_simple(std::ostream& out, const Style& style, const StateCount& count) {
  const size_t width = width_of("", total(count.states));
  for (const size_t i : seen_states(count)) {
    out << fmt::format("{:<12}  {:>{}}\n", tcp::to_string(tcp::kStates[i]),
                       grouped(count.states[i]), width);
  }
  out << paint(style, Ink::bold,
               fmt::format("{:<12}  {:>{}}", "total", grouped(total(count.states)), width))
      << '\n';
}

void write_line(std::ostream& out, const Style& style, const StateCount& count, Ink ink,
                std::string_view key, const StateNumbers* numbers) {
  std::string line;
  const auto cell = [&](std::string_view title, uint64_t greatest, uint64_t number) {
    line += fmt::format("{:>{}}  ", numbers == nullptr ? std::string(title) : grouped(number),
                        width_of(title, greatest));
  };
  cell("total", total(count.states), numbers == nullptr ? 0 : total(*numbers));
  for (const size_t i : seen_states(count)) {
    cell(tcp::to_string(tcp::kStates[i]), count.states[i], numbers == nullptr ? 0 : (*numbers)[i]);
  }
  out << paint(style, ink, line + std::string(key)) << '\n';
}

std::string_view title_of(GroupBy by) {
  switch (by) {
    case GroupBy::process: return "process";
    case GroupBy::port: return "port";
    case GroupBy::peer: return "peer";
    case GroupBy::netns: return "netns";
    case GroupBy::cgroup: return "cgroup";
  }
  std::unreachable();
}

}  // namespace

void write_state_table(std::ostream& out, const Style& style, const StateCount& count) {
  if (!count.by) return write_simple(out, style, count);
  write_line(out, style, count, Ink::bold, title_of(*count.by), nullptr);
  for (const StateGroup& group : count.groups) {
    write_line(out, style, count, Ink::plain, printable(group.key), &group.states);
  }
  write_line(out, style, count, Ink::bold, "all sockets", &count.states);
}

void write_states_json(std::ostream& out, const Observation& observation, const StateCount& count) {
  Json document{{"schema", kSchema},
                {"host", observation.host},
                {"at", rfc3339(observation.at + observation.now().at)},
                {"total", total(count.states)},
                {"states", states_json(count.states)}};
  if (count.by) {
    Json groups = Json::array();
    std::ranges::transform(count.groups, std::back_inserter(groups), group_json);
    document["by"] = std::move(groups);
  }
  document["sources"] = observation.sources;
  document["missing"] = missing_json(observation.missing);
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
