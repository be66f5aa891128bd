// What one captured connection shows on its own, before shares and numbers are asked for.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "model/connection.hpp"

namespace tcpdx::faults {

enum class Sign : uint8_t {
  unanswered,  // a SYN, repeated twice, and nothing came back
  unreachable,
  refused,
  half_open,       // the SYN-ACK was never answered
  slow_handshake,  // complete, but the SYN had to be repeated
  stale_tuple,     // the SYN met an older connection
  close_wait,
  fin_wait_2,
  into_void,
  too_big,
  zero_window,
  forged_reset,
  unread_close,
  abortive_close,
  closed_socket,
  lost_state,
  reuse_race,
  bad_checksum,
  loss,
  reordering,
};
inline constexpr size_t kSigns = static_cast<size_t>(Sign::reordering) + 1;

// `by`: the end whose doing it is, as far as packets tell. Of handshakes the responder, of a reset
// the end in whose name it came, of text that vanishes the end that should have acknowledged it.
struct Shown {
  Sign sign{};
  Party by{};
};
std::vector<Shown> signs_of(const Connection& connection);
// The catalogue's fault that the sign belongs to.
std::string_view fault_of(Sign sign);

// Repeats count as loss only above this share of at least so many segments with text; the same
// numbers judge a path.
inline constexpr double kLossShare = 0.01;
inline constexpr uint64_t kLeastDataPackets = 1000;
inline constexpr uint64_t kLeastRepeats = 50;
inline constexpr double kSpuriousShare = 0.5;

// The handshake's, else the shortest measured on the longer part of the way.
std::optional<Duration> round_trip(const Connection& connection);
// When that end first sent a FIN or RST; absent when it did not.
std::optional<Duration> fin_at(const Connection& connection, Party by);
std::optional<Duration> reset_at(const Connection& connection, Party by);
// Whether the responder took the SYN.
bool syn_answered(const Connection& connection);
// Neither completed nor refused, while there was time for an answer.
bool never_completed(const Connection& connection);
bool has(const Connection& connection, AnomalyKind kind);
// The ICMP error that says that the destination cannot be reached, or null.
const IcmpNote* unreachable_note(const Connection& connection);
// For how long that end has been in the state, or was until its other end's FIN or the end of what
// was observed; absent when it never came there.
std::optional<Duration> held_in(const Connection& connection, Party by, tcp::State state);
// Retransmissions that the receiver had not got already.
uint64_t lost(const ConnectionSide& side);

}  // namespace tcpdx::faults
