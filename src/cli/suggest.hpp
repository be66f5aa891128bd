// Near matches of a mistyped word.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tcpdx::cli {

// Those of `known` that are few letters away from `word`, contain it or begin like it; the nearest
// first, at most three.
std::vector<std::string_view> near_matches(std::string_view word,
                                           std::span<const std::string_view> known);

// "; did you mean a, b?" or nothing.
std::string did_you_mean(std::string_view word, std::span<const std::string_view> known);

}  // namespace tcpdx::cli
