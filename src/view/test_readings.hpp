// Readings for the tests of rates.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#include "model/counter_reading.hpp"

namespace tcpdx::view {

inline CounterReading reading(uint64_t netns, Duration at,
                              std::initializer_list<std::pair<std::string_view, uint64_t>> values) {
  CounterReading one;
  one.netns = netns;
  one.at = at;
  one.wall = WallTime(1'700'000'000s + at);  // 22:13:20 UTC
  for (const auto& [name, value] : values) one.counters.set(std::string(name), value);
  one.counters.sort();
  return one;
}

}  // namespace tcpdx::view
