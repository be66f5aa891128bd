// Chance from a seed, the same on every machine: not a std distribution, which differ between
// standard libraries; the engine does not.
#pragma once

#include <cstdint>
#include <random>

namespace tcpdx::lab {

class Chance {
 public:
  explicit Chance(uint64_t seed) : random_(seed) {}

  // True in `probability` of all cases; nothing is drawn where it is 0.
  bool operator()(double probability) {
    constexpr double kOneOf2To53 = 0x1p-53;
    return probability > 0 && static_cast<double>(random_() >> 11) * kOneOf2To53 < probability;
  }
  // Evenly from 0 up to, not including, 1.
  double share() { return static_cast<double>(random_() >> 11) * 0x1p-53; }

 private:
  std::mt19937_64 random_;
};

}  // namespace tcpdx::lab
