#include "faults/signs.hpp"

#include <algorithm>
#include <utility>

namespace tcpdx::faults {
namespace {

constexpr uint32_t kSynRepeats = 2;  // one lost SYN is normal, two in a row are not
constexpr Duration kAnswerTime = 3s;
constexpr Duration kHeld = 60s;  // the kernel sets no bound; a passage takes milliseconds
constexpr Duration kZeroWindow = 5s;
constexpr uint32_t kVoidRepeats = 5;
constexpr Duration kVoidSilence = 10s;
constexpr uint32_t kBigRepeats = 3;
constexpr uint32_t kSmallSegment = 536;  // every path carries it (RFC 9293 3.7.1)
constexpr Duration kIdleClose = 1s;      // a FIN that ends an idle connection, not an answer
constexpr Duration kLeastRoundTrip = 1ms;

constexpr std::array kParties{Party::originator, Party::responder};

std::optional<Duration> first_of(const Connection& c, Party by, Cause cause) {
  const auto at = std::ranges::find_if(
      c.timeline, [&](const StateChange& s) { return s.side == by && s.cause == cause; });
  if (at == c.timeline.end()) return std::nullopt;
  return at->at;
}

bool both_talk(const Connection& c) { return c.sides[0].packets > 0 && c.sides[1].packets > 0; }

// A SYN that was answered by an ACK of something else, which the caller then reset.
bool met_an_older_one(const Connection& c) {
  if (has(c, AnomalyKind::syn_in_connection)) return has(c, AnomalyKind::challenge_ack);
  return c.role_seen && has(c, AnomalyKind::challenge_ack) &&
         (c.handshake.syn_retransmits > 0 || c.side(Party::originator).resets > 0);
}

void add_handshake(const Connection& c, std::vector<Shown>& into) {
  const auto show = [&](Sign sign) { into.push_back({sign, Party::responder}); };
  // Its second SYN has a reason of its own.
  if (met_an_older_one(c)) return show(Sign::stale_tuple);
  if (!c.role_seen) return;
  if (c.handshake.complete) {
    if (c.handshake.syn_retransmits > 0) show(Sign::slow_handshake);
    return;
  }
  if (syn_answered(c)) {
    if (never_completed(c)) show(Sign::half_open);
    return;
  }
  if (unreachable_note(c) != nullptr) return show(Sign::unreachable);
  if (c.side(Party::responder).resets > 0) return show(Sign::refused);
  const bool silent = c.side(Party::responder).packets == 0;
  if (silent && c.handshake.syn_retransmits >= kSynRepeats && c.observed >= kAnswerTime) {
    show(Sign::unanswered);
  }
}

// Text that the end `by` sent and that never was acknowledged.
void add_unanswered_text(const Connection& c, Party by, std::vector<Shown>& into) {
  const ConnectionSide& sender = c.side(by);
  const ConnectionSide& receiver = c.side(other(by));
  if (!sender.unanswered || !both_talk(c) || receiver.resets > 0) return;
  if (receiver.last_window == 0U) return;  // it has to wait, not to be heard
  const Unanswered& text = *sender.unanswered;
  const bool big = text.length > std::max(sender.largest_acked, kSmallSegment);
  if (c.handshake.complete && big && text.repeats >= kBigRepeats) {
    into.push_back({Sign::too_big, other(by)});
    return;
  }
  const Duration silent = sender.last_at - receiver.last_at;
  if (text.repeats >= kVoidRepeats && silent >= kVoidSilence) {
    into.push_back({Sign::into_void, other(by)});
  }
}

void add_stalls(const Connection& c, Party by, std::vector<Shown>& into) {
  const ConnectionSide& side = c.side(by);
  add_unanswered_text(c, by, into);
  const bool still = side.last_window == 0U || side.zero_window_longest >= c.duration / 2;
  if (side.zero_window_longest > kZeroWindow && still && c.side(other(by)).zero_window_probes > 0) {
    into.push_back({Sign::zero_window, by});
  }
}

void add_held(const Connection& c, Party by, std::vector<Shown>& into) {
  const auto quiet_since = [&](Party who, Duration held) {
    const auto last = c.side(who).last_data_at;
    return !last || *last <= c.observed - held;
  };
  if (const auto held = held_in(c, by, tcp::State::close_wait); held && *held >= kHeld) {
    if (quiet_since(by, *held)) into.push_back({Sign::close_wait, by});
  }
  if (const auto held = held_in(c, by, tcp::State::fin_wait_2); held && *held >= kHeld) {
    if (quiet_since(other(by), *held)) into.push_back({Sign::fin_wait_2, by});
  }
}

// A reset after that end's own FIN: its peer's text came when nobody took it any more.
std::optional<Sign> sign_after_fin(const Connection& c, Party by, Duration closed, Duration reset) {
  const ConnectionSide& sender = c.side(other(by));
  if (!sender.last_data_at || *sender.last_data_at <= closed) return std::nullopt;
  const Duration trip = std::max(round_trip(c).value_or(Duration{}), kLeastRoundTrip);
  if (reset - closed >= 2 * trip) return Sign::closed_socket;
  const Duration before = c.side(by).last_data_at.value_or(Duration{});
  const bool answered = c.side(by).unique_bytes > 0;
  if (by == Party::responder && answered && closed - before >= kIdleClose) return Sign::reuse_race;
  return std::nullopt;  // the text was under way: nobody is to blame
}

// A reset in the middle: answered by nobody's socket, or sent by a program that aborts.
std::optional<Sign> sign_in_the_middle(const Connection& c, Party by) {
  const auto own = c.side(by).last_data_at;
  const auto others = c.side(other(by)).last_data_at;
  if (!c.close.reset_acks || (!own && !others)) return std::nullopt;
  if (!*c.close.reset_acks) return others ? std::optional(Sign::lost_state) : std::nullopt;
  if (others && (!own || *others > *own)) return Sign::unread_close;
  return Sign::abortive_close;
}

void add_reset(const Connection& c, Party by, std::vector<Shown>& into) {
  const auto reset = reset_at(c, by);
  if (!reset || !both_talk(c) || (c.role_seen && !c.handshake.complete)) return;
  const auto own_fin = fin_at(c, by);
  std::optional<Sign> sign;
  if (own_fin && *own_fin < *reset) {
    sign = sign_after_fin(c, by, *own_fin, *reset);
  } else if (!fin_at(c, other(by))) {
    // After the peer's FIN a reset ends what was over anyway.
    sign = sign_in_the_middle(c, by);
  }
  if (sign) into.push_back({*sign, by});
}

void add_resets(const Connection& c, std::vector<Shown>& into) {
  const auto forged = std::ranges::find(c.anomalies, AnomalyKind::forged_reset, &Anomaly::kind);
  if (c.close.reset_by == ResetBy::third_party || forged != c.anomalies.end()) {
    const auto side = forged != c.anomalies.end() ? forged->side : std::nullopt;
    into.push_back({Sign::forged_reset, side.value_or(Party::responder)});
    return;
  }
  for (const Party by : kParties) add_reset(c, by, into);
}

void add_path(const Connection& c, Party by, std::vector<Shown>& into) {
  const ConnectionSide& side = c.side(by);
  if (side.bad_checksums > 0 && side.missed_bytes == 0) into.push_back({Sign::bad_checksum, by});
  if (side.retransmissions >= kLeastRepeats &&
      side.spurious_retransmissions > kSpuriousShare * side.retransmissions) {
    into.push_back({Sign::reordering, by});
  } else if (side.data_packets >= kLeastDataPackets &&
             static_cast<double>(lost(side)) >
                 kLossShare * static_cast<double>(side.data_packets)) {
    into.push_back({Sign::loss, by});
  }
}

}  // namespace

std::vector<Shown> signs_of(const Connection& connection) {
  std::vector<Shown> shown;
  add_handshake(connection, shown);
  for (const Party by : kParties) {
    add_stalls(connection, by, shown);
    add_held(connection, by, shown);
    add_path(connection, by, shown);
  }
  add_resets(connection, shown);
  return shown;
}

std::string_view fault_of(Sign sign) {
  switch (sign) {
    case Sign::unanswered: return "connect-blackhole";
    case Sign::unreachable: return "host-unreachable";
    case Sign::refused: return "connection-refused";
    case Sign::half_open: return "syn-flood";
    case Sign::slow_handshake: return "slow-handshake-syn-retransmit";
    case Sign::stale_tuple: return "stale-tuple-collision";
    case Sign::close_wait: return "close-wait-leak";
    case Sign::fin_wait_2: return "fin-wait2-stuck";
    case Sign::into_void: return "half-open-busy";
    case Sign::too_big: return "mtu-black-hole";
    case Sign::zero_window: return "zero-window-stuck-reader";
    case Sign::forged_reset: return "rst-by-middlebox";
    case Sign::unread_close: return "rst-on-close-unread";
    case Sign::abortive_close: return "rst-abortive-linger";
    case Sign::closed_socket: return "rst-to-closed-socket";
    case Sign::lost_state: return "reset-peer-lost-state";
    case Sign::reuse_race: return "keepalive-reuse-race";
    case Sign::bad_checksum: return "bad-checksum";
    case Sign::loss: return "packet-loss-retransmission";
    case Sign::reordering: return "reordering-spurious-retransmit";
  }
  std::unreachable();
}

std::optional<Duration> round_trip(const Connection& c) {
  if (c.handshake.client_rtt && c.handshake.server_rtt) {
    return *c.handshake.client_rtt + *c.handshake.server_rtt;
  }
  std::optional<Duration> longest;  // taken at one end, one of the two is next to nothing
  for (const ConnectionSide& side : c.sides) {
    if (side.rtt && (!longest || side.rtt->min > *longest)) longest = side.rtt->min;
  }
  return longest;
}

std::optional<Duration> fin_at(const Connection& c, Party by) {
  return first_of(c, by, Cause::fin_sent);
}

std::optional<Duration> reset_at(const Connection& c, Party by) {
  if (const auto at = first_of(c, by, Cause::reset_sent)) return at;
  const ConnectionSide& side = c.side(by);
  // A reset that moved no state: of an end that had closed already.
  if (side.resets > side.refused_resets) return side.last_at;
  return std::nullopt;
}

bool syn_answered(const Connection& c) {
  return c.handshake.server_rtt.has_value() || c.history.find('h') != std::string::npos;
}

bool never_completed(const Connection& c) {
  const bool ended = c.sides[0].resets > 0 || c.sides[1].resets > 0 || unreachable_note(c);
  return c.role_seen && !c.handshake.complete && !ended && c.observed >= kAnswerTime;
}

bool has(const Connection& c, AnomalyKind kind) {
  return std::ranges::find(c.anomalies, kind, &Anomaly::kind) != c.anomalies.end();
}

const IcmpNote* unreachable_note(const Connection& c) {
  constexpr uint8_t kUnreachable = 3;    // RFC 792
  constexpr uint8_t kFragmentation = 4;  // its code for path MTU discovery
  constexpr uint8_t kUnreachableV6 = 1;  // RFC 4443
  const bool v6 = c.responder.addr.unmapped().family == Family::v6;
  const auto at = std::ranges::find_if(c.icmp, [&](const IcmpNote& note) {
    return v6 ? note.type == kUnreachableV6
              : note.type == kUnreachable && note.code != kFragmentation;
  });
  return at == c.icmp.end() ? nullptr : &*at;
}

std::optional<Duration> held_in(const Connection& c, Party by, tcp::State state) {
  const auto reached = std::ranges::find_if(
      c.timeline, [&](const StateChange& s) { return s.side == by && s.to == state; });
  if (reached == c.timeline.end()) return std::nullopt;
  const auto left = std::find_if(std::next(reached), c.timeline.end(), [&](const StateChange& s) {
    // What is only believed to have ended by a timer still waits for its peer.
    return s.side == by && s.to != state && s.cause != Cause::fin_wait_2_over;
  });
  if (left != c.timeline.end()) return std::nullopt;
  return c.observed - reached->at;
}

uint64_t lost(const ConnectionSide& side) {
  return side.retransmissions - std::min(side.retransmissions, side.spurious_retransmissions);
}

}  // namespace tcpdx::faults
