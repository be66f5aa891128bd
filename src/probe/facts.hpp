// What was measured, fact by fact, as scripts read it: {"fact": ..., "value": ...}. docs/json.md
// has their names.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "probe/check.hpp"

namespace tcpdx::probe {

struct Fact {
  std::string_view fact;
  // Nothing: not known, or there is none.
  std::variant<std::monostate, bool, int64_t, std::string> value;
};

std::vector<Fact> facts_of(const Attempt& attempt);
std::vector<Fact> facts_of(const Route& route);
std::vector<Fact> facts_of(const PathResult& path);
std::vector<Fact> facts_of(const MtuLook& look);
std::vector<Fact> facts_of(const ProbeTally& tally);
std::vector<Fact> facts_of(const LocalDrops& drops);

}  // namespace tcpdx::probe
