// What `trace` tells: events with the program behind them, and the lives of connections.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "model/event.hpp"
#include "tcp/state.hpp"

namespace tcpdx {

struct Filter;

struct TraceOwner {
  uint32_t pid = 0;
  std::string comm;  // any bytes but NUL: never show it without printable()
  std::optional<int32_t> fd;

  bool operator==(const TraceOwner&) const = default;
};

// The parts that events and lives have in common.
struct TraceSubject {
  SocketAddress local;
  SocketAddress remote;
  uint64_t cookie = 0;          // 0: no socket
  uint64_t netns = 0;           // inode number; 0: not known
  std::string netns_name;       // as in /run/netns
  std::optional<uint32_t> uid;  // of the socket
  std::optional<TraceOwner> owner;
  // Nobody has used the socket yet: the owner is that of its listener.
  bool owner_listens = false;
};

struct TraceEvent {
  WallTime at{};
  EventKind kind = EventKind::state;
  RetransmitKind retransmit = RetransmitKind::none;
  tcp::State from = tcp::State::closed;  // as in TcpEvent
  tcp::State to = tcp::State::closed;
  TraceSubject who;
  std::string reason;  // drop, reset_sent: the kernel's; zero_window: "local", "remote"
  int32_t error = 0;   // errno: connect, bind_failed, state to CLOSED
  std::optional<Duration> duration;  // connect: since the SYN
  uint32_t count = 1;                // what a counter tells may have happened several times
  bool joined = false;               // not seen itself: from looks and counters
};

enum class ClosedBy : uint8_t { unknown, local, remote, both, local_reset, remote_reset, error };
std::string_view to_string(ClosedBy closed);  // "local-reset"
enum class Opened : uint8_t { unknown, active, passive };
std::string_view to_string(Opened opened);

// A connection that has ended.
struct TraceLife {
  WallTime at{};                     // its end
  std::optional<Duration> duration;  // nothing: it is older than the trace
  TraceSubject who;
  Opened opened = Opened::unknown;
  ClosedBy closed_by = ClosedBy::unknown;
  tcp::State last = tcp::State::closed;  // before CLOSED
  int32_t error = 0;                     // errno of the socket
  uint64_t bytes_sent = 0;               // without repeats
  uint64_t bytes_received = 0;
  uint32_t retransmits = 0;
  std::optional<Duration> rtt;  // smoothed
};

// `state` asks for either state of a change. What is not known matches no test.
bool matches(const Filter& filter, const TraceEvent& event);
bool matches(const Filter& filter, const TraceLife& life);
// An error for a word that events do not answer: cgroup.
Result<void> check_for_events(const Filter& filter);

// What every event that matches has: one of these ports at an end, an address of one of these nets,
// one of these namespaces. Nothing: it may have any.
struct EventBounds {
  struct Net {
    IpAddress address;
    unsigned bits = 0;
  };
  std::vector<uint16_t> ports;
  std::vector<Net> nets;
};
EventBounds bounds_of(const Filter& filter, size_t most_ports, size_t most_nets);

}  // namespace tcpdx
