// Random numbers that are the same on every machine and with every library: SplitMix64 (Steele,
// Lea, Flood: Fast Splittable Pseudorandom Number Generators, 2014) and our own mapping to ranges.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace tcpdx::sim {

class Random {
 public:
  explicit Random(uint64_t seed) : state_(seed) {}

  uint64_t next() {
    state_ += 0x9E3779B97F4A7C15;
    uint64_t z = state_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
    return z ^ (z >> 31);
  }
  // Below `n`, which is not 0. The bias is n / 2^64.
  uint64_t below(uint64_t n) { return next() % n; }
  uint64_t between(uint64_t first, uint64_t last) { return first + below(last - first + 1); }
  // True in `probability` of all cases; one number is drawn in every case.
  bool chance(double probability) {
    return static_cast<double>(next() >> 11) * 0x1p-53 < probability;
  }
  Duration up_to(Duration most) {
    return Duration{static_cast<int64_t>(below(static_cast<uint64_t>(most.count()) + 1))};
  }

 private:
  uint64_t state_;
};

}  // namespace tcpdx::sim
