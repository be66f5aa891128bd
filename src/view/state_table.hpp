// How many connections are in each state, whole or by what they have in common.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/observation.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

enum class GroupBy : uint8_t { process, port, peer, netns, cgroup };

// "process", "port" ...; nothing for another word.
std::optional<GroupBy> parse_group_by(std::string_view word);

// A number for each state of tcp::kStates, in that order.
using StateNumbers = std::array<uint64_t, tcp::kStates.size()>;

struct StateGroup {
  std::string key;
  std::optional<uint32_t> pid;      // GroupBy::process
  std::optional<std::string> comm;  // GroupBy::process
  StateNumbers states{};
};

struct StateCount {
  StateNumbers states{};
  std::optional<GroupBy> by;
  std::vector<StateGroup> groups;  // the greatest total first
};

uint64_t total(const StateNumbers& states);

// Counts the given sockets of the last look.
// process: a socket that several programs hold counts for each of them; sockets without a program
// are under a key that says why. port: the local port if a socket listens on it in that namespace,
// else the remote one. peer: the remote address. cgroup: of each program that holds the socket.
StateCount count_states(const Observation& observation, std::span<const uint32_t> shown,
                        std::optional<GroupBy> by);

void write_state_table(std::ostream& out, const Style& style, const StateCount& count);
void write_states_json(std::ostream& out, const Observation& observation, const StateCount& count);

}  // namespace tcpdx::view
