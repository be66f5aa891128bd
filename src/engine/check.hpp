// Walks the whole chain of a connection: names, route, neighbour, handshake, the way by this port
// and by echoes, sizes. Steps that need nothing of each other run side by side; a second turn asks
// what the first one leaves open.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "probe/check.hpp"
#include "probe/facts.hpp"

namespace tcpdx::engine {

struct CheckOptions {
  std::string host;
  uint16_t port = 443;
  std::optional<Family> family;
  probe::AskOptions ask;      // source, interface
  Duration timeout = 1200ms;  // for the handshake: two SYNs by then
  std::string send;
  std::string expect;
  std::function<bool()> stop;
};

// A step of the chain, as it went.
struct CheckStep {
  std::string_view step;  // "names", "route", "handshake", "other port", "path by SYN" ...
  std::string result;     // in a few words
  std::vector<probe::Fact> evidence;
  Duration took{};
};

struct CheckReport {
  probe::CheckSigns signs;
  probe::CheckVerdict verdict;
  std::vector<CheckStep> steps;
  Duration took{};
};

CheckReport check(const CheckOptions& options);

}  // namespace tcpdx::engine
