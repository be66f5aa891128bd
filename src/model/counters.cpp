// Lookups in a namespace's counters and sysctls.
#include "model/counters.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tcpdx {
namespace {

using Counter = std::pair<std::string, uint64_t>;

}  // namespace

void Counters::set(std::string name, uint64_t value) {
  values_.emplace_back(std::move(name), value);
}

void Counters::sort() { std::ranges::sort(values_); }

std::optional<uint64_t> Counters::get(std::string_view name) const {
  const auto found = std::ranges::lower_bound(values_, name, {}, &Counter::first);
  if (found == values_.end() || found->first != name) return std::nullopt;
  return found->second;
}

std::optional<std::string_view> Sysctls::text(std::string_view name) const {
  const auto found = values_.find(name);
  if (found == values_.end()) return std::nullopt;
  return found->second;
}

std::optional<uint64_t> Sysctls::number(std::string_view name, size_t number) const {
  const auto value = text(name);
  if (!value) return std::nullopt;
  const std::vector<std::string_view> numbers = words(*value);
  if (number >= numbers.size()) return std::nullopt;
  return parse_number<uint64_t>(numbers[number]);
}

}  // namespace tcpdx
