// What a live capture came to: how many packets and connections, in which states, what is still
// open, what the kernel dropped.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <ostream>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// Besides the connections.
struct CaptureTotals {
  uint64_t frames = 0;
  uint64_t segments = 0;
  uint64_t repeats = 0;  // segments that passed several interfaces, shown once
  Duration duration{};
  uint64_t dropped_half_open = 0;  // connections forgotten for lack of memory
  // By the kernel: what passed its filter, what found no room, what the device dropped.
  uint64_t received = 0;
  uint64_t dropped = 0;
  uint64_t dropped_by_interface = 0;
};

// Takes each connection once; keeps the number of each pair of states, and the first open ones.
class CaptureEnd {
 public:
  void add(const Connection& connection);
  void write(std::ostream& out, const Style& style, const CaptureTotals& totals) const;
  // One line: docs/json.md, `tcpdx capture --json`.
  void write_json(std::ostream& out, const CaptureTotals& totals) const;

 private:
  using State = std::optional<tcp::State>;
  struct Open {
    SocketAddress originator;
    SocketAddress responder;
    std::array<State, 2> states;
    std::array<Certainty, 2> certainties{};
    Duration observed{};
  };

  uint64_t connections_ = 0;
  uint64_t open_count_ = 0;
  std::map<std::pair<State, State>, uint64_t> pairs_;
  std::vector<Open> open_;
};

}  // namespace tcpdx::view
