// The record of one connection, the TCB of RFC 9293 3.3.1. Small, because most connections of a
// busy host are idle: what only data in transit needs stands apart in Transfer.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "tcp/congestion.hpp"
#include "tcp/endpoint.hpp"
#include "tcp/receive_queue.hpp"
#include "tcp/rtt.hpp"
#include "tcp/scoreboard.hpp"
#include "tcp/send_queue.hpp"
#include "tcp/state.hpp"

namespace tcpdx::tcp {

inline constexpr uint32_t kNone = UINT32_MAX;
inline constexpr Time kNever = Time::max();

// What a connection needs while octets are queued, in flight or unread.
struct Transfer {
  explicit Transfer(size_t segments) : sent(segments) {}
  SendQueue send;
  ReceiveQueue receive;
  Scoreboard sent;
  Seq push_end;  // the number after the last octet that the user pushed
  // RFC 8985 7: a tail loss probe that is out. `end` was SND.NXT then.
  struct TailProbe {
    Seq end;
    bool repeats = false;  // it repeated a segment
  };
  std::optional<TailProbe> probe;
};

// How the connection came to SYN-RECEIVED (RFC 9293 MUST-11) or ESTABLISHED.
enum class Origin : uint8_t { active, passive, reopened };

// Who still needs the record.
enum class Holder : uint8_t {
  nobody,        // closed by its program, or born and not known to any: goes when CLOSED
  listener,      // half-open: its listener counts it
  accept_queue,  // complete, waits for accept(); stays there even when CLOSED
  user,
};

// What runs out at Tcb::retransmit_at: one timer for all that a sender waits for.
enum class SendTimer : uint8_t {
  none,
  quiet_time,
  syn,
  retransmit,
  tail_loss_probe,
  reordering,
  persist
};

// RFC 5681 and 6675: open; or losses are being repaired without or with a timeout.
enum class Phase : uint8_t { open, recovery, loss };

struct Tcb {
  SocketAddress local;
  SocketAddress remote;

  // Places in the tables of Core.
  uint32_t slot = kNone;
  uint32_t generation = 0;
  uint32_t next_in_bucket = kNone;
  uint32_t in_heap = kNone;
  uint32_t listener = kNone;  // of SYN-RECEIVED, the accept queue, and records in LISTEN

  State state = State::closed;
  Origin origin = Origin::active;
  Holder holder = Holder::nobody;
  SendTimer send_timer = SendTimer::none;
  Phase phase = Phase::open;
  Notice ending = Notice::closed;  // how the connection ended, for user calls after that
  uint8_t retransmissions = 0;     // of the same segment or probe in a row
  uint8_t back_offs = 0;           // doublings of the timeout since the last sample (Karn)
  uint8_t keep_alives = 0;         // unanswered in a row
  uint8_t duplicate_acks = 0;      // without SACK

  bool ack_now : 1 = false;
  bool fin_queued : 1 = false;     // the user closed: a FIN follows the last octet
  bool peer_fin_seen : 1 = false;  // rcv_fin says where, perhaps beyond a gap
  bool timestamps : 1 = false;
  bool sack : 1 = false;
  bool scaling : 1 = false;
  bool syn_acknowledged : 1 = false;
  bool syn_repeated : 1 = false;    // RFC 6298 5.7, RFC 6928 2
  bool wants_room : 1 = false;      // a send() did not take all
  bool route_learned : 1 = false;   // from what arrived (MUST-53), not told by the user
  bool override_silly : 1 = false;  // the override timer ran out: send what fits

  // 3.3.1, send sequence variables. snd_end is the number after the last octet that the user
  // sent; a queued FIN stands there. SND.NXT never goes back: the scoreboard knows what to repeat.
  Seq iss, snd_una, snd_nxt, snd_end, snd_up, snd_wl1, snd_wl2;
  uint32_t snd_wnd = 0;
  uint32_t max_snd_wnd = 0;
  // Receive sequence variables. rcv_edge is the right edge of the largest window ever offered.
  Seq irs, rcv_nxt, rcv_edge, rcv_up, rcv_fin;
  Seq last_ack_sent;  // RFC 7323 4.3
  // RFC 6582, RFC 6675: SND.NXT when the losses were found. Before that, while a SYN tries to
  // reopen a connection from TIME-WAIT, its SND.NXT; its RCV.NXT stands behind rcv_fin.
  Seq recover;

  uint32_t ts_recent = 0;
  uint32_t ts_recent_s = 0;  // when it was set, in seconds
  uint32_t ts_offset = 0;
  // In milliseconds of the endpoint's clock, which wrap.
  uint32_t invalid_ack_ms = 0;  // when a segment outside of the window was last answered
  uint32_t last_received_ms = 0;
  uint32_t last_sent_ms = 0;
  uint32_t repeated_segments = 0;

  uint16_t peer_mss = 0;
  uint16_t path_mtu = 0;
  uint16_t rcv_mss = 0;  // largest text seen: what "full-sized" means for delayed ACKs
  uint8_t snd_scale = 0;
  uint8_t rcv_scale = 0;
  uint8_t received_traffic_class = 0;

  RttEstimator rtt;
  Congestion congestion;

  Time retransmit_at = kNever;  // see send_timer
  Time ack_at = kNever;         // delayed ACK
  Time wait_at = kNever;        // TIME-WAIT, FIN-WAIT-2 without a program, keep-alive
  Time give_up_at = kNever;     // user timeout
  Time waiting_since{};         // the oldest unacknowledged octet or SYN went out

  std::unique_ptr<ConnectionOptions> own_options;  // null: the defaults
  std::unique_ptr<Transfer> transfer;

  const ConnectionOptions& options() const;
  void set_options(const ConnectionOptions& options);

  ConnectionId id() const { return {slot, generation}; }
  bool fin_sent() const { return fin_queued && snd_nxt == snd_end + 1; }
  uint32_t flight() const { return octets(snd_una, snd_nxt); }
  uint32_t unsent() const { return snd_nxt < snd_end ? octets(snd_nxt, snd_end) : 0; }
  // RCV.WND
  uint32_t rcv_wnd() const { return rcv_edge > rcv_nxt ? octets(rcv_nxt, rcv_edge) : 0; }
  bool synchronized() const { return state >= State::established; }
  Time next_due() const;
};

}  // namespace tcpdx::tcp
