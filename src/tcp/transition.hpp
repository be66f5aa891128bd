// The complete transition table of RFC 9293: where each event takes each state, and for every pair
// that moves nothing, why. Figure 5 is only a summary of it; section 3.10 is the specification.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "tcp/event.hpp"
#include "tcp/state.hpp"

namespace tcpdx::tcp {

struct Transition {
  State from{};
  Event on{};
  State to{};
  std::string_view rfc9293;  // section
  std::string_view note;
};

// A written decision that nothing moves.
struct Stay {
  std::string_view rfc9293;
  std::string_view reason;
};

std::span<const Transition> transitions();

// Null where the event does not move the state; then stay() says why.
const Transition* transition(State from, Event on);
// The reason for which the state stays; nothing exactly where transition() finds a row.
std::optional<Stay> stay(State from, Event on);

std::vector<Transition> ways_into(State state);
std::vector<Transition> ways_out_of(State state);

}  // namespace tcpdx::tcp
