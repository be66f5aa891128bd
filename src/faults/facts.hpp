// What every fault asks of an Observation, worked out once: sockets by state, what belongs
// together over time, rates per window, how long a connection has been in its state.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.hpp"
#include "model/observation.hpp"
#include "tcp/state.hpp"

namespace tcpdx::faults {

// Rates are judged in windows of this length; three of them in a row make a thing "sustained".
inline constexpr Duration kWindow = 10s;
inline constexpr size_t kSustainedWindows = 3;

// A lower bound of a time, and what proves it.
struct Age {
  Duration at_least{};
  std::string_view source = "no bound known";
};

// A listening socket with what waits behind it.
struct Listener {
  const Socket* socket = nullptr;
  std::vector<const ListenerSample*> samples;  // over the window, in time order
  std::vector<const Socket*> waiting;          // handshake complete, not accepted: inode 0
  std::vector<const Socket*> half_open;        // SYN-RECEIVED
  uint32_t least_queued = 0;                   // of all samples: a stuck queue is never short
  // SO_REUSEPORT: listeners on this address. The one that drains least has `waiting` and
  // `half_open` of the whole group.
  size_t group = 1;
  // Its owners that accept, as far as can be told: a master or a supervisor that only passes the
  // socket on is left out. Indices into Observation::processes.
  std::vector<uint32_t> acceptors = {};
};

// Counts of one counter in the windows of an observation; a counter that went down is unknown.
using Rises = std::vector<std::optional<uint64_t>>;

class Facts {
 public:
  explicit Facts(const Observation& observation);

  const Observation& seen;
  const Look& now;
  const Look* before;  // the first look, or null when there is only one

  const std::vector<const Socket*>& in(tcp::State state) const;
  const std::vector<Listener>& listeners() const { return listeners_; }

  // Fewer than three windows: nothing can be called sustained.
  bool is_short() const { return windows_ < kSustainedWindows; }
  size_t windows() const { return windows_; }

  // The same socket in the first look, in whatever state it was.
  const Socket* earlier(const Socket& socket) const;
  // Sockets of the first look that are in `state` there; empty without a first look.
  std::vector<const Socket*> earlier_in(tcp::State state) const;
  // The other end of a connection when it is on this machine: in the same namespace, or in another
  // when only one connection of the machine has these four numbers.
  const Socket* other_end(const Socket& socket) const;
  // Whether a call from the namespace with inode `from` to `destination` ends at this listener.
  bool reaches(uint64_t from, const SocketAddress& destination, const Listener& listener) const;

  // The look that a socket belongs to: its indices point into that look's tables.
  const Look& look_of(const Socket& socket) const;
  const TcpInfo* info(const Socket& socket) const { return info_of(look_of(socket), socket); }
  // A field of TCP_INFO, if the socket has it.
  std::optional<uint64_t> known(const Socket& socket, std::string_view field) const;
  // The first owner, of a LISTEN socket the first that accepts; null when it has none or none
  // could be seen.
  const Process* owner(const Socket& socket) const;
  uint32_t owner_index(const Socket& socket) const;  // into seen.processes, or kNoIndex

  // How long the socket has been in its present state, at least.
  Age age(const Socket& socket) const;

  // What happened within the window, in time order; nothing where the kernel's events could not be
  // followed. Of each kind only the first EventLog::kMostKept are there, count_of() knows them all.
  bool watched() const { return seen.events.watched; }
  const std::vector<const TcpEvent*>& events(EventKind kind) const;
  uint64_t count_of(EventKind kind) const;
  // The kernel's name of the reason ("TCP_ABORT_ON_CLOSE"), empty where it gave none.
  std::string_view reason(const TcpEvent& event) const;
  const Process* process(const TcpEvent& event) const;  // null: not known

  // Rise of a counter over the whole observation, and in each window.
  std::optional<uint64_t> rise(size_t netns, std::string_view counter) const;
  Rises rises(size_t netns, std::string_view counter) const {
    return rises(netns, counter, windows_);
  }
  Rises rises(size_t netns, std::string_view counter, size_t parts) const;  // of equal length
  std::optional<uint64_t> counter(size_t netns, std::string_view name) const;
  std::optional<uint64_t> sysctl(size_t netns, std::string_view name, size_t number = 0) const;

 private:
  void index_states();
  void index_earlier();
  void index_listeners();
  void attach_samples();
  void attach_children();
  void find_acceptors();
  const Listener* listener_of(const Socket& listening) const;
  Listener* listener_for(const Socket& child);
  std::optional<uint64_t> rise_between(size_t netns, std::string_view counter, Duration from,
                                       Duration to) const;

  size_t windows_ = 0;
  std::array<std::vector<const Socket*>, tcp::kStates.size()> by_state_;
  std::array<std::vector<const TcpEvent*>, kEventKinds> by_kind_;
  std::vector<const Socket*> earlier_;   // of the first look, sorted by identity
  std::vector<const Socket*> by_tuple_;  // of the last look, sorted by its four numbers
  std::vector<Listener> listeners_;      // as in(listen), by their place in memory
  std::multimap<std::pair<uint16_t, uint16_t>, size_t> listeners_by_port_;  // (netns, port)
};

}  // namespace tcpdx::faults
