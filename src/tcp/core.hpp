// The inside of an endpoint: its records, their timers and what all parts of the machine share.
// The machine itself is functions on (Core&, Tcb&), a file for each step of RFC 9293 3.10.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "tcp/endpoint.hpp"
#include "tcp/tcb.hpp"

namespace tcpdx::tcp {

// A port that is listened on: either many connections with a queue, as servers have it, or the
// RFC's passive OPEN, where one record waits for its own connection.
struct Listener {
  SocketAddress local;
  std::optional<SocketAddress> remote;  // of a passive OPEN that names it
  uint32_t generation = 0;
  uint32_t record = kNone;  // the record that waits itself; kNone: a queue
  bool open = false;
  uint32_t backlog = 0;
  ConnectionOptions options;  // of the connections
  uint32_t half_open = 0;
  std::deque<uint32_t> waiting;  // slots, oldest first
  ListenerStatus counters;
};

class Core {
 public:
  Core(Settings with, const Secret& secret_key, Sink& to, Time at)
      : settings(std::move(with)), secret(secret_key), sink(to), now(at), start(at) {}

  const Settings settings;
  const Secret secret;
  Sink& sink;
  Time now;
  const Time start;

  // --- Records (core.cpp)
  Tcb& create(const SocketAddress& local, const SocketAddress& remote);
  // Known by its ends from now on: not for records that wait in LISTEN.
  void enter(Tcb& tcb);
  void leave(Tcb& tcb);
  Tcb* find(const SocketAddress& local, const SocketAddress& remote);
  Tcb* find(ConnectionId id);
  Tcb& at(uint32_t slot) { return (*chunks_[slot / kChunk])[slot % kChunk]; }
  // Records that are not CLOSED, those in LISTEN included.
  size_t alive() const;
  // Gives back the records that ended during the call. Every public call ends with it.
  void sweep();
  size_t memory() const;

  // The one door for changes of state: looks up the row, tells the sink, does what belongs to
  // entering the state. False where the table has no row: nothing happens then.
  bool move(Tcb& tcb, Event on);
  // The state is CLOSED: queues and timers go; the record too unless somebody still holds it.
  void retire(Tcb& tcb);
  void notify(Tcb& tcb, Notice notice);

  Transfer& transfer(Tcb& tcb);
  void release_idle(Tcb& tcb);

  // --- Timers (deadlines.cpp)
  // Looks at the record's timers again: call it after any of them was set.
  void schedule(const Tcb& tcb);
  std::optional<Time> next_deadline() const;
  // A record with a timer that is due, taken out of the order; null: none.
  Tcb* next_due();
  void unschedule(Tcb& tcb);

  // --- Listeners (listeners.cpp)
  ListenerId add_listener(Listener listener);
  // With the records that it holds: half-open ones go silently, complete ones are reset
  // (inet_csk_listen_stop).
  void stop_listening(uint32_t slot);
  Listener* find_listener(const SocketAddress& local, const SocketAddress& remote);
  Listener* listener(ListenerId id);
  Listener& listener(uint32_t slot) { return listeners_[slot]; }
  bool listens_exactly(const SocketAddress& local,
                       const std::optional<SocketAddress>& remote) const;
  uint32_t slot_of(const Listener& listener) const;

  // --- Addresses (addresses.cpp)
  // Neither unspecified nor multicast nor broadcast (MUST-46, MUST-57, MUST-63).
  bool is_unicast(const IpAddress& address) const;
  bool is_ours(const IpAddress& address) const;
  std::optional<IpAddress> source_for(const IpAddress& destination) const;
  // The local end of an active OPEN, with what the user left open filled in.
  Result<SocketAddress> choose_ends(const SocketAddress& local, const SocketAddress& remote);
  std::optional<uint16_t> free_port(const SocketAddress& local, const SocketAddress& remote);

  uint32_t now_ms() const { return static_cast<uint32_t>(milliseconds(now)); }
  Duration since_ms(uint32_t then) const { return std::chrono::milliseconds(now_ms() - then); }

  std::vector<std::byte> scratch;  // a text that wraps around in its ring

 private:
  void forget_listener(uint32_t slot);
  bool may_replace(const Tcb& tcb) const;  // in TIME-WAIT, by RFC 6191
  void rehash(size_t buckets);
  uint32_t& bucket(const SocketAddress& local, const SocketAddress& remote);
  struct Due {
    Time at{};
    uint32_t slot = kNone;
  };
  void sift_up(size_t i);
  void sift_down(size_t i);
  void put(size_t i, Due due);

  static constexpr uint32_t kChunk = 64;
  std::vector<std::unique_ptr<std::array<Tcb, kChunk>>> chunks_;  // records do not move
  std::vector<uint32_t> free_;
  std::vector<uint32_t> retired_;
  std::vector<uint32_t> buckets_;
  size_t entered_ = 0;
  std::vector<Due> heap_;  // earliest first; an entry may be earlier than its record's timers
  std::vector<std::unique_ptr<Transfer>> spare_;
  std::deque<Listener> listeners_;
  std::unordered_map<uint16_t, std::vector<uint32_t>> by_port_;
  uint16_t next_port_ = 0;
};

}  // namespace tcpdx::tcp
