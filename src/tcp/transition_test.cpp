// The transition table against the golden file read out of RFC 9293, its figures and its notes.
#include "tcp/transition.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <optional>
#include <string>
#include <vector>

namespace tcpdx::tcp {
namespace {

using enum State;

std::vector<std::string> golden_lines() {
  std::ifstream file(TCPDX_SOURCE_DIR "/tests/golden/transitions.txt");
  std::vector<std::string> lines;
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with('#')) lines.push_back(line);
  }
  return lines;
}

std::string rendered(State from, Event on) {
  std::string outcome;
  if (const Transition* row = transition(from, on)) {
    outcome = fmt::format("-> {}  [{}]", to_string(row->to), row->rfc9293);
  } else if (const std::optional<Stay> kept = stay(from, on)) {
    outcome = fmt::format("stays: {}  [{}]", kept->reason, kept->rfc9293);
  }
  return fmt::format("{:<13}{:<27}{}", to_string(from), to_string(on), outcome);
}

TEST(Transition, EveryPairIsAsTheGoldenFileSays) {
  const std::vector<std::string> golden = golden_lines();
  ASSERT_EQ(golden.size(), kStates.size() * kEvents.size());
  size_t line = 0;
  for (unsigned state = 0; state < kStates.size(); ++state) {
    for (const Event on : kEvents) {
      EXPECT_EQ(rendered(static_cast<State>(state), on), golden[line]);
      ++line;
    }
  }
}

TEST(Transition, EveryPairMovesOrStaysButNotBoth) {
  for (const State from : kStates) {
    for (const Event on : kEvents) {
      EXPECT_NE(transition(from, on) != nullptr, stay(from, on).has_value())
          << to_string(from) << " " << to_string(on);
    }
  }
}

// The states after each event; an event that does not move repeats the state.
std::vector<State> walk(State state, const std::vector<Event>& events) {
  std::vector<State> states{state};
  for (const Event on : events) {
    if (const Transition* row = transition(state, on)) state = row->to;
    states.push_back(state);
  }
  return states;
}

using States = std::vector<State>;

// Every arrow of Figure 5, from the top of the drawing to its foot. Note 1 is the RST's; the arrow
// of note 2 is two events; note 3 has no arrows.
TEST(Figure5, EveryArrow) {
  struct Arrow {
    State from;
    Event on;
    State to;
  };
  const std::vector<Arrow> arrows{
      {closed, Event::passive_open, listen},
      {closed, Event::active_open, syn_sent},
      {listen, Event::close, closed},
      {syn_sent, Event::close, closed},
      {listen, Event::syn, syn_received},
      {listen, Event::send, syn_sent},
      {syn_received, Event::rst_after_passive_open, listen},
      {syn_sent, Event::syn, syn_received},
      {syn_received, Event::ack_of_syn, established},
      {syn_sent, Event::syn_ack, established},
      {syn_received, Event::close, fin_wait_1},
      {established, Event::close, fin_wait_1},
      {established, Event::fin, close_wait},
      {fin_wait_1, Event::ack_of_fin, fin_wait_2},
      {fin_wait_1, Event::fin, closing},
      {close_wait, Event::close, last_ack},
      {fin_wait_2, Event::fin, time_wait},
      {closing, Event::ack_of_fin, time_wait},
      {last_ack, Event::ack_of_fin, closed},
      {time_wait, Event::time_wait_timeout, closed},
  };
  for (const Arrow& arrow : arrows) {
    EXPECT_EQ(walk(arrow.from, {arrow.on}).back(), arrow.to)
        << to_string(arrow.from) << " " << to_string(arrow.on);
  }
}

TEST(Path, Figure6BasicHandshake) {
  EXPECT_EQ(walk(closed, {Event::active_open, Event::syn_ack, Event::send}),
            (States{closed, syn_sent, established, established}));
  EXPECT_EQ(walk(closed, {Event::passive_open, Event::syn, Event::ack_of_syn, Event::text}),
            (States{closed, listen, syn_received, established, established}));
}

TEST(Path, Figure7SimultaneousOpen) {
  EXPECT_EQ(walk(closed, {Event::active_open, Event::syn, Event::syn_ack}),
            (States{closed, syn_sent, syn_received, established}));
  // Answered by an ACK instead of SYN,ACK, as 3.10.7.4 has it for a SYN before the window.
  EXPECT_EQ(walk(syn_received, {Event::ack_of_syn}), (States{syn_received, established}));
}

TEST(Path, Figure8RecoveryFromOldDuplicateSyn) {
  EXPECT_EQ(walk(closed, {Event::active_open, Event::unacceptable_ack, Event::syn_ack}),
            (States{closed, syn_sent, syn_sent, established}));
  EXPECT_EQ(
      walk(listen, {Event::syn, Event::rst_after_passive_open, Event::syn, Event::ack_of_syn}),
      (States{listen, syn_received, listen, syn_received, established}));
}

TEST(Path, Figure9HalfOpenConnectionDiscovery) {
  EXPECT_EQ(walk(closed, {Event::active_open, Event::unacceptable_ack}),
            (States{closed, syn_sent, syn_sent}));
  EXPECT_EQ(walk(established, {Event::unacceptable_segment, Event::rst}),
            (States{established, established, closed}));
}

TEST(Path, Figure10ActiveSideCausesDiscovery) {
  EXPECT_EQ(walk(closed, {Event::text}), (States{closed, closed}));
  EXPECT_EQ(walk(established, {Event::send, Event::rst}),
            (States{established, established, closed}));
}

TEST(Path, Figure11TwoPassiveSockets) {
  EXPECT_EQ(walk(listen, {Event::syn_ack}), (States{listen, listen}));
  EXPECT_EQ(walk(listen, {Event::syn, Event::rst_after_passive_open}),
            (States{listen, syn_received, listen}));
}

TEST(Path, Figure12NormalClose) {
  EXPECT_EQ(
      walk(established, {Event::close, Event::ack_of_fin, Event::fin, Event::time_wait_timeout}),
      (States{established, fin_wait_1, fin_wait_2, time_wait, closed}));
  EXPECT_EQ(walk(established, {Event::fin, Event::close, Event::ack_of_fin}),
            (States{established, close_wait, last_ack, closed}));
}

TEST(Path, Figure13SimultaneousClose) {
  EXPECT_EQ(
      walk(established, {Event::close, Event::fin, Event::ack_of_fin, Event::time_wait_timeout}),
      (States{established, fin_wait_1, closing, time_wait, closed}));
}

TEST(Path, Figure5Note1ResetCountsTheWayIntoSynReceived) {
  EXPECT_EQ(walk(syn_received, {Event::rst_after_passive_open}), (States{syn_received, listen}));
  EXPECT_EQ(walk(syn_received, {Event::rst}), (States{syn_received, closed}));
  EXPECT_EQ(walk(syn_received, {Event::rst_after_reopen}), (States{syn_received, time_wait}));
}

TEST(Path, Figure5Note2FinWithTheAckOfOurs) {
  EXPECT_EQ(walk(fin_wait_1, {Event::ack_of_fin, Event::fin}),
            (States{fin_wait_1, fin_wait_2, time_wait}));
}

TEST(Path, OnlyTheAckOfOurFinLeavesFinWait1ForFinWait2) {
  EXPECT_EQ(walk(fin_wait_1, {Event::ack, Event::ack_of_syn, Event::unacceptable_ack, Event::text}),
            (States(5, fin_wait_1)));
}

TEST(Path, HalfClosedConnectionsStillCarryData) {  // 3.6.1
  EXPECT_EQ(walk(fin_wait_2, {Event::text, Event::receive, Event::ack}), (States(4, fin_wait_2)));
  EXPECT_EQ(walk(close_wait, {Event::send, Event::ack, Event::fin}), (States(4, close_wait)));
}

TEST(Path, ListenBecomesActive) {  // 3.10.1, 3.10.2
  EXPECT_EQ(walk(listen, {Event::send}), (States{listen, syn_sent}));
  EXPECT_EQ(walk(listen, {Event::active_open}), (States{listen, syn_sent}));
}

TEST(Path, ClosedBeforeTheHandshakeEnds) {  // 3.10.4
  EXPECT_EQ(walk(syn_received, {Event::close, Event::ack_of_fin}),
            (States{syn_received, fin_wait_1, fin_wait_2}));
  EXPECT_EQ(walk(syn_received, {Event::close, Event::ack_of_syn, Event::ack_of_fin}),
            (States{syn_received, fin_wait_1, fin_wait_1, fin_wait_2}));
  EXPECT_EQ(walk(syn_received, {Event::fin}), (States{syn_received, close_wait}));
}

TEST(Path, TextOfASynWaitsForTheHandshake) {  // 3.5, 3.10.7.2, 3.10.7.3
  EXPECT_EQ(walk(listen, {Event::syn, Event::text, Event::ack_of_syn}),
            (States{listen, syn_received, syn_received, established}));
}

TEST(Path, GiveUpsEndInClosed) {  // 3.8.3, 3.8.4, 3.10.8
  for (const Event on : {Event::user_timeout, Event::retransmission_give_up}) {
    for (const State from :
         {syn_sent, syn_received, established, fin_wait_1, close_wait, closing, last_ack}) {
      EXPECT_EQ(walk(from, {on}).back(), closed) << to_string(from) << " " << to_string(on);
    }
  }
  for (const State from : {established, fin_wait_2, close_wait}) {
    EXPECT_EQ(walk(from, {Event::keep_alive_give_up}).back(), closed) << to_string(from);
  }
  EXPECT_EQ(walk(established, {Event::retransmission_timeout}).back(), established);
}

TEST(Path, ResetAndAbortEndEverySynchronizedConnection) {  // 3.10.5, 3.10.7.4
  for (const State from :
       {established, fin_wait_1, fin_wait_2, close_wait, closing, last_ack, time_wait}) {
    EXPECT_EQ(walk(from, {Event::rst}).back(), closed) << to_string(from);
    EXPECT_EQ(walk(from, {Event::abort}).back(), closed) << to_string(from);
    EXPECT_EQ(walk(from, {Event::syn}).back(), from) << to_string(from);
  }
  EXPECT_EQ(walk(listen, {Event::rst}).back(), listen);
}

TEST(Path, TimeWaitMayBeReopened) {  // 3.6.1, MAY-2
  EXPECT_EQ(walk(time_wait, {Event::new_connection_syn, Event::ack_of_syn}),
            (States{time_wait, syn_received, established}));
  EXPECT_EQ(walk(time_wait, {Event::fin, Event::syn}), (States(3, time_wait)));
}

TEST(Ways, IntoAndOutOfEveryState) {
  size_t into = 0;
  size_t out = 0;
  for (const State state : kStates) {
    for (const Transition& row : ways_into(state)) EXPECT_EQ(row.to, state);
    for (const Transition& row : ways_out_of(state)) EXPECT_EQ(row.from, state);
    EXPECT_FALSE(ways_into(state).empty()) << to_string(state);
    EXPECT_FALSE(ways_out_of(state).empty()) << to_string(state);
    into += ways_into(state).size();
    out += ways_out_of(state).size();
  }
  EXPECT_EQ(into, transitions().size());
  EXPECT_EQ(out, transitions().size());
}

TEST(Ways, EveryRowSaysWhyAndWhere) {
  for (const Transition& row : transitions()) {
    EXPECT_TRUE(row.rfc9293.starts_with("3.")) << to_string(row.on);
    EXPECT_FALSE(row.note.empty()) << to_string(row.from) << " " << to_string(row.on);
  }
}

}  // namespace
}  // namespace tcpdx::tcp
