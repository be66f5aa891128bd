// Resets of live connections, as the kernel's events tell them, by the program that sent or got
// them.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>
#include <vector>

#include "faults/facts.hpp"
#include "model/finding.hpp"

namespace tcpdx::faults {

// Resets of one kind that one program sent or got.
struct Resets {
  uint16_t netns = 0;
  uint32_t process = kNoIndex;  // index into Observation::processes; kNoIndex: not known
  std::vector<const TcpEvent*> events;
  // Connections opened in that namespace within the window, both ways: about as many were closed.
  // Those of one program cannot be told apart, so a share of them is never too high.
  uint64_t opened = 0;

  double share() const;
};

// Of the events that `wanted` takes, grouped; the most first.
std::vector<Resets> resets_of(const Facts& facts, EventKind kind,
                              const std::function<bool(const TcpEvent&)>& wanted);

// Connections opened in the namespace within the window, both ways.
uint64_t opened_in(const Facts& facts, size_t netns);

// The one local port of all of them, if a program listens on it.
std::optional<SocketAddress> service_of(const Facts& facts, const Resets& resets);

// Subject, and "billing-api (pid 2210) on port 80 in namespace blue".
void set_subject(const Facts& facts, const Resets& resets, Finding& finding);
std::string who(const Facts& facts, const Resets& resets);

}  // namespace tcpdx::faults
