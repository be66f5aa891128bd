// Counts connections by state and by what they have in common.
#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <tuple>
#include <unordered_map>
#include <utility>

#include "view/listeners.hpp"
#include "view/state_table.hpp"

namespace tcpdx::view {
namespace {

constexpr std::array<std::pair<std::string_view, GroupBy>, 5> kGroupWords{{
    {"process", GroupBy::process},
    {"port", GroupBy::port},
    {"peer", GroupBy::peer},
    {"netns", GroupBy::netns},
    {"cgroup", GroupBy::cgroup},
}};

size_t place(tcp::State state) {
  return static_cast<size_t>(std::ranges::find(tcp::kStates, state) - tcp::kStates.begin());
}

// Groups in the making, found by their key.
class Groups {
 public:
  StateGroup& of(std::string key) {
    const auto [found, added] = index_.try_emplace(std::move(key), groups_.size());
    if (added) groups_.emplace_back().key = found->first;
    return groups_[found->second];
  }
  std::vector<StateGroup> take() && { return std::move(groups_); }

 private:
  std::unordered_map<std::string, size_t> index_;
  std::vector<StateGroup> groups_;
};

struct Source {
  const Observation& observation;
  const Look& look;
  const Listeners& listeners;
};

// Why a socket has no program: the three meanings of inode 0, and an owner that was not seen.
std::string_view without_program(const Socket& socket) {
  if (socket.inode != 0) return "(owner not seen)";
  if (socket.state == tcp::State::syn_received) return "(handshake not finished)";
  if (waits_for_accept(socket)) return "(not accepted yet)";
  return "(closed by its program)";
}

// The processes that hold the socket, each once.
std::vector<const Process*> processes_of(const Source& source, const Socket& socket) {
  std::vector<const Process*> found;
  for (const Owner& owner : owners_of(source.look, socket)) {
    const Process* process = &source.observation.processes[owner.process];
    if (std::ranges::find(found, process) == found.end()) found.push_back(process);
  }
  return found;
}

void add_by_process(const Source& source, const Socket& socket, Groups& groups) {
  const auto processes = processes_of(source, socket);
  for (const Process* process : processes) {
    StateGroup& group = groups.of(describe(*process));
    group.pid = process->pid;
    group.comm = process->comm;
    ++group.states[place(socket.state)];
  }
  if (processes.empty()) {
    ++groups.of(std::string(without_program(socket))).states[place(socket.state)];
  }
}

void add_by_cgroup(const Source& source, const Socket& socket, Groups& groups) {
  std::vector<std::string_view> seen;
  for (const Process* process : processes_of(source, socket)) {
    std::string_view path = process->cgroup;
    if (path.empty()) path = "(cgroup not seen)";
    if (std::ranges::find(seen, path) != seen.end()) continue;
    seen.push_back(path);
    ++groups.of(std::string(path)).states[place(socket.state)];
  }
  if (seen.empty()) {
    ++groups.of(std::string(without_program(socket))).states[place(socket.state)];
  }
}

std::string port_key(const Source& source, const Socket& socket) {
  const bool served = source.listeners.on_port(socket.netns, socket.local.port);
  return fmt::to_string(served ? socket.local.port : socket.remote.port);
}

std::string peer_key(const Socket& socket) {
  if (socket.state == tcp::State::listen) return "(listening)";
  return to_string(socket.remote.addr.unmapped());
}

std::string netns_key(const Source& source, const Socket& socket) {
  const Namespace& ns = source.observation.namespaces[socket.netns];
  return ns.name.empty() ? fmt::to_string(ns.inode) : ns.name;
}

void add(const Source& source, const Socket& socket, GroupBy by, Groups& groups) {
  const size_t state = place(socket.state);
  switch (by) {
    case GroupBy::process: return add_by_process(source, socket, groups);
    case GroupBy::cgroup: return add_by_cgroup(source, socket, groups);
    case GroupBy::port: ++groups.of(port_key(source, socket)).states[state]; return;
    case GroupBy::peer: ++groups.of(peer_key(socket)).states[state]; return;
    case GroupBy::netns: ++groups.of(netns_key(source, socket)).states[state]; return;
  }
  std::unreachable();
}

}  // namespace

std::optional<GroupBy> parse_group_by(std::string_view word) {
  const auto* const found =
      std::ranges::find(kGroupWords, word, [](auto& row) { return row.first; });
  if (found == kGroupWords.end()) return std::nullopt;
  return found->second;
}

uint64_t total(const StateNumbers& states) {
  return std::accumulate(states.begin(), states.end(), uint64_t{0});
}

StateCount count_states(const Observation& observation, std::span<const uint32_t> shown,
                        std::optional<GroupBy> by) {
  const Look& look = observation.now();
  const Listeners listeners(look);
  const Source source{observation, look, listeners};
  StateCount count;
  count.by = by;
  Groups groups;
  for (const uint32_t index : shown) {
    const Socket& socket = look.sockets[index];
    ++count.states[place(socket.state)];
    if (by) add(source, socket, *by, groups);
  }
  count.groups = std::move(groups).take();
  std::ranges::sort(count.groups, [](const StateGroup& a, const StateGroup& b) {
    return std::tuple(total(b.states), std::string_view(a.key)) <
           std::tuple(total(a.states), std::string_view(b.key));
  });
  return count;
}

}  // namespace tcpdx::view
