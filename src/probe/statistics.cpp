#include "probe/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace tcpdx::probe {
namespace {

constexpr double kZ95 = 1.959964;  // two-sided 95 % of the normal distribution

Duration rank(std::span<const Duration> sorted, double share) {
  const auto wanted = static_cast<size_t>(std::ceil(share * static_cast<double>(sorted.size())));
  return sorted[std::clamp<size_t>(wanted, 1, sorted.size()) - 1];
}

}  // namespace

Share share_of(uint64_t hits, uint64_t total) {
  if (total == 0) return {};
  const auto n = static_cast<double>(total);
  const double p = static_cast<double>(hits) / n;
  const double z2 = kZ95 * kZ95;
  const double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
  const double half = kZ95 / (1 + z2 / n) * std::sqrt(p * (1 - p) / n + z2 / (4 * n * n));
  return {.value = p,
          .low = hits == 0 ? 0 : std::max(0.0, middle - half),
          .high = hits == total ? 1 : std::min(1.0, middle + half)};
}

std::optional<RttSummary> summarize(std::span<const Duration> samples) {
  if (samples.empty()) return std::nullopt;
  std::vector<Duration> sorted(samples.begin(), samples.end());
  std::ranges::sort(sorted);
  const auto count = static_cast<double>(sorted.size());
  double sum = 0;
  double squares = 0;
  for (const Duration one : sorted) {
    const auto us = static_cast<double>(one.count());
    sum += us;
    squares += us * us;
  }
  const double mean = sum / count;
  return RttSummary{.samples = sorted.size(),
                    .min = sorted.front(),
                    .median = rank(sorted, 0.5),
                    .mean = Duration(std::llround(mean)),
                    .p95 = rank(sorted, 0.95),
                    .p99 = rank(sorted, 0.99),
                    .max = sorted.back(),
                    .stddev_us = std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

void Jitter::add(Duration rtt) {
  if (last_) {
    const auto change = static_cast<double>(std::abs((rtt - *last_).count()));
    jitter_us_ += (change - jitter_us_) / 16;
    known_ = true;
  }
  last_ = rtt;
}

std::optional<Duration> Jitter::value() const {
  if (!known_) return std::nullopt;
  return Duration(std::llround(jitter_us_));
}

HopGuess guess_hops(uint8_t ttl) {
  for (const unsigned start : {32U, 64U, 128U}) {
    if (ttl <= start) return {.hops = start - ttl, .assumed_start = start};
  }
  return {.hops = 255U - ttl, .assumed_start = 255};
}

}  // namespace tcpdx::probe
