// Looks once and selects.
#include "cli/select.hpp"

#include <fmt/format.h>

#include "engine/observe.hpp"

namespace tcpdx::cli {
namespace {

std::string_view owner_keyword(FilterWord word) {
  switch (word) {
    case FilterWord::pid: return "pid";
    case FilterWord::comm: return "comm";
    case FilterWord::cgroup: return "cgroup";
    case FilterWord::host:
    case FilterWord::net:
    case FilterWord::port:
    case FilterWord::tcp:
    case FilterWord::ip:
    case FilterWord::ip6:
    case FilterWord::state:
    case FilterWord::uid:
    case FilterWord::netns: return "";
  }
  return "";
}

}  // namespace

std::string owner_word(const Filter& filter) {
  for (const FilterTest& test : filter.tests) {
    const std::string_view keyword = owner_keyword(test.word);
    if (keyword.empty()) continue;
    return fmt::format("{} {}", keyword,
                       test.word == FilterWord::pid ? fmt::to_string(test.low) : test.text);
  }
  return "";
}

bool needs_owners(const Filter& filter) { return !owner_word(filter).empty(); }

Result<Observation> look_once(const host::LookOptions& look, const host::Sources& sources) {
  engine::ObserveOptions options;
  options.host.sources = sources;
  options.look = look;
  options.window = Duration::zero();
  auto observation = engine::observe(options);
  if (observation && observation->looks.empty()) return fail("no socket table could be read");
  return observation;
}

std::vector<uint32_t> select(const Observation& observation, const Filter& filter) {
  const Look& look = observation.now();
  std::vector<uint32_t> selected;
  selected.reserve(filter.steps.empty() ? look.sockets.size() : 0);
  for (uint32_t index = 0; index < look.sockets.size(); ++index) {
    if (matches(filter, observation, look, look.sockets[index])) selected.push_back(index);
  }
  return selected;
}

}  // namespace tcpdx::cli
