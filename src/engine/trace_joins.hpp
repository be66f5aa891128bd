// The steps of a connection that the kernel has no event for, worked out from looks: entries in
// TIME-WAIT, requests in SYN-RECEIVED, accept queues that overflow, windows that close,
// retransmissions that were not needed.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <unordered_map>
#include <vector>

#include "engine/trace_story.hpp"
#include "host/event_record.hpp"
#include "host/lookups.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

// The state of a socket or its entry: CLOSED when it is gone, nothing when it cannot be told.
using AskSocket = std::function<std::optional<tcp::State>(const host::SocketName&)>;
using TellJoined = std::function<void(TraceEvent&&, Nanoseconds at)>;

// An event of a socket that no longer has one to report it.
TraceEvent joined_state(const host::SocketName& name, tcp::State from, tcp::State to);

// Closed sockets whose connection goes on as an entry of the kernel: in FIN-WAIT-2 until the peer's
// FIN, and in TIME-WAIT for a minute.
class TimeWaits {
 public:
  static constexpr size_t kMostFollowed = 50'000;
  static constexpr size_t kMostAsked = 64;                   // questions to the kernel per round
  static constexpr auto kLength = std::chrono::seconds(60);  // TCP_TIMEWAIT_LEN

  explicit TimeWaits(TellJoined tell) : tell_(std::move(tell)) {}

  // Every change of state, in the order of time.
  void see(const host::KernelEvent& event);
  // Now and then.
  void look(Nanoseconds now, const AskSocket& ask);

  uint64_t not_followed() const { return not_followed_; }

 private:
  struct Entry {
    uint64_t cookie = 0;
    Nanoseconds since{};
    bool waits_for_fin = false;  // FIN-WAIT-2
  };
  using Entries = std::map<Tuple, Entry>;

  void begin(const host::KernelEvent& event);
  void peer_is_done(const host::KernelEvent& peer);
  void to_time_wait(const Tuple& tuple, Entry& entry, Nanoseconds at);
  void end(Entries::iterator entry, Nanoseconds at);

  TellJoined tell_;
  Entries entries_;
  std::deque<std::pair<Nanoseconds, Tuple>> due_;  // when TIME-WAIT ends
  std::deque<Tuple> for_fin_;                      // in FIN-WAIT-2, asked in turn
  uint64_t not_followed_ = 0;
};

// Handshakes that do not come to their end: told once they were seen in two looks, or when their
// SYN-ACK went out again.
class HalfOpens {
 public:
  static constexpr size_t kMostFollowed = 10'000;

  explicit HalfOpens(TellJoined tell) : tell_(std::move(tell)) {}

  void see(const host::KernelEvent& event);
  // All that are in SYN-RECEIVED at `now`.
  void look(const std::vector<host::SocketName>& all, Nanoseconds now);

 private:
  struct Entry {
    host::SocketName name;
    bool told = false;
    uint64_t round = 0;
  };

  void tell_begin(Entry& entry, Nanoseconds at);

  TellJoined tell_;
  std::unordered_map<uint64_t, Entry> entries_;  // by cookie
  uint64_t round_ = 0;
};

// Windows that are closed: told once for each time.
class ZeroWindows {
 public:
  explicit ZeroWindows(TellJoined tell) : tell_(std::move(tell)) {}

  // Between begin() and end() every socket with its TCP_INFO.
  void begin() { ++round_; }
  void see(uint64_t netns, const host::DiagMessage& message, Nanoseconds now);
  void end();
  bool none() const { return closed_.empty(); }

 private:
  TellJoined tell_;
  std::unordered_map<uint64_t, uint64_t> closed_;  // cookie: the round it was last seen in
  uint64_t round_ = 0;
};

// Retransmissions of which the peer says that it had the segment already.
class Spurious {
 public:
  static constexpr size_t kMostFollowed = 1024;
  static constexpr auto kPatience = std::chrono::seconds(2);

  explicit Spurious(TellJoined tell) : tell_(std::move(tell)) {}

  void see(const host::KernelEvent& event);
  void look(Nanoseconds now,
            const std::function<std::optional<host::DiagMessage>(const host::SocketName&)>& find);

 private:
  struct Entry {
    host::SocketName name;
    uint32_t dsack_dups = 0;
    Nanoseconds last{};
  };

  TellJoined tell_;
  std::unordered_map<uint64_t, Entry> entries_;
};

// What the difference of two samples tells of listeners: connections that were refused since the
// accept queue was full.
std::vector<TraceEvent> accept_drops(const Observation& seen, const Sample& before,
                                     const Sample& after);

// By how much a counter of any namespace rose between two samples.
uint64_t rise(const Sample& before, const Sample& after, std::string_view counter);

}  // namespace tcpdx::engine
