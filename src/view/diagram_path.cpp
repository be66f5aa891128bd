// Paths through the diagram: the usual lives of client and server, walked event by event through
// the table, and the shortest ways into and out of a state.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>

#include "base/text.hpp"
#include "tcp/event.hpp"
#include "view/diagram.hpp"

namespace tcpdx::view {
namespace {

using tcp::Event;
using tcp::State;

// RFC 9293 Figures 6 and 12: the end that calls also closes first.
constexpr std::array kClientLife{Event::active_open, Event::syn_ack, Event::close,
                                 Event::ack_of_fin,  Event::fin,     Event::time_wait_timeout};
constexpr std::array kServerLife{Event::passive_open, Event::syn,   Event::ack_of_syn,
                                 Event::fin,          Event::close, Event::ack_of_fin};

std::vector<Step> life(std::span<const Event> events) {
  std::vector<Step> steps;
  State state = State::closed;
  for (const Event event : events) {
    const tcp::Transition* const move = tcp::transition(state, event);
    if (move == nullptr) break;
    steps.push_back({steps.size() + 1, move->from, move->to,
                     one_line(EdgeLabel{{tcp::to_string(event)}, action_of(*move)})});
    state = move->to;
  }
  return steps;
}

constexpr size_t kUnreached = std::numeric_limits<size_t>::max();
using Distances = std::array<size_t, tcp::kStates.size()>;

// Steps from `start` to each state; `start` itself is reached by coming back.
Distances distances_from(State start, std::span<const Edge> edges) {
  Distances distance;
  distance.fill(kUnreached);
  std::vector<State> reached{start};
  for (size_t steps = 1; !reached.empty(); ++steps) {
    std::vector<State> next;
    for (const Edge& edge : edges) {
      if (std::ranges::find(reached, edge.from) == reached.end()) continue;
      size_t& known = distance.at(static_cast<size_t>(edge.to));
      if (known != kUnreached) continue;
      known = steps;
      next.push_back(edge.to);
    }
    reached = std::move(next);
  }
  return distance;
}

// Every edge of every shortest way, the first steps first.
std::vector<Step> shortest_ways(State from, State to, std::span<const Edge> edges) {
  const Distances distance = distances_from(from, edges);
  std::vector<Step> steps;
  std::vector<State> wanted{to};
  for (size_t number = distance.at(static_cast<size_t>(to)); number > 0; --number) {
    std::vector<State> before;
    for (const Edge& edge : edges) {
      const bool arrives = std::ranges::find(wanted, edge.to) != wanted.end();
      const bool begins = number == 1 ? edge.from == from
                                      : distance.at(static_cast<size_t>(edge.from)) == number - 1;
      if (!arrives || !begins) continue;
      steps.push_back({number, edge.from, edge.to, one_line(edge)});
      if (std::ranges::find(before, edge.from) == before.end()) before.push_back(edge.from);
    }
    wanted = std::move(before);
  }
  std::ranges::sort(steps, {},
                    [](const Step& step) { return std::tuple(step.number, step.from, step.to); });
  return steps;
}

Path ways_of(State state) {
  std::vector<Edge> usual = edges_of(tcp::transitions());
  std::erase_if(usual, [](const Edge& edge) { return edge.kind != MoveKind::usual; });
  const std::string_view name = tcp::to_string(state);
  if (state == State::closed) {
    return {{"the shortest ways out of CLOSED and back", shortest_ways(state, state, usual)}};
  }
  return {
      {fmt::format("the shortest ways into {}", name), shortest_ways(State::closed, state, usual)},
      {fmt::format("the shortest ways from {} to CLOSED", name),
       shortest_ways(state, State::closed, usual)}};
}

}  // namespace

std::optional<Path> find_path(std::string_view name) {
  if (lower(name) == "client") {
    return Path{{"a client that closes first", life(kClientLife)}};
  }
  if (lower(name) == "server") {
    return Path{{"a server whose client closes first", life(kServerLife)}};
  }
  const auto state = tcp::parse_state(name);
  if (!state) return std::nullopt;
  return ways_of(*state);
}

bool is_on(const Path& path, const Edge& edge) {
  if (edge.kind != MoveKind::usual) return false;
  return std::ranges::any_of(path, [&](const PathPart& part) {
    return std::ranges::any_of(
        part.steps, [&](const Step& step) { return step.from == edge.from && step.to == edge.to; });
  });
}

bool is_on(const Path& path, State state) {
  return std::ranges::any_of(path, [&](const PathPart& part) {
    return std::ranges::any_of(
        part.steps, [&](const Step& step) { return step.from == state || step.to == state; });
  });
}

}  // namespace tcpdx::view
