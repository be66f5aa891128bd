// States of both ends, filled from RFC 9293's figures and section 3.10, and from RFC 5961.
#include <gtest/gtest.h>

#include "track/test_story.hpp"

namespace tcpdx::track {
namespace {

using namespace story;

const Party kOriginator = Party::originator;
const Party kResponder = Party::responder;

TEST(machine, a_handshake_as_in_figure_6) {
  const Told got = told(opened());
  ASSERT_EQ(got.connections.size(), 1U);
  const Connection& one = got.connections[0];
  EXPECT_EQ(states_of(one, kOriginator), "SYN-SENT! ESTABLISHED!");
  // Only its own data or FIN would prove that the third segment arrived.
  EXPECT_EQ(states_of(one, kResponder), "SYN-RECEIVED! ESTABLISHED~");
  EXPECT_EQ(one.timeline[0].from, tcp::State::closed);
  EXPECT_EQ(one.timeline[1].from, tcp::State::listen);
  EXPECT_TRUE(one.role_seen);
  EXPECT_TRUE(one.handshake.complete);
  EXPECT_EQ(one.handshake.server_rtt, Duration(20'000));
  EXPECT_EQ(one.handshake.client_rtt, Duration(30));
  EXPECT_EQ(one.vantage, Vantage::originator);
  EXPECT_EQ(one.close.how, CloseHow::open);
}

TEST(machine, a_syn_ack_alone_leaves_the_server_half_open) {
  const Told got = told({{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                         {.us = 9, .from = kServer, .flags = "S.", .seq = 500, .ack = 101}});
  ASSERT_EQ(got.connections.size(), 1U);
  EXPECT_EQ(got.connections[0].side(kResponder).state, tcp::State::syn_received);
  EXPECT_FALSE(got.connections[0].handshake.complete);
}

TEST(machine, a_syn_ack_again_tells_that_the_third_segment_was_lost) {
  const Told got =
      told(opened({{.us = 1'020'000, .from = kServer, .flags = "S.", .seq = 500, .ack = 101}}));
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(states_of(one, kResponder), "SYN-RECEIVED!");
  EXPECT_EQ(one.side(kOriginator).state, tcp::State::established);
  EXPECT_TRUE(has_anomaly(one, AnomalyKind::third_ack_lost));
  EXPECT_EQ(one.handshake.syn_ack_retransmits, 1U);
}

TEST(machine, a_close_as_in_figure_12) {
  const Told got = told(opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 501, .ack = 102},
      {.us = 60'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 102},
      {.us = 60'010, .from = kClient, .flags = ".", .seq = 102, .ack = 502},
  }));
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(states_of(one, kOriginator),
            "SYN-SENT! ESTABLISHED! FIN-WAIT-1! FIN-WAIT-2~ TIME-WAIT!");
  EXPECT_EQ(states_of(one, kResponder), "SYN-RECEIVED! ESTABLISHED~ CLOSE-WAIT! LAST-ACK! CLOSED~");
  EXPECT_EQ(one.close.how, CloseHow::fin);
  EXPECT_EQ(one.close.first, CloseFirst::originator);
  EXPECT_EQ(one.history, "ShAFaf");
}

// With data of its own on the way the end may have closed before, and its FIN may wait behind: what
// looks like CLOSE-WAIT may be CLOSING (3.10.4).
TEST(machine, with_data_under_way_close_wait_is_no_proof) {
  const Told got = told(opened({
      {.us = 25'000, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 10},
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 511, .ack = 102},
  }));
  EXPECT_EQ(states_of(got.connections.at(0), kResponder), "SYN-RECEIVED! ESTABLISHED~ CLOSE-WAIT~");
}

TEST(machine, a_simultaneous_close_as_in_figure_13) {
  const Told got = told(opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 31'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 101},
      {.us = 31'010, .from = kClient, .flags = ".", .seq = 102, .ack = 502},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 502, .ack = 102},
  }));
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(states_of(one, kOriginator), "SYN-SENT! ESTABLISHED! FIN-WAIT-1! CLOSING! TIME-WAIT~");
  EXPECT_EQ(one.side(kResponder).state, tcp::State::time_wait);
  EXPECT_EQ(one.close.first, CloseFirst::both);
}

// Crossing FINs, and the ACK of the first was lost. Linux takes that of the other's repeated FIN.
std::vector<Line> crossing(uint32_t ack_again) {
  return opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 40'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 101},
      {.us = 40'010, .from = kClient, .flags = ".", .seq = 102, .ack = 502},
      {.us = 900'000, .from = kServer, .flags = "F.", .seq = 501, .ack = ack_again},
  });
}

TEST(machine, a_repeated_fin_acknowledges_the_one_that_crossed_it) {
  const Told got = told(crossing(102));
  EXPECT_EQ(states_of(got.connections.at(0), kOriginator),
            "SYN-SENT! ESTABLISHED! FIN-WAIT-1! CLOSING! TIME-WAIT~");
}

TEST(machine, a_repeated_fin_that_acknowledges_less_leaves_it_closing) {
  const Told got = told(crossing(101));
  EXPECT_EQ(states_of(got.connections.at(0), kOriginator),
            "SYN-SENT! ESTABLISHED! FIN-WAIT-1! CLOSING!");
}

TEST(machine, a_simultaneous_open_as_in_figure_7) {
  const Told got = told({
      {.us = 0, .from = kClient, .flags = "S", .seq = 100},
      {.us = 10'000, .from = kServer, .flags = "S", .seq = 500},
      {.us = 10'005, .from = kClient, .flags = "S.", .seq = 100, .ack = 501},
      {.us = 20'000, .from = kServer, .flags = "S.", .seq = 500, .ack = 101},
      {.us = 20'005, .from = kClient, .flags = ".", .seq = 101, .ack = 501, .length = 10},
  });
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(states_of(one, kOriginator), "SYN-SENT! SYN-RECEIVED! ESTABLISHED!");
  EXPECT_TRUE(has_anomaly(one, AnomalyKind::simultaneous_open));
  EXPECT_EQ(one.side(kOriginator).retransmissions, 1U);  // its SYN-ACK has the SYN again
}

TEST(machine, a_fin_behind_a_gap_waits_until_it_is_filled) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 100},
      {.us = 31'000, .from = kServer, .flags = "F.", .seq = 701, .ack = 101},
  });
  EXPECT_EQ(told(lines).connections.at(0).side(kOriginator).state, tcp::State::established);
  lines.push_back(
      {.us = 90'000, .from = kServer, .flags = "P.", .seq = 601, .ack = 101, .length = 100});
  EXPECT_EQ(told(lines).connections.at(0).side(kOriginator).state, tcp::State::close_wait);
}

TEST(machine, a_challenge_ack_does_not_acknowledge_the_fin) {
  const Told got = told(opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101},
  }));
  EXPECT_EQ(got.connections.at(0).side(kOriginator).state, tcp::State::fin_wait_1);
}

TEST(machine, a_fin_again_means_that_its_ack_did_not_arrive) {
  const Told got = told(opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 501, .ack = 102},
      {.us = 260'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
  }));
  EXPECT_EQ(got.connections.at(0).side(kOriginator).state, tcp::State::fin_wait_1);
  EXPECT_EQ(got.connections.at(0).side(kOriginator).retransmissions, 1U);
}

TEST(machine, idle_time_splits_nothing_and_strays_are_folded) {
  const int64_t hour = 3'600'000'000;
  const Told got = told(opened({
      {.us = hour, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 5},
      {.us = hour + 20'000, .from = kServer, .flags = "R.", .seq = 501, .ack = 106},
      {.us = hour + 30'000, .from = kServer, .flags = "R.", .seq = 501, .ack = 106, .ip_id = 7},
  }));
  ASSERT_EQ(got.connections.size(), 1U);
  EXPECT_EQ(got.connections[0].close.how, CloseHow::reset);
  EXPECT_EQ(got.connections[0].side(kResponder).resets, 2U);
}

TEST(machine, another_isn_after_time_wait_is_another_connection) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 102},
      {.us = 50'010, .from = kClient, .flags = ".", .seq = 102, .ack = 502},
      {.us = 900'000, .from = kClient, .flags = "S", .seq = 70'000},
      {.us = 920'000, .from = kServer, .flags = "S.", .seq = 90'000, .ack = 70'001},
  });
  const Told got = told(lines);
  ASSERT_EQ(got.connections.size(), 2U);
  EXPECT_EQ(got.connections[1].first_frame, 7U);
  EXPECT_TRUE(has_anomaly(got.connections[1], AnomalyKind::port_reuse));
  EXPECT_EQ(got.connections[1].side(kResponder).state, tcp::State::syn_received);
}

TEST(machine, a_syn_repeated_is_the_same_connection) {
  const Told got = told({{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                         {.us = 1'000'000, .from = kClient, .flags = "S", .seq = 100},
                         {.us = 3'000'000, .from = kClient, .flags = "S", .seq = 100}});
  ASSERT_EQ(got.connections.size(), 1U);
  EXPECT_EQ(got.connections[0].handshake.syn_retransmits, 2U);
  EXPECT_EQ(got.connections[0].side(kOriginator).state, tcp::State::syn_sent);
  EXPECT_EQ(got.connections[0].side(kResponder).state, std::nullopt);
}

TEST(machine, a_syn_in_a_connection_is_answered_before_it_counts) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = "S", .seq = 70'000},
      {.us = 50'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101},
  });
  const Told challenged = told(lines);
  ASSERT_EQ(challenged.connections.size(), 1U);
  EXPECT_TRUE(has_anomaly(challenged.connections[0], AnomalyKind::syn_in_connection));
  EXPECT_TRUE(has_anomaly(challenged.connections[0], AnomalyKind::challenge_ack));
  lines.back() = {.us = 50'000, .from = kServer, .flags = "S.", .seq = 9000, .ack = 70'001};
  const Told taken = told(lines);
  ASSERT_EQ(taken.connections.size(), 2U);
  EXPECT_EQ(taken.connections[1].first_frame, 4U);
  uint64_t packets = 0;
  for (const Connection& one : taken.connections) {
    packets += one.sides[0].packets + one.sides[1].packets;
  }
  EXPECT_EQ(packets, lines.size());
}

TEST(machine, joins_in_the_middle_without_claiming_more) {
  const Told got = told({
      {.us = 0, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 100},
      {.us = 20'000, .from = kClient, .flags = ".", .seq = 101, .ack = 601},
      {.us = 30'000, .from = kServer, .flags = "F.", .seq = 601, .ack = 101},
  });
  const Connection& one = got.connections.at(0);
  EXPECT_FALSE(one.role_seen);
  EXPECT_EQ(one.responder, kServerEnd);  // port 80
  EXPECT_TRUE(has_anomaly(one, AnomalyKind::mid_stream));
  EXPECT_EQ(one.timeline[0].from, std::nullopt);
  EXPECT_EQ(one.timeline[0].certainty, Certainty::inferred);
}

TEST(machine, a_syn_captured_behind_its_answer_still_opens) {
  const Told got = told({
      {.us = 0, .from = kServer, .flags = "S.", .seq = 500, .ack = 101},
      {.us = 1, .from = kClient, .flags = "S", .seq = 100},
      {.us = 40'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501},
  });
  ASSERT_EQ(got.connections.size(), 1U);
  EXPECT_EQ(got.connections[0].originator, kClientEnd);
  EXPECT_EQ(got.connections[0].side(kOriginator).state, tcp::State::established);
}

TEST(machine, equal_ends_in_other_vlans_are_other_connections) {
  std::vector<Line> lines = opened();
  for (const Line& line : opened()) {
    lines.push_back(line);
    lines.back().link = 2;
  }
  const Told got = told(lines);
  ASSERT_EQ(got.connections.size(), 2U);
  EXPECT_EQ(got.connections[1].vlans, std::vector<uint16_t>{20});
}

// --- What is unusual.

bool notes(const std::vector<Line>& lines, AnomalyKind kind) {
  const Told got = told(lines);
  return has_anomaly(got.connections.back(), kind);
}

TEST(oddities, data_behind_the_fin) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 101},
      {.us = 31'000, .from = kServer, .flags = "P.", .seq = 502, .ack = 101, .length = 10},
  });
  EXPECT_TRUE(notes(lines, AnomalyKind::data_after_fin));
  lines.back() = {.us = 31'000, .from = kServer, .flags = ".", .seq = 502, .ack = 101};
  EXPECT_FALSE(notes(lines, AnomalyKind::data_after_fin));
}

TEST(oddities, data_in_a_syn) {
  std::vector<Line> lines = opened();
  EXPECT_FALSE(notes(lines, AnomalyKind::data_in_syn));
  lines[0].length = 12;
  EXPECT_TRUE(notes(lines, AnomalyKind::data_in_syn));
}

TEST(oddities, a_window_whose_right_edge_moves_back) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501, .window = 9000},
      {.us = 31'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501, .window = 8000},
  });
  EXPECT_TRUE(notes(lines, AnomalyKind::window_shrunk));
  lines[3].window = 7000;
  lines[2].window = 7000;
  EXPECT_FALSE(notes(lines, AnomalyKind::window_shrunk));
}

TEST(oddities, one_direction_alone) {
  std::vector<Line> lines{{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                          {.us = 20'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501}};
  EXPECT_TRUE(notes(lines, AnomalyKind::one_way));
  EXPECT_EQ(told(lines).connections.at(0).side(kResponder).state, tcp::State::established);
  lines.back() = {.us = 1'000'000, .from = kClient, .flags = "S", .seq = 100};
  EXPECT_FALSE(notes(lines, AnomalyKind::one_way));
}

TEST(oddities, data_that_a_reset_refuses) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 10},
      {.us = 31'000, .from = kServer, .flags = "R.", .seq = 501, .ack = 101},
  });
  EXPECT_TRUE(notes(lines, AnomalyKind::data_refused_by_reset));
  lines.insert(lines.end() - 1,
               Line{.us = 30'500, .from = kServer, .flags = ".", .seq = 501, .ack = 111});
  EXPECT_FALSE(notes(lines, AnomalyKind::data_refused_by_reset));
}

TEST(oddities, a_syn_behind_its_answer_and_another_answer) {
  EXPECT_TRUE(notes({{.us = 0, .from = kServer, .flags = "S.", .seq = 500, .ack = 101},
                     {.us = 1, .from = kClient, .flags = "S", .seq = 100}},
                    AnomalyKind::capture_reordered));
  std::vector<Line> lines = opened();
  EXPECT_FALSE(notes(lines, AnomalyKind::capture_reordered));
  EXPECT_FALSE(notes(lines, AnomalyKind::syn_ack_changed));
  lines[2] = {.us = 30'000, .from = kServer, .flags = "S.", .seq = 800, .ack = 101};
  EXPECT_TRUE(notes(lines, AnomalyKind::syn_ack_changed));
}

// --- RST: RFC 9293 3.10.7, RFC 5961 3.2.

TEST(machine, a_refused_connection) {
  const Told got = told({{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                         {.us = 30, .from = kServer, .flags = "R.", .seq = 0, .ack = 101}});
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(states_of(one, kOriginator), "SYN-SENT! CLOSED~");
  EXPECT_EQ(states_of(one, kResponder), "CLOSED!");
  EXPECT_EQ(one.close.reset_by, ResetBy::responder);
}

TEST(machine, a_reset_that_does_not_acknowledge_the_syn_is_refused) {
  // As a forger sent it in a known capture: the ISN, not ISN + 1.
  const Told got = told({
      {.us = 0, .from = kClient, .flags = "S", .seq = 100},
      {.us = 20, .from = kServer, .flags = "R.", .seq = 0, .ack = 100, .ttl = 46},
      {.us = 90, .from = kServer, .flags = "S.", .seq = 500, .ack = 101, .ttl = 49},
      {.us = 95, .from = kClient, .flags = ".", .seq = 101, .ack = 501},
      {.us = 99, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 175},
  });
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(one.side(kOriginator).state, tcp::State::established);
  EXPECT_EQ(one.side(kResponder).refused_resets, 1U);
  EXPECT_EQ(one.close.how, CloseHow::open);
}

TEST(machine, a_reset_in_the_window_but_not_at_its_edge_is_refused) {
  std::vector<Line> lines =
      opened({{.us = 30'000, .from = kServer, .flags = "R", .seq = 600, .ttl = 200}});
  const Connection refused = told(lines).connections.at(0);
  EXPECT_EQ(refused.side(kOriginator).state, tcp::State::established);
  EXPECT_EQ(refused.side(kResponder).refused_resets, 1U);
  EXPECT_TRUE(has_anomaly(refused, AnomalyKind::refused_reset));
  lines.back().seq = 501;
  const Connection taken = told(lines).connections.at(0);
  EXPECT_EQ(taken.side(kOriginator).state, tcp::State::closed);
  EXPECT_EQ(taken.close.reset_by, ResetBy::responder);
}

TEST(machine, a_reset_with_a_strange_ttl_is_a_third_partys) {
  std::vector<Line> lines = opened();
  for (uint32_t i = 0; i < 4; ++i) {
    lines.push_back({.us = 30'000 + i,
                     .from = kServer,
                     .flags = "P.",
                     .seq = 501 + i * 10,
                     .ack = 101,
                     .length = 10,
                     .ttl = 50});
  }
  lines[1].ttl = 50;
  lines.push_back({.us = 40'000, .from = kServer, .flags = "R", .seq = 541, .ttl = 61});
  const Connection one = told(lines).connections.at(0);
  EXPECT_EQ(one.close.reset_by, ResetBy::third_party);
  EXPECT_EQ(one.side(kOriginator).state, tcp::State::closed);
  EXPECT_NE(one.side(kResponder).state, tcp::State::closed);
  lines.back().ttl = 50;
  EXPECT_EQ(told(lines).connections.at(0).close.reset_by, ResetBy::responder);
}

// --- Timers.

TEST(machine, time_wait_ends_only_where_the_capture_goes_on) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = "F.", .seq = 101, .ack = 501},
      {.us = 50'000, .from = kServer, .flags = "F.", .seq = 501, .ack = 102},
      {.us = 50'010, .from = kClient, .flags = ".", .seq = 102, .ack = 502},
  });
  EXPECT_EQ(told(lines).connections.at(0).side(kOriginator).state, tcp::State::time_wait);
  lines.push_back({.us = 61'000'000, .from = kClient, .flags = "S", .seq = 1, .link = 1});
  const Connection one = told(lines).connections.at(0);
  EXPECT_EQ(one.side(kOriginator).state, tcp::State::closed);
  const StateChange& last = one.timeline.back();
  EXPECT_EQ(last.cause, Cause::time_wait_over);
  EXPECT_EQ(last.frame, 0U);
  EXPECT_EQ(last.certainty, Certainty::inferred);
  EXPECT_EQ(last.at, Duration(60'050'010));
}

TEST(machine, an_attempt_gives_up) {
  const Told got = told({{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                         {.us = 140'000'000, .from = kClient, .flags = "S", .seq = 1, .link = 1}});
  EXPECT_EQ(states_of(got.connections.at(0), kOriginator), "SYN-SENT! CLOSED~");
  EXPECT_EQ(got.connections[0].close.how, CloseHow::open);
}

}  // namespace
}  // namespace tcpdx::track
