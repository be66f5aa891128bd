// What sequence numbers, times and windows say: docs/metrics.md, filled from the RFCs it names.
#include <gtest/gtest.h>

#include "track/test_story.hpp"

namespace tcpdx::track {
namespace {

using namespace story;

const ConnectionSide& server_of(const Told& got) {
  return got.connections.at(0).side(Party::responder);
}
const ConnectionSide& client_of(const Told& got) {
  return got.connections.at(0).side(Party::originator);
}

// Data of the server, 1000 octets each, as three segments.
std::vector<Line> three_segments(std::vector<Line> more) {
  std::vector<Line> lines = opened();
  for (uint32_t i = 0; i < 3; ++i) {
    lines.push_back({.us = 30'000 + i * 100,
                     .from = kServer,
                     .flags = ".",
                     .seq = 501 + i * 1000,
                     .ack = 101,
                     .length = 1000});
  }
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

TEST(measure, counts_octets_once_and_all_of_them) {
  const Told got = told(three_segments(
      {{.us = 300'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101, .length = 1000}}));
  EXPECT_EQ(server_of(got).bytes, 4000U);
  EXPECT_EQ(server_of(got).unique_bytes, 3000U);
  EXPECT_EQ(server_of(got).packets, 5U);
  EXPECT_EQ(server_of(got).retransmissions, 1U);
  EXPECT_EQ(server_of(got).spurious_retransmissions, 0U);
}

TEST(measure, a_repeat_of_what_was_acknowledged_is_spurious) {
  const Told got = told(three_segments({
      {.us = 31'000, .from = kClient, .flags = ".", .seq = 101, .ack = 3501},
      {.us = 300'000, .from = kServer, .flags = ".", .seq = 2501, .ack = 101, .length = 1000},
  }));
  EXPECT_EQ(server_of(got).retransmissions, 1U);
  EXPECT_EQ(server_of(got).spurious_retransmissions, 1U);
}

TEST(measure, a_repeat_right_behind_duplicate_acks_is_fast) {
  std::vector<Line> more{{.us = 31'000, .from = kClient, .flags = ".", .seq = 101, .ack = 1501}};
  for (int i = 1; i <= 3; ++i) {
    more.push_back({.us = 31'000 + i, .from = kClient, .flags = ".", .seq = 101, .ack = 1501});
  }
  more.push_back(
      {.us = 40'000, .from = kServer, .flags = ".", .seq = 1501, .ack = 101, .length = 1000});
  const Told got = told(three_segments(more));
  EXPECT_EQ(client_of(got).duplicate_acks, 3U);
  EXPECT_EQ(server_of(got).fast_retransmissions, 1U);
  more.back().us = 400'000;  // a timer's
  EXPECT_EQ(server_of(told(three_segments(more))).fast_retransmissions, 0U);
}

TEST(measure, what_comes_late_is_out_of_order_and_what_comes_later_was_sent_again) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kServer, .flags = ".", .seq = 1501, .ack = 101, .length = 1000},
      {.us = 30'500, .from = kServer, .flags = ".", .seq = 501, .ack = 101, .length = 1000},
  });
  Told got = told(lines);
  EXPECT_EQ(server_of(got).out_of_order, 1U);
  EXPECT_EQ(server_of(got).retransmissions, 0U);
  EXPECT_EQ(server_of(got).lost_segments, 1U);
  lines.back().us = 300'000;
  got = told(lines);
  EXPECT_EQ(server_of(got).out_of_order, 0U);
  EXPECT_EQ(server_of(got).retransmissions, 1U);
  EXPECT_EQ(server_of(got).unique_bytes, 2000U);
}

TEST(measure, what_the_capture_doubled_is_no_retransmission) {
  std::vector<Line> lines = opened({{.us = 30'000,
                                     .from = kServer,
                                     .flags = ".",
                                     .seq = 501,
                                     .ack = 101,
                                     .length = 9,
                                     .ip_id = 77}});
  lines.push_back(lines.back());
  lines.back().us += 30;
  lines.back().interface = 1;
  Told got = told(lines);
  EXPECT_EQ(server_of(got).capture_duplicates, 1U);
  EXPECT_EQ(server_of(got).retransmissions, 0U);
  EXPECT_EQ(server_of(got).packets, 3U);
  lines.back().ip_id = 78;  // sent again
  lines.back().us = 400'000;
  got = told(lines);
  EXPECT_EQ(server_of(got).capture_duplicates, 0U);
  EXPECT_EQ(server_of(got).retransmissions, 1U);
}

TEST(measure, linux_probes_are_told_apart_by_the_window) {
  const Told open = told(opened({
      {.us = 9'000'000, .from = kServer, .flags = ".", .seq = 500, .ack = 101},
      {.us = 9'020'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501},
  }));
  EXPECT_EQ(server_of(open).keep_alives, 1U);
  EXPECT_EQ(client_of(open).duplicate_acks, 0U);
  const Told closed = told(opened({
      {.us = 30'000, .from = kClient, .flags = ".", .seq = 101, .ack = 501, .window = 0},
      {.us = 300'000, .from = kServer, .flags = ".", .seq = 500, .ack = 101},
  }));
  EXPECT_EQ(server_of(closed).zero_window_probes, 1U);
  EXPECT_EQ(server_of(closed).keep_alives, 0U);
  EXPECT_EQ(client_of(closed).zero_windows, 1U);
}

TEST(measure, a_single_octet_sent_again_is_no_keep_alive) {
  const Told got = told(opened({
      {.us = 30'000, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 1},
      {.us = 300'000, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 1},
  }));
  EXPECT_EQ(server_of(got).keep_alives, 0U);
  EXPECT_EQ(server_of(got).retransmissions, 1U);
}

TEST(measure, what_was_acknowledged_and_not_captured_is_missing) {
  const Told got = told(opened({
      {.us = 30'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101, .length = 1000},
      {.us = 30'100, .from = kServer, .flags = ".", .seq = 2501, .ack = 101, .length = 1000},
      {.us = 31'000, .from = kClient, .flags = ".", .seq = 101, .ack = 3501},
  }));
  EXPECT_EQ(server_of(got).missed_bytes, 1000U);
  EXPECT_EQ(server_of(got).unique_bytes, 2000U);
  EXPECT_TRUE(has_anomaly(got.connections[0], AnomalyKind::capture_loss));
}

TEST(measure, a_full_window_is_seen) {
  std::vector<Line> lines = opened();
  lines[2].window = 1000;
  lines.push_back(
      {.us = 30'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101, .length = 1000});
  EXPECT_EQ(server_of(told(lines)).window_full, 1U);
  lines.back().length = 999;
  EXPECT_EQ(server_of(told(lines)).window_full, 0U);
}

TEST(measure, round_trips_leave_repeats_out) {
  std::vector<Line> lines = opened({
      {.us = 30'000, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 10},
      {.us = 55'000, .from = kServer, .flags = ".", .seq = 501, .ack = 111},
  });
  Told got = told(lines);
  ASSERT_TRUE(client_of(got).rtt.has_value());
  EXPECT_EQ(client_of(got).rtt->samples, 2U);  // the SYN and the data
  EXPECT_EQ(client_of(got).rtt->max, Duration(25'000));
  // Karn: RFC 6298 3.
  lines.insert(
      lines.end() - 1,
      Line{.us = 40'000, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 10});
  got = told(lines);
  EXPECT_EQ(client_of(got).rtt->samples, 1U);
}

TEST(measure, a_segment_from_far_outside_moves_nothing) {
  const Told got = told(opened({
      {.us = 30'000, .from = kServer, .flags = ".", .seq = 1'000'000'000, .ack = 101, .length = 10},
      {.us = 31'000, .from = kServer, .flags = ".", .seq = 501, .ack = 101, .length = 10},
  }));
  EXPECT_EQ(server_of(got).lost_segments, 0U);
  EXPECT_EQ(server_of(got).retransmissions, 0U);
}

}  // namespace
}  // namespace tcpdx::track
