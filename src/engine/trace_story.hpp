// Joins the kernel's events to the story of each socket: whose it is, what was missed, how long its
// handshake took, how it ended. Sockets are known by their cookie.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "host/event_record.hpp"
#include "model/observation.hpp"
#include "model/trace.hpp"

namespace tcpdx::engine {

using Nanoseconds = std::chrono::nanoseconds;  // CLOCK_MONOTONIC

// One end's addresses in a namespace; those of all namespaces stand together.
struct Tuple {
  SocketAddress local;
  SocketAddress remote;
  uint64_t netns = 0;

  auto operator<=>(const Tuple&) const = default;
};

class TraceStory {
 public:
  static constexpr size_t kMostKnown = 1'000'000;  // sockets; more are told without their past

  struct Sink {
    std::function<void(TraceEvent&&)> event;
    std::function<void(TraceLife&&)> life;
  };

  // `wall_at_zero`: the wall clock when CLOCK_MONOTONIC was zero.
  TraceStory(WallTime wall_at_zero, Sink sink) : zero_(wall_at_zero), sink_(std::move(sink)) {}

  void set_names(std::map<uint64_t, std::string> names) { names_ = std::move(names); }
  // What is there already, as of a look that ended at `at`.
  void seed(const Observation& seen, const Look& look, Nanoseconds at);

  // Each event twice: first as soon as it is read, so that what it tells of its process is known
  // when earlier events are told; then, in the order of time, to be told.
  void learn(const host::KernelEvent& event);
  void tell(const host::KernelEvent& event, const std::string& reason);

  // Tells something that was not seen as an event; the owner is added.
  void tell_joined(TraceEvent event, Nanoseconds at);

  // Forgets sockets that ended before `before`.
  void forget(Nanoseconds before);

  bool knows(uint64_t cookie) const { return known_.contains(cookie); }
  bool has_port(uint64_t cookie) const;
  WallTime wall(Nanoseconds at) const { return zero_ + std::chrono::floor<Duration>(at); }

 private:
  struct Known {
    tcp::State state = tcp::State::closed;
    Opened opened = Opened::unknown;
    ClosedBy closed = ClosedBy::unknown;
    bool state_known = false;
    uint16_t local_port = 0;
    uint32_t pid = 0;  // of its process; 0: not known
    std::array<char, 16> comm{};
    Nanoseconds began{};    // SYN sent, or the handshake of an incoming connection complete
    Nanoseconds seen_at{};  // of a look: earlier events are older than `state`
  };
  struct Listener {
    uint64_t cookie = 0;
    IpAddress addr;
    std::vector<TraceOwner> owners;
  };

  static void set_owner(Known& known, uint32_t pid, std::string_view comm);
  static std::optional<TraceOwner> owner_of(const Known& known);

  Known* entry(uint64_t cookie);
  void listens(const host::KernelEvent& event, const Known& known);
  void find_owner(const Known* known, TraceSubject& who) const;
  TraceEvent event_of(const host::KernelEvent& event, const Known* known) const;
  void bridge(const host::KernelEvent& event, const Known& known);
  void tell_state(const host::KernelEvent& event, Known* known);
  void tell_life(const host::KernelEvent& event, const Known& known);

  WallTime zero_;
  Sink sink_;
  std::map<uint64_t, std::string> names_;
  std::unordered_map<uint64_t, Known> known_;
  std::map<std::pair<uint64_t, uint16_t>, std::vector<Listener>> listeners_;  // netns, port
  std::deque<std::pair<Nanoseconds, uint64_t>> ended_;
};

}  // namespace tcpdx::engine
