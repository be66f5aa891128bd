// Holds what the tracker says of a simulated connection against what truly happened.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "model/connection.hpp"
#include "sim/recording.hpp"
#include "track/tracker.hpp"

namespace tcpdx::truth {

// What the tracker made of all that was seen from one place. Frame n is glimpse n - 1.
struct Tracked {
  std::vector<sim::Glimpse> glimpses;
  std::vector<Connection> connections;
  track::Totals totals;
};
Tracked track_from(const sim::Recording& recording, sim::Vantage vantage,
                   const track::Options& options = {});

// How many states were right, and what was wrong, in words.
struct Score {
  uint64_t moments = 0;  // a segment seen and an end that was compared
  uint64_t right = 0;
  uint64_t undecidable = 0;  // no packet tells these states apart: docs/deviations.md
  uint64_t unknown = 0;      // nothing was claimed: the end had not said anything yet
  uint64_t proofs = 0;       // changes marked `seen`
  std::vector<std::string> wrong_proofs;
  std::optional<std::string> first_wrong;

  Score& operator+=(const Score& other);
};

// At an end: each moment of that end, and each of its proofs. In the middle: proofs alone.
Score compare(const sim::Recording& recording, const Tracked& tracked, sim::Vantage vantage);

// One line for each segment that was seen: true states and those that were tracked.
std::string ladder(const sim::Recording& recording, const Tracked& tracked);

}  // namespace tcpdx::truth
