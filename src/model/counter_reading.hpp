// The counters of one network namespace at one moment, and what two such moments tell.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "model/counters.hpp"

namespace tcpdx {

struct CounterReading {
  uint64_t netns = 0;  // inode number of its nsfs file
  std::string name;    // as in /run/netns; empty: nameless
  WallTime wall{};
  Duration at{};  // of a clock that never jumps, from the beginning of the watch
  // As Counters documents; in the initial namespace also "softnet.processed", "softnet.dropped" and
  // "softnet.squeezed", which are of the whole machine.
  Counters counters;
  // Limits of the whole machine; known in the initial namespace only.
  std::optional<uint64_t> memory_limit;  // tcp_mem[2], pages
  std::optional<uint64_t> orphan_limit;  // tcp_max_orphans
};

// Two readings of one namespace.
struct CounterInterval {
  const CounterReading* before = nullptr;
  const CounterReading* now = nullptr;

  double length() const { return seconds(now->at - before->at); }
  // Nothing where one of the readings lacks the counter, or where it went down: then the counter
  // is another one than before, and the difference would be a lie.
  std::optional<uint64_t> rise(std::string_view counter) const;
};

// The namespaces of `now` that `before` has too, in the order of `now`. Points into both.
std::vector<CounterInterval> intervals_between(std::span<const CounterReading> before,
                                               std::span<const CounterReading> now);

}  // namespace tcpdx
