// Near matches by edit distance (Levenshtein), letters compared without case.
#include "cli/suggest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::cli {
namespace {

constexpr size_t kMostSuggestions = 3;
constexpr size_t kLongestWord = 64;  // nobody mistypes more; bounds the work

// Letters to insert, delete or replace.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, replaced}));
    }
  }
  return row.back();
}

}  // namespace

std::vector<std::string_view> near_matches(std::string_view word,
                                           std::span<const std::string_view> known) {
  if (word.size() < 2 || word.size() > kLongestWord) return {};
  const std::string wanted = lower(word);
  std::vector<std::pair<size_t, std::string_view>> near;
  for (const std::string_view candidate : known) {
    const std::string name = lower(candidate);
    const size_t apart = distance(wanted, name);
    if (apart <= std::max<size_t>(2, name.size() / 3) || name.contains(wanted)) {
      near.emplace_back(apart, candidate);
    }
  }
  std::ranges::sort(near);
  if (near.size() > kMostSuggestions) near.resize(kMostSuggestions);
  std::vector<std::string_view> names;
  names.reserve(near.size());
  for (const auto& [apart, name] : near) names.push_back(name);
  return names;
}

std::string did_you_mean(std::string_view word, std::span<const std::string_view> known) {
  const auto names = near_matches(word, known);
  return names.empty() ? "" : fmt::format("; did you mean {}?", fmt::join(names, ", "));
}

}  // namespace tcpdx::cli
