// One run of two random users over a bad network, and what must hold of it whatever happens.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "sim/recording.hpp"

namespace tcpdx::sim {

enum class Opening : uint8_t { listener, simultaneous };
enum class Ending : uint8_t { in_order, abort };  // what the client does when it has sent all

// Everything that a run depends on, so that it can be written as one line and simplified.
struct Experiment {
  uint64_t seed = 1;
  uint32_t client_octets = 0;
  uint32_t server_octets = 0;
  uint32_t loss = 0;  // probabilities in percent
  uint32_t duplication = 0;
  uint32_t reordering = 0;
  uint32_t corruption = 0;
  uint32_t delay_us = 1000;
  uint32_t rate = 0;           // octets per second; 0: no limit
  uint32_t read_pause_us = 0;  // how long the readers rest between two reads
  uint32_t buffer = 131072;
  uint32_t cut_ms = 0;  // how long the path is cut, from 50 ms on
  uint64_t faults_until = UINT64_MAX;
  Opening opening{};
  Ending ending{};

  bool operator==(const Experiment&) const = default;
};

// Where a test breaks the machinery on purpose, to see that the checks notice.
enum class Sabotage : uint8_t {
  none,
  octet_changed,  // a user's octet is not what its place says
  fin_forgotten,  // a user never closes
};

Experiment draw_experiment(uint64_t seed);
// What is wrong, in words; nothing where all holds.
std::optional<std::string> violation(const Experiment& experiment,
                                     Sabotage sabotage = Sabotage::none);
// What happens in it, to its end.
Recording recording_of(const Experiment& experiment);
// A simpler experiment that fails too: fewer faults, fewer octets.
Experiment shrink(Experiment failing, Sabotage sabotage = Sabotage::none);

// "seed=5 loss=10 ...", without what is at its default.
std::string to_string(const Experiment& experiment);
std::optional<Experiment> parse_experiment(std::string_view line);

}  // namespace tcpdx::sim
