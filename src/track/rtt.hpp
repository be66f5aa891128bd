// Round-trip times of each end in little memory: the first as they are, more of them in classes
// whose upper bound is at most 25 % above their lower one.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "model/connection.hpp"
#include "track/pool.hpp"
#include "track/record.hpp"

namespace tcpdx::track {

class Rtts {
 public:
  void add(RttSamples& samples, uint32_t us);
  // Exact for as many samples as RttSamples::first holds; of more, median and p99 are the middle of
  // their class, min and max exact. Nothing without samples.
  std::optional<RttSummary> summary_of(const RttSamples& samples) const;
  void prefetch(const RttSamples& samples) const {
    if (samples.in_classes()) __builtin_prefetch(&classes_[samples.first[0]]);
  }
  // Gives back what belongs to the samples.
  void release(const RttSamples& samples);
  size_t memory() const { return classes_.memory() + parts_.memory(); }

 private:
  void count(RttClasses& classes, uint32_t us);
  void halve(const RttClasses& classes);

  Pool<RttClasses> classes_;
  Pool<RttPart> parts_;
};

}  // namespace tcpdx::track
