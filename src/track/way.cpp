// Ways through RFC 9293's transition table.
#include <array>
#include <cstddef>

#include "tcp/transition.hpp"
#include "track/machine.hpp"

namespace tcpdx::track {
namespace {

using tcp::Event;
using tcp::State;

constexpr size_t kCount = tcp::kStates.size();
constexpr size_t number(State state) { return static_cast<size_t>(state); }

// What an ordinary connection meets, in the order in which a way is preferred: a segment that
// acknowledges our FIN and has one of its own does the former first (RFC 9293 3.10.7.4).
constexpr std::array kOrdinary{
    Event::passive_open,      Event::active_open, Event::syn,   Event::syn_ack, Event::ack_of_syn,
    Event::ack_of_fin,        Event::fin,         Event::close, Event::rst,     Event::abort,
    Event::time_wait_timeout,
};

using Ways = std::array<std::array<std::optional<State>, kCount>, kCount>;

// Breadth first from each state; a state reached stays reached by its first, shortest way.
void find_ways(State from, std::array<std::optional<State>, kCount>& first_step) {
  std::array<State, kCount> queue{from};
  size_t filled = 1;
  for (size_t at = 0; at < filled; ++at) {
    for (const Event event : kOrdinary) {
      const tcp::Transition* row = tcp::transition(queue[at], event);
      if (row == nullptr || row->to == from || first_step[number(row->to)]) continue;
      first_step[number(row->to)] = queue[at] == from ? row->to : first_step[number(queue[at])];
      queue[filled++] = row->to;
    }
  }
}

Ways all_ways() {
  Ways ways{};
  for (const State from : tcp::kStates) find_ways(from, ways[number(from)]);
  return ways;
}

}  // namespace

std::optional<State> next_on_way(State from, State to) {
  static const Ways kWays = all_ways();
  return kWays[number(from)][number(to)];
}

}  // namespace tcpdx::track
