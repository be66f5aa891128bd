// The texts of a fault: what `tcpdx explain FAULT` prints and what its findings are built on.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "tcp/state.hpp"

namespace tcpdx {

// Another fault or a healthy condition that looks the same, and the sign that decides.
struct LookAlike {
  std::string_view what;
  std::string_view decided_by;
};

struct FaultInfo {
  std::string_view id;                 // kebab-case, never reused for another meaning
  std::string_view title;              // one line
  std::span<const tcp::State> states;  // in which connections pile up
  std::string_view signature;          // how it shows itself, and why
  std::span<const LookAlike> look_alikes;
  std::string_view trigger;   // thresholds with their reasons
  std::string_view severity;  // which severity, when
  std::string_view remedy;
  std::string_view avoid;
  std::string_view silent_on;  // healthy conditions in which it must say nothing
  // The kernel counters that it asks for, by the names of Counters. tests/catalogue_test.py holds
  // them against the code; `explain COUNTER` names the faults by them.
  std::span<const std::string_view> counters = {};
  // What the network answers would settle a finding that is not confirmed (doctor --probe).
  bool gains_from_probing = false;
};

}  // namespace tcpdx
