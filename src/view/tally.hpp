// Counting in bounded memory: the heaviest keys of many, and quantiles of many times.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace tcpdx::view {

// The sums of the heaviest keys. Whenever there are twice as many keys as are kept, the lighter
// half is forgotten; from then on a sum may be too low, never too high.
template <class Key, class Hash>
class Heaviest {
 public:
  explicit Heaviest(size_t kept = size_t{1} << 15U) : kept_(kept) {}

  void add(const Key& key, uint64_t weight) {
    if (weight == 0) return;
    sums_[key] += weight;
    if (sums_.size() >= 2 * kept_) forget_light();
  }

  // The heaviest first, equals by their keys.
  std::vector<std::pair<Key, uint64_t>> top(size_t number) const {
    std::vector<std::pair<Key, uint64_t>> all(sums_.begin(), sums_.end());
    number = std::min(number, all.size());
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(number);
    std::ranges::partial_sort(all, middle, heavier);
    all.erase(middle, all.end());
    return all;
  }
  size_t keys() const { return sums_.size(); }
  bool exact() const { return exact_; }

 private:
  static bool heavier(const std::pair<Key, uint64_t>& a, const std::pair<Key, uint64_t>& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  }
  void forget_light() {
    const auto heavy = top(kept_);
    sums_ = {heavy.begin(), heavy.end()};
    exact_ = false;
  }

  size_t kept_;
  bool exact_ = true;
  std::unordered_map<Key, uint64_t, Hash> sums_;
};

// Quantiles of numbers to within 2 %: exact below 64, then 32 steps for each power of two.
class Quantiles {
 public:
  void add(uint64_t value) {
    ++steps_[step(value)];
    ++count_;
  }
  uint64_t count() const { return count_; }

  // The value of rank ceil(share * count), from 0 < share <= 1; 0 of nothing.
  uint64_t at(double share) const {
    const auto rank = static_cast<uint64_t>(std::ceil(share * static_cast<double>(count_)));
    uint64_t seen = 0;
    for (size_t i = 0; i < steps_.size(); ++i) {
      seen += steps_[i];
      if (seen >= std::max<uint64_t>(rank, 1)) return middle(i);
    }
    return 0;
  }

 private:
  static constexpr size_t kExact = 64;
  static constexpr size_t kSteps = 32;
  static constexpr size_t kPowers = 64 - 6;

  static size_t step(uint64_t value) {
    if (value < kExact) return value;
    const auto shift = static_cast<size_t>(std::bit_width(value)) - 6;
    return kExact + (shift - 1) * kSteps + ((value >> shift) - kSteps);
  }
  static uint64_t middle(size_t step) {
    if (step < kExact) return step;
    const size_t shift = (step - kExact) / kSteps + 1;
    const uint64_t low = uint64_t{(step - kExact) % kSteps + kSteps} << shift;
    return low + (uint64_t{1} << (shift - 1));
  }

  std::array<uint64_t, kExact + kPowers * kSteps> steps_{};
  uint64_t count_ = 0;
};

}  // namespace tcpdx::view
