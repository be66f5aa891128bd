// Sorting that leaves equals in their order. Not std::stable_sort: in the standard library of
// g++ 12 it calls a function that is deprecated, which clang tells of.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

namespace tcpdx {

template <class Value, class Compare = std::ranges::less, class Projection = std::identity>
void sort_keeping_order(std::vector<Value>& values, Compare compare = {}, Projection project = {}) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    const auto& one = std::invoke(project, values[a]);
    const auto& other = std::invoke(project, values[b]);
    if (compare(one, other)) return true;
    return !compare(other, one) && a < b;
  });
  std::vector<Value> sorted;
  sorted.reserve(values.size());
  for (const size_t at : order) sorted.push_back(std::move(values[at]));
  values = std::move(sorted);
}

}  // namespace tcpdx
