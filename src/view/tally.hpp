// Counting in bounded memory: the heaviest keys of many, and quantiles of many times.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <utility>
#include <vector>

namespace tcpdx::view {

// The sums of the heaviest keys. Whenever there are twice as many keys as are kept, the lighter
// half is forgotten; from then on a sum may be too low, never too high. Asked for each end of each
// connection, so the keys stand in one open table.
template <class Key, class Hash>
class Heaviest {
 public:
  using Sum = std::pair<Key, uint64_t>;

  explicit Heaviest(size_t kept = size_t{1} << 15U) : kept_(kept) {}

  void add(const Key& key, uint64_t weight) {
    if (weight == 0) return;
    if ((used_ + 1) * 2 > places_.size())
      rebuild(std::max<size_t>(16, places_.size() * 2), top(used_));
    Sum& sum = place_of(key);
    if (sum.second == 0) {
      sum.first = key;
      ++used_;
    }
    sum.second += weight;
    if (used_ >= 2 * kept_) forget_light();
  }

  // The heaviest first, equals by their keys.
  std::vector<Sum> top(size_t number) const {
    std::vector<Sum> all;
    all.reserve(used_);
    std::ranges::copy_if(places_, std::back_inserter(all),
                         [](const Sum& sum) { return sum.second > 0; });
    number = std::min(number, all.size());
    const auto middle = all.begin() + static_cast<std::ptrdiff_t>(number);
    std::ranges::partial_sort(all, middle, heavier);
    all.erase(middle, all.end());
    return all;
  }
  size_t keys() const { return used_; }
  bool exact() const { return exact_; }

 private:
  static bool heavier(const Sum& a, const Sum& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  }
  // That of the key, or the empty one where it belongs.
  Sum& place_of(const Key& key) {
    const size_t mask = places_.size() - 1;
    size_t at = Hash{}(key)&mask;
    while (places_[at].second > 0 && !(places_[at].first == key)) at = (at + 1) & mask;
    return places_[at];
  }
  void rebuild(size_t places, const std::vector<Sum>& sums) {
    places_.assign(places, {});
    for (const Sum& sum : sums) place_of(sum.first) = sum;
    used_ = sums.size();
  }
  void forget_light() {
    rebuild(places_.size(), top(kept_));
    exact_ = false;
  }

  size_t kept_;
  size_t used_ = 0;
  bool exact_ = true;
  std::vector<Sum> places_;  // a power of two; those of weight 0 are empty
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
