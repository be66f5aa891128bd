#include "track/rtt.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace tcpdx::track {
namespace {

// Four classes to each doubling.
size_t class_of(uint32_t us) {
  if (us < 4) return us;
  const auto octave = static_cast<unsigned>(std::bit_width(us)) - 1;
  const size_t found = octave * 4 + (us >> (octave - 2) & 3U) - 4;
  return std::min(found, RttClasses{}.counts.size() - 1);
}

uint32_t middle_of(size_t number) {
  if (number < 4) return static_cast<uint32_t>(number);
  const auto octave = static_cast<unsigned>((number + 4) / 4);
  const auto quarter = static_cast<uint32_t>(number % 4);
  const uint32_t low = (4 + quarter) << (octave - 2);
  return low + ((1U << (octave - 2)) >> 1U);
}

// The sample that `share` of all do not exceed (nearest rank).
uint32_t rank_of(double share, uint32_t count) {
  const double exact = share * count;
  const auto rank = static_cast<uint32_t>(exact);
  return std::clamp(exact > rank ? rank + 1 : rank, 1U, count);
}

uint32_t value_at(const RttClasses& classes, uint32_t rank) {
  uint32_t passed = 0;
  for (size_t i = 0; i < classes.counts.size(); ++i) {
    passed += classes.counts[i];
    if (passed >= rank) return std::clamp(middle_of(i), classes.min, classes.max);
  }
  return classes.max;
}

uint32_t total(const RttClasses& classes) {
  return std::accumulate(classes.counts.begin(), classes.counts.end(), uint32_t{0});
}

}  // namespace

void add_to(RttClasses& classes, uint32_t us) {
  classes.min = std::min(classes.min, us);
  classes.max = std::max(classes.max, us);
  uint16_t& count = classes.counts[class_of(us)];
  if (count == UINT16_MAX) {
    // Shares stay as they are; a class that holds anything keeps something.
    for (uint16_t& one : classes.counts) one = static_cast<uint16_t>((one + 1U) / 2);
  }
  ++count;
}

std::optional<RttSummary> summary_of(const RttSamples& samples, const RttClasses* classes) {
  if (samples.count == 0) return std::nullopt;
  RttSummary out{.samples = samples.count};
  if (classes != nullptr) {
    out.min = Duration(classes->min);
    out.max = Duration(classes->max);
    const uint32_t counted = total(*classes);
    out.median = Duration(value_at(*classes, rank_of(0.5, counted)));
    out.p99 = Duration(value_at(*classes, rank_of(0.99, counted)));
    return out;
  }
  std::array<uint32_t, 4> sorted = samples.first;
  const auto last = sorted.begin() + samples.count;
  std::sort(sorted.begin(), last);
  out.min = Duration(sorted.front());
  out.max = Duration(*(last - 1));
  out.median = Duration(sorted[rank_of(0.5, samples.count) - 1]);
  out.p99 = Duration(sorted[rank_of(0.99, samples.count) - 1]);
  return out;
}

}  // namespace tcpdx::track
