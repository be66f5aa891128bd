// The tracker as a whole: memory, checksums, ICMP errors, what it keeps of a flood.
#include "track/tracker.hpp"

#include <gtest/gtest.h>

#include "track/flow_table.hpp"
#include "track/half_open.hpp"
#include "track/record.hpp"
#include "track/rtt.hpp"
#include "track/test_story.hpp"

namespace tcpdx::track {
namespace {

using namespace story;

// What a table of a million must hold (docs/performance.md): a record and its place in the table,
// which is at least three eighths full.
static_assert(sizeof(Record) <= 496);
static_assert(sizeof(HalfOpen4) + 8 * 8 / 3 <= 64);

Line spoofed(uint32_t number) {
  return {.us = 25'000 + number, .from = kClient, .flags = "S", .seq = number};
}

Sighting spoofed_syn(uint32_t number, uint64_t frame) {
  Sighting syn = sighting_of(spoofed(number), frame);
  syn.packet.source = ipv4(10, static_cast<uint8_t>(number >> 16U),
                           static_cast<uint8_t>(number >> 8U), static_cast<uint8_t>(number));
  return syn;
}

struct Flood {
  Heard heard;
  Totals totals;
};

// A real connection before and after `count` SYNs that nobody answers.
void run_flood(uint32_t count, uint64_t memory, Flood& out) {
  const std::vector<wire::LinkPath> links(1);
  Options options;
  options.memory = memory;
  Tracker tracker(options, links, out.heard);
  uint64_t frame = 0;
  for (const Line& line : opened()) {
    const Sighting one = sighting_of(line, ++frame);
    tracker.take({&one, 1});
  }
  for (uint32_t i = 0; i < count; ++i) {
    const Sighting one = spoofed_syn(i, ++frame);
    tracker.take({&one, 1});
  }
  const Sighting data = sighting_of(
      {.us = 9'000'000, .from = kClient, .flags = "P.", .seq = 101, .ack = 501, .length = 50},
      ++frame);
  tracker.take({&data, 1});
  out.totals = tracker.totals();
  tracker.finish();
}

const Connection* real_one(const Heard& heard) {
  for (const Connection& one : heard.connections) {
    if (one.originator == kClientEnd) return &one;
  }
  return nullptr;
}

// Reset, heard from again, and reset again: its two ends in sight come due together.
TEST(tracker, a_connection_that_was_over_twice_ends_once) {
  std::vector<Line> lines = opened();
  lines.push_back({.us = 30'000, .from = kServer, .flags = "R.", .seq = 501, .ack = 101});
  lines.push_back(
      {.us = 5'000'000, .from = kServer, .flags = "P.", .seq = 501, .ack = 101, .length = 10});
  lines.push_back({.us = 5'100'000, .from = kServer, .flags = "R.", .seq = 511, .ack = 101});
  lines.push_back({.us = 200'000'000, .from = kClient, .flags = "S", .seq = 900, .link = 1});
  const std::vector<Connection> all = told(lines).connections;
  ASSERT_EQ(all.size(), 2U);
  EXPECT_TRUE(has_anomaly(all[0], AnomalyKind::forged_reset));
  EXPECT_EQ(all[0].side(Party::responder).resets, 2U);
}

TEST(tracker, a_flood_leaves_the_real_connection_whole) {
  Flood flood;
  run_flood(50'000, uint64_t{1} << 30U, flood);
  EXPECT_EQ(flood.totals.half_open, 50'000U);
  EXPECT_EQ(flood.totals.dropped_half_open, 0U);
  EXPECT_LT(flood.totals.peak_memory, 50'000 * 64 + 4096U);
  ASSERT_EQ(flood.heard.connections.size(), 50'001U);
  ASSERT_NE(real_one(flood.heard), nullptr);
  EXPECT_EQ(real_one(flood.heard)->side(Party::originator).bytes, 50U);
  EXPECT_EQ(flood.heard.connections[5].id, 6U);
}

TEST(tracker, beyond_its_memory_it_forgets_half_open_ones_and_counts_them) {
  Flood flood;
  run_flood(50'000, 1'000'000, flood);
  EXPECT_GT(flood.totals.dropped_half_open, 10'000U);
  EXPECT_EQ(flood.totals.dropped_early, 0U);
  EXPECT_LT(flood.totals.peak_memory, 1'100'000U);
  EXPECT_EQ(flood.heard.connections.size() + flood.totals.dropped_half_open, 50'001U);
  ASSERT_NE(real_one(flood.heard), nullptr);
  EXPECT_EQ(real_one(flood.heard)->handshake.complete, true);
  EXPECT_EQ(real_one(flood.heard)->side(Party::originator).bytes, 50U);
}

TEST(tracker, a_half_open_syn_keeps_what_its_record_needs) {
  Sighting syn = sighting_of({.us = 12, .from = kClient, .flags = "S", .seq = 77, .ttl = 61}, 9);
  const std::array<std::byte, 20> options{std::byte{2}, std::byte{4}, std::byte{5}, std::byte{0xb4},
                                          std::byte{4}, std::byte{2}, std::byte{8}, std::byte{10},
                                          std::byte{1}, std::byte{2}, std::byte{3}, std::byte{4},
                                          std::byte{0}, std::byte{0}, std::byte{0}, std::byte{0},
                                          std::byte{1}, std::byte{3}, std::byte{3}, std::byte{7}};
  syn.packet.options = options;
  const int64_t start = syn.time_ns - 5000;
  ASSERT_TRUE(fits_half_open(syn, start));
  HalfOpen4 half;
  pack(syn, start, half);
  OptionBytes room{};
  const Sighting back = unpack(half, start, room);
  EXPECT_EQ(back.frame, 9U);
  EXPECT_EQ(back.time_ns, syn.time_ns);
  EXPECT_EQ(back.packet.source, syn.packet.source);
  EXPECT_EQ(back.packet.destination_port, 80);
  EXPECT_EQ(back.packet.seq, Seq{77});
  EXPECT_EQ(back.packet.ttl, 61);
  EXPECT_EQ(back.packet.window, 65535);
  wire::TcpOptions read;
  EXPECT_TRUE(wire::parse_tcp_options(back.packet.options, read));
  EXPECT_EQ(read.mss, 1460);
  EXPECT_EQ(read.window_scale, 7);
  EXPECT_TRUE(read.sack_permitted);
  EXPECT_TRUE(read.timestamps.has_value());
}

TEST(tracker, segments_that_fail_their_checksum_move_nothing) {
  const Told got = told(opened({{.us = 30'000,
                                 .from = kServer,
                                 .flags = "R",
                                 .seq = 501,
                                 .checksum = wire::Checksum::wrong}}));
  const Connection& one = got.connections.at(0);
  EXPECT_EQ(one.side(Party::originator).state, tcp::State::established);
  EXPECT_EQ(one.side(Party::responder).bad_checksums, 1U);
  EXPECT_EQ(one.side(Party::responder).packets, 2U);
}

TEST(tracker, where_every_checksum_is_wrong_none_counts) {
  std::vector<Line> lines = opened();
  for (Line& line : lines) line.checksum = wire::Checksum::wrong;
  const Told got = told(lines);
  EXPECT_EQ(got.connections.at(0).side(Party::originator).state, tcp::State::established);
  EXPECT_TRUE(has_anomaly(got.connections[0], AnomalyKind::bad_checksum));
}

// --- ICMP errors: RFC 5927 4.1, RFC 9293 3.9.2.2.

Connection after_icmp(Seq quoted, uint8_t code) {
  const std::vector<wire::LinkPath> links(1);
  Heard heard;
  Tracker tracker({}, links, heard);
  const Sighting syn = sighting_of({.us = 0, .from = kClient, .flags = "S", .seq = 100}, 1);
  tracker.take({&syn, 1});
  wire::IcmpError error;
  error.cause = {.type = wire::icmp4::kUnreachable, .code = code};
  error.reporter = ipv4(198, 51, 100, 1);
  error.quoted.source = kClientEnd.addr;
  error.quoted.destination = kServerEnd.addr;
  error.source_port = kClientEnd.port;
  error.destination_port = kServerEnd.port;
  error.seq = quoted;
  tracker.take(error, 0, 2, syn.time_ns + 1000);
  tracker.finish();
  return heard.connections.at(0);
}

TEST(tracker, an_icmp_error_about_the_syn_ends_the_attempt) {
  const Connection one = after_icmp(Seq{100}, wire::icmp4::kHost);
  EXPECT_EQ(states_of(one, Party::originator), "SYN-SENT! CLOSED~");
  ASSERT_EQ(one.icmp.size(), 1U);
  EXPECT_EQ(one.icmp[0].reporter, ipv4(198, 51, 100, 1));
  EXPECT_EQ(one.icmp[0].about, Party::originator);
}

TEST(tracker, an_icmp_error_that_quotes_nothing_that_was_sent_is_ignored) {
  const Connection one = after_icmp(Seq{5000}, wire::icmp4::kHost);
  EXPECT_EQ(states_of(one, Party::originator), "SYN-SENT!");
  EXPECT_TRUE(one.icmp.empty());
}

// --- Parts.

TEST(flow_table, finds_what_was_inserted_whatever_was_erased) {
  FlowTable table;
  for (uint32_t i = 1; i <= 5000; ++i) table.insert(i % 97, Ref(Kind::record, i));
  for (uint32_t i = 1; i <= 5000; i += 2) table.erase(i % 97, Ref(Kind::record, i));
  for (uint32_t i = 1; i <= 5000; ++i) {
    const Ref wanted(Kind::record, i);
    const Ref found = table.find(i % 97, [&](Ref ref) { return ref == wanted; });
    EXPECT_EQ(static_cast<bool>(found), i % 2 == 0) << i;
  }
}

TEST(flow_table, both_directions_have_one_hash) {
  const FlowTable table;
  const IpAddress a = ipv4(192, 0, 2, 1);
  const IpAddress b = ipv4(192, 0, 2, 2);
  EXPECT_EQ(table.hash(a, 1, b, 2, 0), table.hash(b, 2, a, 1, 0));
  EXPECT_NE(table.hash(a, 1, b, 2, 0), table.hash(a, 2, b, 1, 0));
  EXPECT_NE(table.hash(a, 1, b, 2, 0), table.hash(a, 1, b, 2, 1));
}

TEST(rtt, few_samples_are_exact_and_many_within_a_quarter) {
  Rtts rtts;
  RttSamples samples;
  for (const uint32_t us : {40U, 10U, 30U}) rtts.add(samples, us);
  const auto few = rtts.summary_of(samples);
  ASSERT_TRUE(few.has_value());
  EXPECT_EQ(few->samples, 3U);
  EXPECT_EQ(few->min, Duration(10));
  EXPECT_EQ(few->median, Duration(30));
  EXPECT_EQ(few->max, Duration(40));
  RttSamples other;
  for (uint32_t us = 1; us <= 10'000; ++us) rtts.add(other, us);
  const auto many = rtts.summary_of(other);
  ASSERT_TRUE(many.has_value());
  EXPECT_EQ(many->samples, 10'000U);
  EXPECT_EQ(many->min, Duration(1));
  EXPECT_EQ(many->max, Duration(10'000));
  EXPECT_NEAR(static_cast<double>(many->median.count()), 5000, 5000 * 0.25);
  EXPECT_NEAR(static_cast<double>(many->p99.count()), 9900, 9900 * 0.25);
  for (uint32_t i = 0; i < 1'000'000; ++i) rtts.add(other, 3);
  const auto most = rtts.summary_of(other);
  ASSERT_TRUE(most.has_value());
  EXPECT_EQ(most->median, Duration(3));
  EXPECT_EQ(most->max, Duration(10'000));
}

TEST(rtt, what_is_given_back_is_used_again) {
  Rtts rtts;
  RttSamples samples;
  for (uint32_t us = 1; us <= 100'000'000; us *= 2) rtts.add(samples, us);
  EXPECT_EQ(rtts.summary_of(samples)->max, Duration(67'108'864));
  const size_t whole = rtts.memory();
  rtts.release(samples);
  EXPECT_EQ(rtts.memory(), 0U);
  RttSamples next;
  for (unsigned i = 0; i < 5; ++i) rtts.add(next, 1000);
  EXPECT_LT(rtts.memory(), whole / 2) << "only the classes that have samples";
  EXPECT_EQ(rtts.summary_of(next)->median, Duration(1000));
}

}  // namespace
}  // namespace tcpdx::track
