#include "track/rtt.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <numeric>

namespace tcpdx::track {
namespace {

constexpr size_t kInPart = RttPart{}.counts.size();
constexpr size_t kClasses = RttClasses{}.parts.size() * kInPart;

// All counts of one end.
using Counts = std::array<uint16_t, kClasses>;

// Four classes to each doubling.
size_t class_of(uint32_t us) {
  if (us < 4) return us;
  const auto octave = static_cast<unsigned>(std::bit_width(us)) - 1;
  const size_t found = octave * 4 + (us >> (octave - 2) & 3U) - 4;
  return std::min(found, kClasses - 1);
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

uint32_t value_at(const Counts& counts, const RttClasses& classes, uint32_t rank) {
  uint32_t passed = 0;
  for (size_t i = 0; i < counts.size(); ++i) {
    passed += counts[i];
    if (passed >= rank) return std::clamp(middle_of(i), classes.min, classes.max);
  }
  return classes.max;
}

RttSummary summary_of_classes(const RttClasses& classes, const Pool<RttPart>& parts) {
  Counts counts{};
  for (size_t i = 0; i < classes.parts.size(); ++i) {
    if (classes.parts[i] == 0) continue;
    std::ranges::copy(parts[classes.parts[i]].counts, &counts[i * kInPart]);
  }
  const uint32_t counted = std::accumulate(counts.begin(), counts.end(), uint32_t{0});
  return {.min = Duration(classes.min),
          .median = Duration(value_at(counts, classes, rank_of(0.5, counted))),
          .p99 = Duration(value_at(counts, classes, rank_of(0.99, counted))),
          .max = Duration(classes.max)};
}

}  // namespace

void Rtts::add(RttSamples& samples, uint32_t us) {
  if (samples.count < samples.first.size()) {
    samples.first[samples.count++] = us;
    return;
  }
  if (!samples.in_classes()) {
    const uint32_t classes = classes_.take();
    for (const uint32_t early : samples.first) count(classes_[classes], early);
    samples.first[0] = classes;
  }
  ++samples.count;
  count(classes_[samples.first[0]], us);
}

void Rtts::count(RttClasses& classes, uint32_t us) {
  classes.min = std::min(classes.min, us);
  classes.max = std::max(classes.max, us);
  const size_t its = class_of(us);
  uint32_t& part = classes.parts[its / kInPart];
  if (part == 0) part = parts_.take();
  uint16_t& count = parts_[part].counts[its % kInPart];
  if (count == UINT16_MAX) halve(classes);
  ++count;
}

// Shares stay as they are; a class that holds anything keeps something.
void Rtts::halve(const RttClasses& classes) {
  for (const uint32_t part : classes.parts) {
    if (part == 0) continue;
    for (uint16_t& one : parts_[part].counts) one = static_cast<uint16_t>((one + 1U) / 2);
  }
}

void Rtts::release(const RttSamples& samples) {
  if (!samples.in_classes()) return;
  for (const uint32_t part : classes_[samples.first[0]].parts) {
    if (part != 0) parts_.free(part);
  }
  classes_.free(samples.first[0]);
}

std::optional<RttSummary> Rtts::summary_of(const RttSamples& samples) const {
  if (samples.count == 0) return std::nullopt;
  RttSummary out;
  if (samples.in_classes()) out = summary_of_classes(classes_[samples.first[0]], parts_);
  out.samples = samples.count;
  if (samples.in_classes()) return out;
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
