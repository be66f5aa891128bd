// RFC 9293's state machine as two tables: what moves, and what stays and why. The compiler checks
// that each pair of a state and an event has exactly one row.
#include "tcp/transition.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iterator>

namespace tcpdx::tcp {
namespace {

using Row = Transition;

// Grouped by event, in the order of kEvents.
constexpr std::array kTransitions{
    Row{State::closed, Event::passive_open, State::listen, "3.10.1", "a TCB is created and waits"},
    Row{State::closed, Event::active_open, State::syn_sent, "3.10.1",
        "SYN sent; without a remote socket an error"},
    Row{State::listen, Event::active_open, State::syn_sent, "3.10.1",
        "passive becomes active: SYN sent"},
    Row{State::listen, Event::send, State::syn_sent, "3.10.2",
        "passive becomes active, if the remote socket is specified: SYN sent"},
    Row{State::listen, Event::close, State::closed, "3.10.4", "TCB deleted"},
    Row{State::syn_sent, Event::close, State::closed, "3.10.4", "TCB deleted, nothing sent"},
    Row{State::syn_received, Event::close, State::fin_wait_1, "3.10.4",
        "FIN sent; with data still to send, only once ESTABLISHED"},
    Row{State::established, Event::close, State::fin_wait_1, "3.10.4", "FIN sent after all data"},
    Row{State::close_wait, Event::close, State::last_ack, "3.10.4", "FIN sent after all data"},
    Row{State::listen, Event::abort, State::closed, "3.10.5", "TCB deleted"},
    Row{State::syn_sent, Event::abort, State::closed, "3.10.5", "TCB deleted, nothing sent"},
    Row{State::syn_received, Event::abort, State::closed, "3.10.5", "RST sent"},
    Row{State::established, Event::abort, State::closed, "3.10.5", "RST sent"},
    Row{State::fin_wait_1, Event::abort, State::closed, "3.10.5", "RST sent"},
    Row{State::fin_wait_2, Event::abort, State::closed, "3.10.5", "RST sent"},
    Row{State::close_wait, Event::abort, State::closed, "3.10.5", "RST sent"},
    Row{State::closing, Event::abort, State::closed, "3.10.5", "TCB deleted, nothing sent"},
    Row{State::last_ack, Event::abort, State::closed, "3.10.5", "TCB deleted, nothing sent"},
    Row{State::time_wait, Event::abort, State::closed, "3.10.5", "TCB deleted, nothing sent"},
    Row{State::syn_sent, Event::rst, State::closed, "3.10.7.3",
        "connection refused: the RST acknowledges our SYN"},
    Row{State::syn_received, Event::rst, State::closed, "3.10.7.4",
        "connection refused, after an active OPEN"},
    Row{State::established, Event::rst, State::closed, "3.10.7.4", "connection reset"},
    Row{State::fin_wait_1, Event::rst, State::closed, "3.10.7.4", "connection reset"},
    Row{State::fin_wait_2, Event::rst, State::closed, "3.10.7.4", "connection reset"},
    Row{State::close_wait, Event::rst, State::closed, "3.10.7.4", "connection reset"},
    Row{State::closing, Event::rst, State::closed, "3.10.7.4", "TCB deleted"},
    Row{State::last_ack, Event::rst, State::closed, "3.10.7.4", "TCB deleted"},
    Row{State::time_wait, Event::rst, State::closed, "3.10.7.4", "TCB deleted"},
    Row{State::syn_received, Event::rst_after_passive_open, State::listen, "3.10.7.4",
        "back to waiting; the user need not know"},
    Row{State::syn_received, Event::syn_after_passive_open, State::listen, "3.10.7.4",
        "back to waiting: the SYN before was an old one"},
    Row{State::syn_received, Event::rst_after_reopen, State::time_wait, "3.6.1",
        "the SYN was an old duplicate"},
    Row{State::established, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::fin_wait_1, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::fin_wait_2, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::close_wait, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::closing, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::last_ack, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::time_wait, Event::other_security, State::closed, "3.10.7.4",
        "RST sent, connection reset"},
    Row{State::listen, Event::syn, State::syn_received, "3.10.7.2", "SYN,ACK sent"},
    Row{State::syn_sent, Event::syn, State::syn_received, "3.10.7.3",
        "simultaneous open: SYN,ACK sent"},
    Row{State::syn_sent, Event::syn_ack, State::established, "3.10.7.3", "ACK sent"},
    Row{State::syn_received, Event::syn_ack, State::established, "3.5",
        "simultaneous open: its ACK counts, its SYN is known (Figure 7)"},
    Row{State::time_wait, Event::new_connection_syn, State::syn_received, "3.6.1",
        "MAY reopen: SYN,ACK sent with a larger sequence number"},
    Row{State::syn_received, Event::ack_of_syn, State::established, "3.10.7.4",
        "the handshake is complete"},
    Row{State::fin_wait_1, Event::ack_of_fin, State::fin_wait_2, "3.10.7.4",
        "a FIN in the same segment then leads to TIME-WAIT"},
    Row{State::closing, Event::ack_of_fin, State::time_wait, "3.10.7.4", "2 MSL timeout started"},
    Row{State::last_ack, Event::ack_of_fin, State::closed, "3.10.7.4", "TCB deleted"},
    Row{State::syn_received, Event::fin, State::close_wait, "3.10.7.4",
        "ACK sent; listed there beside ESTABLISHED"},
    Row{State::established, Event::fin, State::close_wait, "3.10.7.4", "ACK sent"},
    Row{State::fin_wait_1, Event::fin, State::closing, "3.10.7.4",
        "ACK sent; our FIN is not acknowledged yet"},
    Row{State::fin_wait_2, Event::fin, State::time_wait, "3.10.7.4",
        "ACK sent, 2 MSL timeout started"},
    Row{State::syn_sent, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::syn_received, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::established, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::fin_wait_1, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::fin_wait_2, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::close_wait, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::closing, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::last_ack, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::time_wait, Event::icmp_hard_error, State::closed, "3.9.2.2",
        "SHOULD abort: destination unreachable, codes 2-4"},
    Row{State::listen, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::syn_sent, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::syn_received, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::established, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::fin_wait_1, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::fin_wait_2, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::close_wait, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::closing, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::last_ack, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::time_wait, Event::user_timeout, State::closed, "3.10.8", "the user is told"},
    Row{State::syn_sent, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached for the SYN: at least 3 minutes"},
    Row{State::syn_received, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::established, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::fin_wait_1, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::close_wait, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::closing, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::last_ack, Event::retransmission_give_up, State::closed, "3.8.3",
        "threshold R2 reached"},
    Row{State::established, Event::keep_alive_give_up, State::closed, "3.8.4",
        "no probe of several was answered"},
    Row{State::fin_wait_2, Event::keep_alive_give_up, State::closed, "3.8.4",
        "no probe of several was answered"},
    Row{State::close_wait, Event::keep_alive_give_up, State::closed, "3.8.4",
        "no probe of several was answered"},
    Row{State::time_wait, Event::time_wait_timeout, State::closed, "3.10.8", "2 MSL have passed"},
};

// A set of states, one bit each.
using States = uint16_t;
template <class... Which>
constexpr States in(Which... states) {
  return static_cast<States>(((1U << static_cast<unsigned>(states)) | ...));
}
constexpr bool has(States states, State state) { return (states & in(state)) != 0; }

using enum State;
constexpr States kAll = in(closed, listen, syn_sent, syn_received, established, fin_wait_1,
                           fin_wait_2, close_wait, closing, last_ack, time_wait);
constexpr States but(States without) { return static_cast<States>(kAll & ~without); }
constexpr States kSynchronized = but(in(closed, listen, syn_sent, syn_received));
constexpr States kFinFinished = in(closing, last_ack, time_wait);
constexpr States kUnacknowledged =
    in(syn_sent, syn_received, established, fin_wait_1, close_wait, closing, last_ack);

struct StayRow {
  Event on{};
  States states = 0;
  Stay why;
};

constexpr std::string_view kNoConnection = "error: connection does not exist";
constexpr std::string_view kExists = "error: connection already exists";
constexpr std::string_view kClosing = "error: connection closing";
constexpr std::string_view kReset = "RST sent, segment dropped";
constexpr std::string_view kListenReset = "RST sent: any ACK is bad in LISTEN";
constexpr std::string_view kChallenge = "challenge ACK sent, segment dropped";
constexpr std::string_view kNeither = "segment dropped: neither SYN nor RST";
constexpr std::string_view kDuplicate = "duplicate ACK ignored";
constexpr std::string_view kNoFin = "cannot happen: no FIN was sent";
constexpr std::string_view kOtherWay = "cannot happen: the way there counts only in SYN-RECEIVED";
constexpr std::string_view kNothingSent = "cannot happen: nothing was sent";
constexpr std::string_view kAllAcknowledged = "cannot happen: all that was sent is acknowledged";

constexpr std::array kStays{
    // User calls.
    StayRow{Event::passive_open, in(listen), {"3.10", "no change is mentioned"}},
    StayRow{Event::passive_open, but(in(closed, listen)), {"3.10.1", kExists}},
    StayRow{Event::active_open, but(in(closed, listen)), {"3.10.1", kExists}},
    StayRow{Event::send, in(closed), {"3.10.2", kNoConnection}},
    StayRow{Event::send, in(syn_sent, syn_received), {"3.10.2", "data queued until ESTABLISHED"}},
    StayRow{Event::send, in(established, close_wait), {"3.10.2", "data sent"}},
    StayRow{Event::send, in(fin_wait_1, fin_wait_2) | kFinFinished, {"3.10.2", kClosing}},
    StayRow{Event::receive, in(closed), {"3.10.3", kNoConnection}},
    StayRow{Event::receive,
            in(listen, syn_sent, syn_received),
            {"3.10.3", "request queued until ESTABLISHED"}},
    StayRow{Event::receive,
            in(established, fin_wait_1, fin_wait_2),
            {"3.10.3", "data delivered, or the request queued"}},
    StayRow{Event::receive,
            in(close_wait),
            {"3.10.3", "data on hand delivered, then error: connection closing"}},
    StayRow{Event::receive, kFinFinished, {"3.10.3", kClosing}},
    StayRow{Event::close, in(closed), {"3.10.4", kNoConnection}},
    StayRow{Event::close,
            in(fin_wait_1, fin_wait_2),
            {"3.10.4", "error: connection closing, no second FIN"}},
    StayRow{Event::close, kFinFinished, {"3.10.4", kClosing}},
    StayRow{Event::abort, in(closed), {"3.10.5", kNoConnection}},
    StayRow{Event::status, in(closed), {"3.10.6", kNoConnection}},
    StayRow{Event::status, but(in(closed)), {"3.10.6", "the state is returned"}},
    // Segments.
    StayRow{Event::unacceptable_segment,
            in(closed),
            {"3.10.7.1", "RST sent unless it is a RST, segment dropped"}},
    StayRow{Event::unacceptable_segment,
            in(listen),
            {"3.10.7.2", "cannot happen: no sequence number is checked"}},
    StayRow{Event::unacceptable_segment,
            in(syn_sent),
            {"3.10.7.3", "RST without acceptable ACK dropped"}},
    StayRow{Event::unacceptable_segment,
            in(syn_received) | kSynchronized,
            {"3.10.7.4", "ACK sent (for a RST only when in the window), segment dropped"}},
    StayRow{Event::rst, in(closed), {"3.10.7.1", "segment dropped"}},
    StayRow{Event::rst, in(listen), {"3.10.7.2", "RST ignored"}},
    StayRow{Event::rst_after_passive_open, but(in(syn_received)), {"3.5", kOtherWay}},
    StayRow{Event::syn_after_passive_open, but(in(syn_received)), {"3.5", kOtherWay}},
    StayRow{Event::rst_after_reopen, but(in(syn_received)), {"3.6.1", kOtherWay}},
    StayRow{Event::other_security, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::other_security, in(listen), {"3.10.7.2", kReset}},
    StayRow{Event::other_security, in(syn_sent), {"3.10.7.3", kReset}},
    StayRow{Event::other_security, in(syn_received), {"3.10.7.4", kReset}},
    StayRow{Event::syn, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::syn, in(syn_received) | kSynchronized, {"3.10.7.4", kChallenge}},
    StayRow{Event::syn_ack, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::syn_ack, in(listen), {"3.10.7.2", kListenReset}},
    StayRow{Event::syn_ack, kSynchronized, {"3.10.7.4", kChallenge}},
    StayRow{Event::new_connection_syn,
            but(in(time_wait)),
            {"3.6.1", "cannot happen: only TIME-WAIT can be reopened"}},
    StayRow{Event::unacceptable_ack, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::unacceptable_ack, in(listen), {"3.10.7.2", kListenReset}},
    StayRow{Event::unacceptable_ack, in(syn_sent), {"3.10.7.3", kReset}},
    StayRow{Event::unacceptable_ack, in(syn_received), {"3.10.7.4", kReset}},
    StayRow{Event::unacceptable_ack,
            in(established, fin_wait_1, fin_wait_2, close_wait, closing),
            {"3.10.7.4", "ACK sent, segment dropped"}},
    StayRow{
        Event::unacceptable_ack, in(last_ack, time_wait), {"3.5.2", "ACK sent, segment dropped"}},
    StayRow{Event::ack_of_syn, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::ack_of_syn, in(listen), {"3.10.7.2", kListenReset}},
    StayRow{Event::ack_of_syn, in(syn_sent), {"3.10.7.3", kNeither}},
    StayRow{Event::ack_of_syn, kSynchronized, {"3.10.7.4", kDuplicate}},
    StayRow{Event::ack, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::ack, in(listen), {"3.10.7.2", kListenReset}},
    StayRow{Event::ack, in(syn_sent), {"3.10.7.3", kNeither}},
    StayRow{Event::ack, in(syn_received), {"3.10.7.4", "RST sent: our SYN is not acknowledged"}},
    StayRow{Event::ack,
            in(established, fin_wait_1, fin_wait_2, close_wait),
            {"3.10.7.4", "send window updated"}},
    StayRow{Event::ack,
            in(closing, last_ack),
            {"3.10.7.4", "segment ignored: our FIN is not acknowledged"}},
    StayRow{Event::ack, in(time_wait), {"3.10.7.4", "nothing left to acknowledge"}},
    StayRow{Event::ack_of_fin, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::ack_of_fin, in(listen), {"3.10.7.2", kListenReset}},
    StayRow{Event::ack_of_fin, in(syn_sent), {"3.10.7.3", kNoFin}},
    StayRow{Event::ack_of_fin, in(syn_received, established, close_wait), {"3.10.7.4", kNoFin}},
    StayRow{Event::ack_of_fin, in(fin_wait_2, time_wait), {"3.10.7.4", kDuplicate}},
    StayRow{Event::text, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::text, in(listen), {"3.10.7.2", "should not be reached: segment dropped"}},
    StayRow{Event::text, in(syn_sent), {"3.10.7.3", kNeither}},
    StayRow{Event::text,
            in(syn_received),
            {"3.10.7.4", "cannot happen: its ACK led to ESTABLISHED or it was dropped"}},
    StayRow{Event::text,
            in(established, fin_wait_1, fin_wait_2),
            {"3.10.7.4", "text delivered and acknowledged"}},
    StayRow{Event::text,
            in(close_wait) | kFinFinished,
            {"3.10.7.4", "text ignored: a FIN came before"}},
    StayRow{Event::fin, in(closed), {"3.10.7.1", kReset}},
    StayRow{Event::fin,
            in(listen, syn_sent),
            {"3.10.7.4", "segment dropped: SEG.SEQ cannot be validated"}},
    StayRow{
        Event::fin, in(close_wait, closing, last_ack), {"3.10.7.4", "repeated FIN acknowledged"}},
    StayRow{Event::fin,
            in(time_wait),
            {"3.10.7.4", "repeated FIN acknowledged, 2 MSL timeout restarted"}},
    StayRow{
        Event::icmp_hard_error, in(closed, listen), {"3.9.2.2", "no connection to direct it to"}},
    // Timeouts.
    StayRow{Event::user_timeout, in(closed), {"3.10.8", "cannot happen: there is no TCB"}},
    StayRow{Event::retransmission_timeout, in(closed, listen), {"3.10.8", kNothingSent}},
    StayRow{Event::retransmission_timeout,
            kUnacknowledged,
            {"3.10.8", "first segment of the queue sent again"}},
    StayRow{Event::retransmission_timeout, in(fin_wait_2, time_wait), {"3.10.8", kAllAcknowledged}},
    StayRow{Event::retransmission_give_up, in(closed, listen), {"3.8.3", kNothingSent}},
    StayRow{Event::retransmission_give_up, in(fin_wait_2, time_wait), {"3.8.3", kAllAcknowledged}},
    StayRow{Event::keep_alive_give_up,
            in(closed, listen, syn_sent, syn_received),
            {"3.8.4", "cannot happen: there is no connection yet to keep alive"}},
    StayRow{Event::keep_alive_give_up,
            in(fin_wait_1, closing, last_ack),
            {"3.8.4", "cannot happen: our FIN is outstanding"}},
    StayRow{Event::keep_alive_give_up,
            in(time_wait),
            {"3.8.4", "cannot happen: both sides have closed"}},
    StayRow{Event::time_wait_timeout,
            but(in(time_wait)),
            {"3.10.8", "cannot happen: the timer runs only in TIME-WAIT"}},
};

constexpr bool is_row(const Transition& row, State from, Event on) {
  return row.from == from && row.on == on;
}
constexpr bool is_row(const StayRow& row, State from, Event on) {
  return row.on == on && has(row.states, from);
}

// One pass over the rows: cheap enough for the step limits of constant evaluation.
constexpr bool one_row_each() {
  std::array<std::array<int, kEvents.size()>, kStates.size()> rows{};
  const auto count = [&rows](State from, Event on) {
    ++rows[static_cast<size_t>(from)][static_cast<size_t>(on)];
  };
  for (const Row& row : kTransitions) count(row.from, row.on);
  for (const StayRow& row : kStays) {
    for (const State from : kStates) {
      if (has(row.states, from)) count(from, row.on);
    }
  }
  for (const auto& of_state : rows) {
    for (const int number : of_state) {
      if (number != 1) return false;
    }
  }
  return true;
}
static_assert(one_row_each(), "a pair of state and event with no row or with several");
static_assert(std::ranges::none_of(kTransitions, [](const Row& r) { return r.from == r.to; }));

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
  const auto* const row =
      std::ranges::find_if(kTransitions, [&](const Row& r) { return is_row(r, from, on); });
  return row == kTransitions.end() ? nullptr : row;
}

const Stay* stay(State from, Event on) {
  const auto* const row =
      std::ranges::find_if(kStays, [&](const StayRow& r) { return is_row(r, from, on); });
  return row == kStays.end() ? nullptr : &row->why;
}

std::vector<Transition> ways_into(State state) { return with(&Transition::to, state); }
std::vector<Transition> ways_out_of(State state) { return with(&Transition::from, state); }

}  // namespace tcpdx::tcp
