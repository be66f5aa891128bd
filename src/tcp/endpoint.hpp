// A whole TCP without an operating system (RFC 9293): connections and listeners of one host.
//
// No clock, no randomness, no input or output of its own. Time and segments come in through the
// calls; segments, notices and state changes go out through a Sink, and next_deadline() says when
// to call advance(). The same calls in the same order give the same answers.
//
// Not a state machine of its own: each change of state is a row of tcp/transition.hpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "tcp/event.hpp"
#include "tcp/isn.hpp"
#include "tcp/packet.hpp"
#include "tcp/settings.hpp"
#include "tcp/state.hpp"

namespace tcpdx::tcp {

// Names one connection for as long as its user or its protocol needs it, and none ever after.
struct ConnectionId {
  uint32_t slot = 0;
  uint32_t generation = 0;

  bool operator==(const ConnectionId&) const = default;
};

struct ListenerId {
  uint32_t slot = 0;
  uint32_t generation = 0;

  bool operator==(const ListenerId&) const = default;
};

// What the user of a connection is told as it happens (RFC 9293 3.9.1, MUST-47).
enum class Notice : uint8_t {
  opened,          // ESTABLISHED
  readable,        // data in order, or the end of it
  writable,        // room in the send buffer after a send() that did not take all
  urgent,          // urgent data announced or moved (MUST-32)
  peer_closed,     // FIN received and all before it
  closed,          // the connection ended in order
  reset,           // by the other end (MUST-12)
  refused,         // the other end's RST answered our SYN
  timed_out,       // R2, the user timeout or keep-alives gave up
  aborted,         // by us, because data came that nobody will read, or by a hard ICMP error
  soft_error,      // ICMP said that something may be wrong (SHLD-25)
  retransmitting,  // R1 reached, not yet R2 (SHLD-9); IP should look for another way (MUST-20)
};
std::string_view to_string(Notice notice);

// Takes what an endpoint has to say, during the call that caused it. It must not call back.
class Sink {
 public:
  virtual ~Sink() = default;
  virtual void send(const Packet& packet) = 0;
  virtual void notify(ConnectionId id, Notice notice) = 0;
  // A connection waits for accept().
  virtual void acceptable(ListenerId id) = 0;
  // Each change of state; `from` and `to` are a row of the transition table.
  virtual void moved(ConnectionId id, State from, Event on, State to) = 0;
};

// Choices for one connection, or for those that a listener accepts.
struct ConnectionOptions {
  bool nagle = true;                    // MUST-17 lets the user turn it off
  std::optional<KeepAlive> keep_alive;  // off by default: MUST-25
  std::optional<Duration> user_timeout;
  std::optional<unsigned> r2;           // MUST-21; from 256 on: for ever
  uint8_t ttl = 64;                     // MUST-49; net.ipv4.ip_default_ttl
  uint8_t traffic_class = 0;            // MUST-48
  std::vector<IpAddress> source_route;  // MUST-51; at most nine IPv4 addresses
  bool report_errors = true;            // soft_error and retransmitting: SHLD-20

  bool operator==(const ConnectionOptions&) const = default;
};

struct Readiness {
  size_t readable = 0;  // octets in order
  size_t writable = 0;  // octets that send() would take
  // Octets from the next one read up to the end of urgent data; 0: none waits (MUST-33).
  size_t urgent = 0;
  bool end_of_data = false;  // the peer closed and everything is read
};

// 3.9.1.6, and what tests and explanations look at.
struct Status {
  State state{};
  SocketAddress local;
  SocketAddress remote;
  Seq iss, snd_una, snd_nxt, snd_up;
  uint32_t snd_wnd = 0;
  Seq irs, rcv_nxt, rcv_up;
  uint32_t rcv_wnd = 0;
  uint16_t mss = 0;  // largest text that we send: Eff.snd.MSS
  bool timestamps = false;
  bool sack = false;
  std::optional<uint8_t> snd_scale;  // RFC 7323; absent: no scaling
  std::optional<uint8_t> rcv_scale;
  size_t unsent = 0;          // octets in the send buffer that never went out
  size_t unacknowledged = 0;  // octets of sequence space in flight
  size_t unread = 0;          // octets in order
  uint32_t cwnd = 0;
  uint32_t ssthresh = 0;
  std::optional<Duration> srtt;
  Duration rto{};
  unsigned retransmissions = 0;  // in a row, of the oldest segment
  uint64_t retransmitted_segments = 0;
  bool in_recovery = false;
  uint8_t received_traffic_class = 0;  // MAY-9
};

struct ListenOptions {
  uint32_t backlog = 4096;  // cut to Settings::max_backlog
  ConnectionOptions connection{};
};

struct ListenerStatus {
  SocketAddress local;
  uint32_t half_open = 0;  // SYN-RECEIVED
  uint32_t waiting = 0;    // complete, not accepted
  uint32_t backlog = 0;
  // As the kernel counts them.
  uint64_t listen_overflows = 0;  // TcpExt.ListenOverflows: accept queue full
  uint64_t listen_drops = 0;      // TcpExt.ListenDrops: every SYN or third ACK that was dropped
  uint64_t cookies_sent = 0;      // TcpExt.SyncookiesSent
  uint64_t cookies_received = 0;  // TcpExt.SyncookiesRecv
  uint64_t cookies_failed = 0;    // TcpExt.SyncookiesFailed
};

struct SendOptions {
  bool push = true;     // without it the last part may wait for more (MAY-15)
  bool urgent = false;  // the octet after the last one is the urgent pointer (MUST-62)
};

class Core;

class Endpoint {
 public:
  Endpoint(Settings settings, const Secret& secret, Sink& sink, Time start = {});
  ~Endpoint();
  Endpoint(const Endpoint&) = delete;
  Endpoint& operator=(const Endpoint&) = delete;

  // --- User calls. Each errors with a sentence where RFC 9293 3.10 has "error: ...".
  // Many connections from one port. An any-address listens on all.
  Result<ListenerId> listen(Time now, const SocketAddress& local, const ListenOptions& = {});
  // The RFC's passive OPEN: this one record becomes the connection. `remote` may be left open.
  Result<ConnectionId> open_passive(Time now, const SocketAddress& local,
                                    const std::optional<SocketAddress>& remote = {},
                                    const ConnectionOptions& = {});
  // Active OPEN. A local any-address or port 0 is chosen here (MUST-43 to MUST-45).
  Result<ConnectionId> connect(Time now, const SocketAddress& local, const SocketAddress& remote,
                               const ConnectionOptions& = {});
  // Active OPEN of a record in LISTEN, whose remote end may be given now (3.10.1).
  Result<void> connect(Time now, ConnectionId id, const SocketAddress& remote);
  // The oldest complete connection; nothing when none waits.
  std::optional<ConnectionId> accept(Time now, ListenerId id);
  void stop_listening(Time now, ListenerId id);

  // Takes what fits into the send buffer and returns how much; 0 is no error. In LISTEN with a
  // remote end it opens actively.
  Result<size_t> send(Time now, ConnectionId id, std::span<const std::byte> octets,
                      SendOptions = {});
  // Copies what is in order. 0: nothing now, or the end (see readiness()).
  Result<size_t> receive(Time now, ConnectionId id, std::span<std::byte> out);
  // RFC 9293's CLOSE: no more data from us, reading goes on.
  Result<void> shutdown(Time now, ConnectionId id);
  // The program lets go of the connection, as close(2) does: CLOSE, and what still comes or is
  // unread is answered with RST (SHLD-3). The id ends with it.
  Result<void> close(Time now, ConnectionId id);
  // The id ends with it.
  Result<void> abort(Time now, ConnectionId id);

  Result<Status> status(ConnectionId id) const;
  Result<Readiness> readiness(ConnectionId id) const;
  Result<ListenerStatus> status(ListenerId id) const;
  // During a connection too (SHLD-21). source_route counts only before the SYN.
  Result<void> set_options(Time now, ConnectionId id, const ConnectionOptions& options);

  // --- From below.
  void arrive(Time now, const Packet& packet);
  void arrive(Time now, const IcmpError& error);

  // --- Time. advance() does what is due; calling it early or late is allowed. A deadline may be
  // earlier than anything that will happen then, never later. Nothing: no timer runs.
  std::optional<Time> next_deadline() const;
  void advance(Time now);

  // Every record that is not CLOSED, listeners left out.
  size_t connections() const;
  // The connection between these ends, in whatever state.
  std::optional<ConnectionId> find(const SocketAddress& local, const SocketAddress& remote) const;
  // Octets that the endpoint holds for all connections (bench, memory bounds).
  size_t memory() const;

 private:
  std::unique_ptr<Core> core_;
};

}  // namespace tcpdx::tcp
