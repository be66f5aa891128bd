// RFC 9293's state machine as one table: for every event, where it takes each state, or why the
// state stays. The compiler checks that each pair of a state and an event has exactly one rule.
#include "tcp/transition.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string_view>

namespace tcpdx::tcp {
namespace {

using enum State;
using enum Event;

// A set of states, one bit each.
using States = uint16_t;
template <class... Which>
constexpr States in(Which... states) {
  return static_cast<States>(((1U << static_cast<unsigned>(states)) | ...));
}
constexpr bool has(States states, State state) { return (states & in(state)) != 0; }

constexpr States kAll = in(closed, listen, syn_sent, syn_received, established, fin_wait_1,
                           fin_wait_2, close_wait, closing, last_ack, time_wait);
template <class... Which>
constexpr States but(Which... states) {
  return static_cast<States>(kAll & ~in(states...));
}
constexpr States kSynchronized = but(closed, listen, syn_sent, syn_received);
constexpr States kBothClosed = in(closing, last_ack, time_wait);
constexpr States kUnacknowledged =
    in(syn_sent, syn_received, established, fin_wait_1, close_wait, closing, last_ack);

struct Rule {
  Event on{};
  States from = 0;
  std::optional<State> to;  // nothing: the state stays
  std::string_view rfc9293;
  std::string_view why;
};
constexpr std::nullopt_t kStays = std::nullopt;

constexpr std::string_view kNoConnection = "error: connection does not exist";
constexpr std::string_view kExists = "error: connection already exists";
constexpr std::string_view kBecomesActive =
    "passive becomes active, if the remote socket is specified: SYN sent";
constexpr std::string_view kClosing = "error: connection closing";
constexpr std::string_view kDeleted = "TCB deleted";
constexpr std::string_view kDeletedSilently = "TCB deleted, nothing sent";
constexpr std::string_view kNotChecked = "cannot happen: no sequence number is checked";
constexpr std::string_view kReset = "RST sent, segment dropped";
constexpr std::string_view kListenReset = "RST sent: any ACK is bad in LISTEN";
constexpr std::string_view kAcked = "ACK sent, segment dropped";
constexpr std::string_view kChallenge = "challenge ACK sent, segment dropped";
constexpr std::string_view kNeither = "segment dropped: neither SYN nor RST";
constexpr std::string_view kDuplicate = "duplicate ACK ignored";
constexpr std::string_view kFinOutstanding = "segment ignored: our FIN is not acknowledged";
constexpr std::string_view kNoFin = "cannot happen: no FIN was sent";
constexpr std::string_view kOtherWay = "cannot happen: the way there counts only in SYN-RECEIVED";
constexpr std::string_view kNothingSent = "cannot happen: nothing was sent";
constexpr std::string_view kAllAcknowledged = "cannot happen: all that was sent is acknowledged";

// In the order of kEvents. Where RFC 9293 leaves a choice, docs/deviations.md has ours.
constexpr std::array kRules{
    // OPEN. A passive one never affects an earlier record (MUST-41).
    Rule{passive_open, in(closed), listen, "3.10.1", "a TCB is created and waits"},
    Rule{passive_open, in(listen), kStays, "3.9.1.1",
         "a new record or an error: this record is not affected"},
    Rule{passive_open, but(closed, listen), kStays, "3.10.1", kExists},
    Rule{active_open, in(closed), syn_sent, "3.10.1", "SYN sent; without a remote socket an error"},
    Rule{active_open, in(listen), syn_sent, "3.10.1", kBecomesActive},
    Rule{active_open, but(closed, listen), kStays, "3.10.1", kExists},
    // SEND and RECEIVE.
    Rule{send, in(closed), kStays, "3.10.2", kNoConnection},
    Rule{send, in(listen), syn_sent, "3.10.2", kBecomesActive},
    Rule{send, in(syn_sent, syn_received), kStays, "3.10.2", "data queued until ESTABLISHED"},
    Rule{send, in(established, close_wait), kStays, "3.10.2", "data sent"},
    Rule{send, in(fin_wait_1, fin_wait_2) | kBothClosed, kStays, "3.10.2", kClosing},
    Rule{receive, in(closed), kStays, "3.10.3", kNoConnection},
    Rule{receive, in(listen, syn_sent, syn_received), kStays, "3.10.3",
         "request queued until ESTABLISHED"},
    Rule{receive, in(established, fin_wait_1, fin_wait_2), kStays, "3.10.3",
         "data delivered, or the request queued"},
    Rule{receive, in(close_wait), kStays, "3.10.3",
         "data on hand delivered, then error: connection closing"},
    Rule{receive, kBothClosed, kStays, "3.10.3", kClosing},
    // CLOSE moves ESTABLISHED at once, but CLOSE-WAIT only when the FIN is sent.
    Rule{close, in(closed), kStays, "3.10.4", kNoConnection},
    Rule{close, in(listen), closed, "3.10.4", kDeleted},
    Rule{close, in(syn_sent), closed, "3.10.4", kDeletedSilently},
    Rule{close, in(syn_received), fin_wait_1, "3.10.4",
         "FIN sent; with data still to send, only once ESTABLISHED"},
    Rule{close, in(established), fin_wait_1, "3.10.4", "at once; FIN sent after all data"},
    Rule{close, in(fin_wait_1, fin_wait_2), kStays, "3.10.4",
         "error: connection closing, no second FIN"},
    Rule{close, in(close_wait), last_ack, "3.10.4", "once all data is sent: FIN sent"},
    Rule{close, kBothClosed, kStays, "3.10.4", kClosing},
    // ABORT and STATUS.
    Rule{abort, in(closed), kStays, "3.10.5", kNoConnection},
    Rule{abort, in(listen), closed, "3.10.5", kDeleted},
    Rule{abort, in(syn_sent), closed, "3.10.5", kDeletedSilently},
    Rule{abort, in(syn_received, established, fin_wait_1, fin_wait_2, close_wait), closed, "3.10.5",
         "RST sent"},
    Rule{abort, kBothClosed, closed, "3.10.5", kDeletedSilently},
    Rule{status, in(closed), kStays, "3.10.6", kNoConnection},
    Rule{status, but(closed), kStays, "3.10.6", "the state is returned"},
    // Segments, in the steps of 3.10.7.4. First, the sequence number.
    Rule{unacceptable_segment, in(closed), kStays, "3.10.7.1", kNotChecked},
    Rule{unacceptable_segment, in(listen), kStays, "3.10.7.2", kNotChecked},
    Rule{unacceptable_segment, in(syn_sent), kStays, "3.10.7.3",
         "RST without acceptable ACK dropped"},
    Rule{unacceptable_segment, in(syn_received) | kSynchronized, kStays, "3.10.7.4",
         "ACK sent (for a RST only when in the window), segment dropped"},
    // Second, RST, and with it whatever depends on the way into SYN-RECEIVED.
    Rule{rst, in(closed), kStays, "3.10.7.1", "segment dropped"},
    Rule{rst, in(listen), kStays, "3.10.7.2", "RST ignored"},
    Rule{rst, in(syn_sent), closed, "3.10.7.3", "connection reset: the RST acknowledges our SYN"},
    Rule{rst, in(syn_received), closed, "3.10.7.4", "connection refused, after an active OPEN"},
    Rule{rst, in(established, fin_wait_1, fin_wait_2, close_wait), closed, "3.10.7.4",
         "connection reset"},
    Rule{rst, kBothClosed, closed, "3.10.7.4", kDeleted},
    Rule{rst_after_passive_open, in(syn_received), listen, "3.10.7.4",
         "back to waiting; the user need not know"},
    Rule{rst_after_passive_open, but(syn_received), kStays, "3.5", kOtherWay},
    Rule{syn_after_passive_open, in(syn_received), listen, "3.10.7.4",
         "back to waiting: the SYN before was an old one"},
    Rule{syn_after_passive_open, but(syn_received), kStays, "3.5", kOtherWay},
    Rule{rst_after_reopen, in(syn_received), time_wait, "3.6.1", "the SYN was an old duplicate"},
    Rule{rst_after_reopen, but(syn_received), kStays, "3.6.1", kOtherWay},
    // Third, security.
    Rule{other_security, in(closed), kStays, "3.10.7.1", kReset},
    Rule{other_security, in(listen), kStays, "3.10.7.2", kReset},
    Rule{other_security, in(syn_sent), kStays, "3.10.7.3", kReset},
    Rule{other_security, in(syn_received), kStays, "3.10.7.4", kReset},
    Rule{other_security, kSynchronized, closed, "3.10.7.4", "RST sent, connection reset"},
    // Fourth, SYN. Challenge ACKs are those of RFC 5961, which 3.10.7.4 recommends.
    Rule{syn, in(closed), kStays, "3.10.7.1", kReset},
    Rule{syn, in(listen), syn_received, "3.10.7.2", "SYN,ACK sent"},
    Rule{syn, in(syn_sent), syn_received, "3.10.7.3", "simultaneous open: SYN,ACK sent"},
    Rule{syn, in(syn_received) | kSynchronized, kStays, "3.10.7.4", kChallenge},
    Rule{syn_ack, in(closed), kStays, "3.10.7.1", kReset},
    Rule{syn_ack, in(listen), kStays, "3.10.7.2", kListenReset},
    Rule{syn_ack, in(syn_sent), established, "3.10.7.3", "ACK sent"},
    Rule{syn_ack, in(syn_received), established, "3.5",
         "simultaneous open: its ACK counts, its SYN is known (Figure 7)"},
    Rule{syn_ack, kSynchronized, kStays, "3.10.7.4", kChallenge},
    Rule{new_connection_syn, in(time_wait), syn_received, "3.6.1",
         "MAY reopen: SYN,ACK sent with a larger sequence number"},
    Rule{new_connection_syn, but(time_wait), kStays, "3.6.1",
         "cannot happen: only TIME-WAIT can be reopened"},
    // Fifth, ACK. After CLOSE or a FIN in SYN-RECEIVED our SYN may still be unacknowledged.
    Rule{unacceptable_ack, in(closed), kStays, "3.10.7.1", kReset},
    Rule{unacceptable_ack, in(listen), kStays, "3.10.7.2", kListenReset},
    Rule{unacceptable_ack, in(syn_sent), kStays, "3.10.7.3", kReset},
    Rule{unacceptable_ack, in(syn_received), kStays, "3.10.7.4", kReset},
    Rule{unacceptable_ack, in(established, fin_wait_1, fin_wait_2, close_wait, closing), kStays,
         "3.10.7.4", kAcked},
    Rule{unacceptable_ack, in(last_ack, time_wait), kStays, "3.5.2", kAcked},
    Rule{ack_of_syn, in(closed), kStays, "3.10.7.1", kReset},
    Rule{ack_of_syn, in(listen), kStays, "3.10.7.2", kListenReset},
    Rule{ack_of_syn, in(syn_sent), kStays, "3.10.7.3", kNeither},
    Rule{ack_of_syn, in(syn_received), established, "3.10.7.4", "the handshake is complete"},
    Rule{ack_of_syn, in(established, fin_wait_2, time_wait), kStays, "3.10.7.4", kDuplicate},
    Rule{ack_of_syn, in(fin_wait_1, close_wait), kStays, "3.10.7.4",
         "our SYN acknowledged, else duplicate ACK ignored"},
    Rule{ack_of_syn, in(closing, last_ack), kStays, "3.10.7.4", kFinOutstanding},
    Rule{ack, in(closed), kStays, "3.10.7.1", kReset},
    Rule{ack, in(listen), kStays, "3.10.7.2", kListenReset},
    Rule{ack, in(syn_sent), kStays, "3.10.7.3", "cannot happen: an acceptable ACK is of our SYN"},
    Rule{ack, in(syn_received), kStays, "3.10.7.4", "RST sent: our SYN is not acknowledged"},
    Rule{ack, in(established, fin_wait_1, fin_wait_2, close_wait), kStays, "3.10.7.4",
         "send window updated"},
    Rule{ack, in(closing, last_ack), kStays, "3.10.7.4", kFinOutstanding},
    Rule{ack, in(time_wait), kStays, "3.10.7.4", "nothing left to acknowledge"},
    Rule{ack_of_fin, in(closed), kStays, "3.10.7.1", kReset},
    Rule{ack_of_fin, in(listen), kStays, "3.10.7.2", kListenReset},
    Rule{ack_of_fin, in(syn_sent), kStays, "3.10.7.3", kNoFin},
    Rule{ack_of_fin, in(syn_received, established, close_wait), kStays, "3.10.7.4", kNoFin},
    Rule{ack_of_fin, in(fin_wait_1), fin_wait_2, "3.10.7.4",
         "a FIN in the same segment then leads to TIME-WAIT"},
    Rule{ack_of_fin, in(fin_wait_2, time_wait), kStays, "3.10.7.4", kDuplicate},
    Rule{ack_of_fin, in(closing), time_wait, "3.10.7.4", "2 MSL timeout started"},
    Rule{ack_of_fin, in(last_ack), closed, "3.10.7.4", kDeleted},
    // Sixth and seventh, urgent data and text.
    Rule{text, in(closed), kStays, "3.10.7.1", kReset},
    Rule{text, in(listen), kStays, "3.10.7.2", "should not be reached: segment dropped"},
    Rule{text, in(syn_sent), kStays, "3.10.7.3", kNeither},
    Rule{text, in(syn_received), kStays, "3.5", "text of a SYN held until ESTABLISHED"},
    Rule{text, in(established, fin_wait_1, fin_wait_2), kStays, "3.10.7.4",
         "text delivered and acknowledged"},
    Rule{text, in(close_wait) | kBothClosed, kStays, "3.10.7.4", "text ignored: a FIN came before"},
    // Eighth, FIN.
    Rule{fin, in(closed), kStays, "3.10.7.1", kReset},
    Rule{fin, in(listen, syn_sent), kStays, "3.10.7.4",
         "segment dropped: SEG.SEQ cannot be validated"},
    Rule{fin, in(syn_received), close_wait, "3.10.7.4",
         "ACK sent; the FIN came with the SYN (3.10.7.2)"},
    Rule{fin, in(established), close_wait, "3.10.7.4", "ACK sent"},
    Rule{fin, in(fin_wait_1), closing, "3.10.7.4", "ACK sent; our FIN is not acknowledged yet"},
    Rule{fin, in(fin_wait_2), time_wait, "3.10.7.4", "ACK sent, 2 MSL timeout started"},
    Rule{fin, in(close_wait, closing, last_ack), kStays, "3.10.7.4", "repeated FIN acknowledged"},
    Rule{fin, in(time_wait), kStays, "3.10.7.4",
         "repeated FIN acknowledged, 2 MSL timeout restarted"},
    // ICMP.
    Rule{icmp_hard_error, in(closed, listen), kStays, "3.9.2.2", "no connection to direct it to"},
    Rule{icmp_hard_error, but(closed, listen), closed, "3.9.2.2",
         "SHOULD abort: destination unreachable, codes 2-4"},
    // Timeouts.
    Rule{user_timeout, in(closed), kStays, "3.10.8", "cannot happen: there is no TCB"},
    Rule{user_timeout, but(closed), closed, "3.10.8", "the user is told"},
    Rule{retransmission_timeout, in(closed, listen), kStays, "3.10.8", kNothingSent},
    Rule{retransmission_timeout, kUnacknowledged, kStays, "3.10.8",
         "first segment of the queue sent again"},
    Rule{retransmission_timeout, in(fin_wait_2, time_wait), kStays, "3.10.8", kAllAcknowledged},
    Rule{retransmission_give_up, in(closed, listen), kStays, "3.8.3", kNothingSent},
    Rule{retransmission_give_up, in(syn_sent, syn_received), closed, "3.8.3",
         "threshold R2 reached for the SYN: at least 3 minutes"},
    Rule{retransmission_give_up, in(established, fin_wait_1, close_wait, closing, last_ack), closed,
         "3.8.3", "threshold R2 reached"},
    Rule{retransmission_give_up, in(fin_wait_2, time_wait), kStays, "3.8.3", kAllAcknowledged},
    Rule{keep_alive_give_up, in(closed, listen, syn_sent, syn_received), kStays, "3.8.4",
         "cannot happen: there is no connection yet to keep alive"},
    Rule{keep_alive_give_up, in(established, fin_wait_2, close_wait), closed, "3.8.4",
         "no probe of several was answered"},
    Rule{keep_alive_give_up, in(fin_wait_1, closing, last_ack), kStays, "3.8.4",
         "cannot happen: our FIN is outstanding"},
    Rule{keep_alive_give_up, in(time_wait), kStays, "3.8.4",
         "cannot happen: both sides have closed"},
    Rule{time_wait_timeout, in(time_wait), closed, "3.10.8", "2 MSL have passed"},
    Rule{time_wait_timeout, but(time_wait), kStays, "3.10.8",
         "cannot happen: the timer runs only in TIME-WAIT"},
};

constexpr size_t count_moves() {
  size_t moves = 0;
  for (const Rule& rule : kRules) {
    if (rule.to) moves += static_cast<size_t>(std::popcount(rule.from));
  }
  return moves;
}

// The rules that move, one row for each state they move.
constexpr auto kTransitions = [] {
  std::array<Transition, count_moves()> rows{};
  size_t next = 0;
  for (const Rule& rule : kRules) {
    for (const State from : kStates) {
      if (!rule.to || !has(rule.from, from)) continue;
      rows[next++] = {from, rule.on, *rule.to, rule.rfc9293, rule.why};
    }
  }
  return rows;
}();

// Where the row of a pair is, for machines that ask at every segment.
constexpr uint8_t kNoRow = 0xFF;
static_assert(kTransitions.size() < kNoRow);
constexpr auto kRowOf = [] {
  std::array<std::array<uint8_t, kEvents.size()>, kStates.size()> rows{};
  for (auto& of_state : rows) of_state.fill(kNoRow);
  for (size_t i = 0; i < kTransitions.size(); ++i) {
    const Transition& t = kTransitions[i];
    rows[static_cast<size_t>(t.from)][static_cast<size_t>(t.on)] = static_cast<uint8_t>(i);
  }
  return rows;
}();

// One pass over the rules: cheap enough for the step limits of constant evaluation.
constexpr bool one_rule_each() {
  std::array<std::array<int, kEvents.size()>, kStates.size()> rules{};
  for (const Rule& rule : kRules) {
    for (const State from : kStates) {
      if (has(rule.from, from)) ++rules[static_cast<size_t>(from)][static_cast<size_t>(rule.on)];
    }
  }
  for (const auto& of_state : rules) {
    for (const int number : of_state) {
      if (number != 1) return false;
    }
  }
  return true;
}
static_assert(one_rule_each(), "a pair of state and event with no rule or with several");
static_assert(std::ranges::none_of(kTransitions,
                                   [](const Transition& t) { return t.from == t.to; }));

template <class Member>
std::vector<Transition> with(Member member, State state) {
  std::vector<Transition> rows;
  std::ranges::copy_if(
      kTransitions, std::back_inserter(rows), [state](State s) { return s == state; }, member);
  return rows;
}

}  // namespace

std::span<const Transition> transitions() { return kTransitions; }

const Transition* transition(State from, Event on) {
  const uint8_t row = kRowOf[static_cast<size_t>(from)][static_cast<size_t>(on)];
  return row == kNoRow ? nullptr : &kTransitions[row];
}

std::optional<Stay> stay(State from, Event on) {
  const auto* const rule =
      std::ranges::find_if(kRules, [&](const Rule& r) { return r.on == on && has(r.from, from); });
  if (rule == kRules.end() || rule->to) return std::nullopt;
  return Stay{rule->rfc9293, rule->why};
}

std::vector<Transition> ways_into(State state) { return with(&Transition::to, state); }
std::vector<Transition> ways_out_of(State state) { return with(&Transition::from, state); }

}  // namespace tcpdx::tcp
