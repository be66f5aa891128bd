// Differences of counters.
#include "model/counter_reading.hpp"

#include <algorithm>

namespace tcpdx {

std::optional<uint64_t> CounterInterval::rise(std::string_view counter) const {
  const auto then = before->counters.get(counter);
  const auto value = now->counters.get(counter);
  if (!then || !value || *value < *then) return std::nullopt;
  return *value - *then;
}

std::vector<CounterInterval> intervals_between(std::span<const CounterReading> before,
                                               std::span<const CounterReading> now) {
  std::vector<CounterInterval> intervals;
  for (const CounterReading& reading : now) {
    const auto was = std::ranges::find(before, reading.netns, &CounterReading::netns);
    // Two readings without time between them have no rate.
    if (was == before.end() || reading.at <= was->at) continue;
    intervals.push_back({&*was, &reading});
  }
  return intervals;
}

}  // namespace tcpdx
