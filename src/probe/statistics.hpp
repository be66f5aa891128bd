// What repeated probes say together: shares with their interval, round-trip times, jitter.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "base/time.hpp"

namespace tcpdx::probe {

// A share of 0 to 1 and the interval that holds the true one with 95 % certainty.
struct Share {
  double value = 0;
  double low = 0;
  double high = 1;
};

// Wilson's score interval (Wilson, Probable Inference, 1927), which stays within 0 and 1 and says
// something even for 0 of 10. Of nothing it says everything: 0 to 1.
Share share_of(uint64_t hits, uint64_t total);

// Of round-trip times. Percentiles are values that occurred (nearest rank); stddev is of the whole
// population, in microseconds.
struct RttSummary {
  uint64_t samples = 0;
  Duration min{};
  Duration median{};
  Duration mean{};
  Duration p95{};
  Duration p99{};
  Duration max{};
  double stddev_us = 0;
};
std::optional<RttSummary> summarize(std::span<const Duration> samples);

// Interarrival jitter (RFC 3550 6.4.1): a running mean of how much one round trip differs from the
// one before. A lost probe leaves nothing to compare the next one with.
class Jitter {
 public:
  void add(Duration rtt);
  void lost() { last_.reset(); }
  // Nothing until two answers came one after the other.
  std::optional<Duration> value() const;

 private:
  std::optional<Duration> last_;
  double jitter_us_ = 0;
  bool known_ = false;
};

// How many routers an answer passed, from its TTL and the nearest usual start value at or above it:
// 32, 64, 128 or 255.
struct HopGuess {
  unsigned hops = 0;
  unsigned assumed_start = 0;
};
HopGuess guess_hops(uint8_t ttl);

}  // namespace tcpdx::probe
