// What happens to TCP sockets between two looks: changes of state, attempts and their results,
// retransmissions, resets, drops. Sources: the kernel's tracepoints sock:inet_sock_set_state,
// tcp:tcp_retransmit_skb, tcp:tcp_send_reset, skb:kfree_skb ..., and what is joined from looks and
// counters where the kernel has no event.
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/socket.hpp"
#include "tcp/state.hpp"

namespace tcpdx {

enum class EventKind : uint8_t {
  state,  // from one state to another
  // An active open has ended: error 0, or the errno that connect() gave. ECANCELED: the program
  // closed the socket before an answer came; EADDRNOTAVAIL without SYN: no local port was free.
  connect,
  retransmit,      // a segment goes out again
  reset_sent,      // reason: the kernel's sk_rst_reason, where it has one
  reset_received,  // believed by the kernel
  drop,            // a segment was thrown away; reason: the kernel's skb_drop_reason
  zero_window,     // a window closed: reason says whose
  accept_drop,     // a listener refused a connection because its accept queue is full
  bind_failed      // bind() or listen() gave an error
};
inline constexpr size_t kEventKinds = 9;
std::string_view to_string(EventKind kind);  // "reset-sent"

// spurious: the peer had the segment already, as its DSACKs say (RFC 2883).
enum class RetransmitKind : uint8_t {
  none,
  syn,
  syn_ack,
  fast,
  timeout,
  tail_loss_probe,
  spurious
};
std::string_view to_string(RetransmitKind kind);  // "tail-loss-probe"

inline constexpr uint16_t kNoNetns = std::numeric_limits<uint16_t>::max();

struct TcpEvent {
  Duration at{};  // since the first look
  EventKind kind = EventKind::state;
  RetransmitKind retransmit = RetransmitKind::none;
  // state: the change. Other kinds: both are the state that the socket was in, CLOSED without one.
  tcp::State from = tcp::State::closed;
  tcp::State to = tcp::State::closed;
  uint16_t netns = kNoNetns;    // index into Observation::namespaces
  uint16_t reason = 0;          // index into EventLog::reasons; 0: none was given
  int32_t error = 0;            // connect, bind_failed: errno
  uint32_t process = kNoIndex;  // index into Observation::processes
  SocketAddress local;          // as far as known: a RST for no socket has both from its segment
  SocketAddress remote;
  uint64_t cookie = 0;  // 0: no socket
  Duration duration{};  // connect: since the SYN
  // reset_sent: octets of text that the connection had carried, both ways. Empty: not known.
  std::optional<uint64_t> carried = std::nullopt;
};

// How the active opens of one program towards one destination ended: all of them, also those of
// which no event was kept. Attempts that say nothing of the destination are not among the failed:
// no local port, a signal, and those given up within 250 ms, as of several addresses tried at once
// (RFC 8305, 5).
struct ConnectTally {
  uint16_t netns = kNoNetns;    // index into Observation::namespaces
  uint32_t process = kNoIndex;  // index into Observation::processes
  SocketAddress remote;
  uint64_t succeeded = 0;
  uint64_t repeated = 0;  // of those that succeeded: only after a repeated SYN
  uint64_t failed = 0;
};

// What was seen of a window. Only what is worth keeping is kept: at most `kMostKept` of each kind,
// of changes of state only the rare ones (SYN-SENT to SYN-RECEIVED), of connect the failed ones.
// `counted` counts them all, `connects` those of each destination.
struct EventLog {
  static constexpr size_t kMostKept = 4096;

  bool watched = false;          // false: Observation::missing says why
  std::vector<TcpEvent> events;  // in time order
  std::array<uint64_t, kEventKinds> counted{};
  uint64_t lost = 0;  // happened faster than they could be read
  std::vector<std::string> reasons{""};
  std::vector<ConnectTally> connects;  // at most `kMostKept`; empty where they were not counted
};

}  // namespace tcpdx
