#include "view/packet_ladder.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
#include "view/json.hpp"
#include "view/test_packets.hpp"

namespace tcpdx::view {
namespace {

using testing::inferred;
using testing::seen;
using testing::Story;
using track::Remark;
using enum tcp::State;

constexpr auto kOrig = Party::originator;
constexpr auto kResp = Party::responder;

std::string ladder(const Story& story, size_t width = 80, bool all = false) {
  std::ostringstream out;
  write_packet_ladder(out, {.colour = false, .width = width}, story.connection, story.log, all);
  return out.str();
}

// The lines with an arrow, and those of own changes: the ones that begin with a time.
std::vector<std::string> timed_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const std::string_view line : split(text, '\n')) {
    const auto first = words(line);
    if (!first.empty() && first.front().contains('.') &&
        first.front().find_first_not_of("0123456789.") == std::string_view::npos) {
      lines.emplace_back(line);
    }
  }
  return lines;
}

// Whether the words stand in the line in this order.
bool tells(std::string_view line, std::initializer_list<std::string_view> wanted) {
  size_t at = 0;
  for (const std::string_view word : wanted) {
    at = line.find(word, at);
    if (at == std::string_view::npos) return false;
    at += word.size();
  }
  return true;
}

void open(Story& story) {
  story.state(kOrig, seen(closed));
  story.state(kResp, seen(listen));
  story.state(kOrig, seen(syn_sent));
  story.state(kResp, inferred(syn_received));
  story.send({.from = kOrig, .flags = "S"});
  story.state(kOrig, inferred(established));
  story.state(kResp, seen(syn_received));
  story.send({.at = 10ms, .from = kResp, .flags = "S.", .ack = 1});
  story.state(kOrig, seen(established));
  story.state(kResp, inferred(established));
  story.send({.at = 20ms,
              .from = kOrig,
              .flags = ".",
              .seq = 1,
              .ack = 1,
              .remarks = {Remark::handshake_complete}});
}

// RFC 9293 Figure 6: each line has the states after its segment.
TEST(PacketLadder, ShowsTheHandshakeAsTheFigureDoes) {
  Story story;
  open(story);
  const auto lines = timed_lines(ladder(story));
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_TRUE(tells(lines[0], {"SYN-SENT", "--> [S] seq 0", "-->", "SYN-RECEIVED~"})) << lines[0];
  EXPECT_TRUE(tells(lines[1], {"ESTABLISHED~", "<-- [S.] seq 0 ack 1", "<--", "SYN-RECEIVED"}))
      << lines[1];
  EXPECT_FALSE(lines[1].ends_with('~'));
  EXPECT_TRUE(tells(lines[2], {"ESTABLISHED", "--> [.] ack 1", "-->", "ESTABLISHED~"})) << lines[2];
}

// RFC 9293 Figure 12, with its end by a timer as a line of its own.
TEST(PacketLadder, ShowsTheCloseAsTheFigureDoes) {
  Story story;
  open(story);
  const auto segment = [&](Party from, std::string_view flags, uint32_t seq, uint32_t ack,
                           tcp::State originator, tcp::State responder) {
    story.state(kOrig, seen(originator));
    story.state(kResp, seen(responder));
    story.send({.at = 30ms, .from = from, .flags = flags, .seq = seq, .ack = ack});
  };
  segment(kOrig, "F.", 1, 1, fin_wait_1, close_wait);
  segment(kResp, ".", 1, 2, fin_wait_2, close_wait);
  segment(kResp, "F.", 1, 2, time_wait, last_ack);
  segment(kOrig, ".", 2, 2, time_wait, closed);
  story.connection.timeline = {
      {30ms, 7, kOrig, fin_wait_2, time_wait, Certainty::seen, Cause::fin_received},
      {60'030ms, 0, kOrig, time_wait, closed, Certainty::inferred, Cause::time_wait_over}};
  const std::string text = ladder(story);
  const auto lines = timed_lines(text);
  ASSERT_EQ(lines.size(), 8U) << text;
  EXPECT_TRUE(tells(lines[3], {"FIN-WAIT-1", "--> [F.] seq 1 ack 1", "CLOSE-WAIT"})) << lines[3];
  EXPECT_TRUE(tells(lines[4], {"FIN-WAIT-2", "<-- [.] ack 2"})) << lines[4];
  EXPECT_FALSE(lines[4].contains("CLOSE-WAIT")) << "it stands above";
  EXPECT_TRUE(tells(lines[5], {"TIME-WAIT", "<-- [F.] seq 1 ack 2", "LAST-ACK"})) << lines[5];
  EXPECT_TRUE(tells(lines[6], {"--> [.] ack 2", "-->", "CLOSED"})) << lines[6];
  EXPECT_TRUE(tells(lines[7], {"60.030000", "CLOSED~", "originator", "TIME-WAIT over"}))
      << lines[7];
  EXPECT_TRUE(text.contains("1 m 00 s of silence")) << text;
}

void transfer(Story& story, uint32_t segments) {
  for (uint32_t i = 0; i < segments; ++i) {
    const Duration at = 30ms + i * 1ms;
    story.send(
        {.at = at, .from = kOrig, .flags = ".", .seq = 1 + i * 1000, .ack = 1, .length = 1000});
    story.send({.at = at, .from = kResp, .flags = ".", .seq = 1, .ack = 1001 + i * 1000});
  }
}

TEST(PacketLadder, FoldsLongRunsUnlessAllIsWanted) {
  Story story;
  open(story);
  transfer(story, 100);
  const std::string text = ladder(story);
  // Of 200 packets the first three and the last two are shown: 97 segments and 98 ACKs are not.
  EXPECT_TRUE(text.contains("97 segments, 97 kB from the originator, 98 ACKs")) << text;
  EXPECT_EQ(timed_lines(text).size(), 3U + 5U) << text;
  EXPECT_EQ(timed_lines(ladder(story, 80, true)).size(), 3U + 200U);
}

TEST(PacketLadder, FoldsNoPacketThatTellsSomething) {
  Story story;
  open(story);
  transfer(story, 50);
  story.send({.at = 90ms,
              .from = kOrig,
              .flags = ".",
              .seq = 1,
              .ack = 1,
              .length = 1000,
              .remarks = {Remark::retransmission, Remark::fast_retransmission}});
  transfer(story, 50);
  const std::string text = ladder(story);
  EXPECT_TRUE(text.contains("fast retransmission")) << text;
  EXPECT_FALSE(text.contains("retransmission, fast")) << "one of the two tells all";
  EXPECT_EQ(timed_lines(text).size(), 3U + 5U + 1U + 5U) << text;
}

TEST(PacketLadder, FoldsKeepAlivesOverTheirSilences) {
  Story story;
  open(story);
  for (int i = 1; i <= 40; ++i) {
    story.send({.at = i * 60s,
                .from = kOrig,
                .flags = ".",
                .seq = 0,
                .ack = 1,
                .remarks = {Remark::keep_alive}});
    story.send({.at = i * 60s + 10ms,
                .from = kResp,
                .flags = ".",
                .seq = 1,
                .ack = 1,
                .remarks = {Remark::keep_alive_ack}});
  }
  const std::string text = ladder(story);
  EXPECT_EQ(timed_lines(text).size(), 3U + 5U) << text;
  // Shown are the first three and the last two of 80.
  EXPECT_TRUE(text.contains("37 keep-alives, 38 answers in 37 m 00 s")) << text;
}

TEST(PacketLadder, FitsIntoEightyColumnsAndUsesMoreWhereThereAre) {
  Story story;
  open(story);
  story.send({.at = 25ms,
              .from = kResp,
              .flags = "P.",
              .seq = 1'234'567,
              .ack = 7'654'321,
              .length = 1448,
              .window = 1'048'576,
              .remarks = {Remark::retransmission, Remark::window_full}});
  const std::string narrow = ladder(story);
  for (const std::string_view line : split(narrow, '\n')) EXPECT_LE(columns(line), 80U) << line;
  EXPECT_TRUE(narrow.contains("1234567:1236015")) << narrow;
  const std::string wide = ladder(story, 160);
  EXPECT_TRUE(
      wide.contains("[P.] seq 1234567:1236015 ack 7654321 win 1048576 len 1448 "
                    "(retransmission, window full)"))
      << wide;
}

TEST(PacketLadder, TellsIcmpErrorsOnLinesOfTheirOwn) {
  Story story;
  story.state(kOrig, seen(syn_sent));
  story.send({.from = kOrig, .flags = "S"});
  wire::IcmpError error;
  error.cause = {.type = wire::icmp4::kUnreachable, .code = wire::icmp4::kHost};
  error.reporter = ipv4(203, 0, 113, 9);
  error.quoted.source = ipv4(192, 0, 2, 1);
  story.icmp(5ms, kOrig, error);
  const std::string text = ladder(story, 120);
  EXPECT_TRUE(text.contains("(ICMP from 203.0.113.9: host unreachable)")) << text;
  EXPECT_EQ(timed_lines(text).size(), 2U) << text;
  EXPECT_TRUE(text.contains("? not known")) << "nothing of the responder was seen";
}

TEST(PacketLadder, SaysNothingOfTheNetworkCardsChecksums) {
  Story story;
  story.send({.from = kOrig, .flags = "S", .remarks = {Remark::offloaded_checksum}});
  EXPECT_FALSE(ladder(story).contains("checksum"));
}

TEST(PacketLadder, SaysHowManyPacketsWereNotKept) {
  Story story(10);
  open(story);
  transfer(story, 20);
  EXPECT_EQ(story.log.size(), 10U);
  EXPECT_EQ(story.log.left_out(), 33U);
  EXPECT_EQ(story.log[4].frame, 5U);
  EXPECT_EQ(story.log[5].frame, 39U);
  EXPECT_TRUE(ladder(story).contains("33 packets are left out here"));
}

TEST(PacketLog, CountsBeyondThirtyTwoBits) {
  Story story;
  uint64_t sent = 1;
  for (int i = 0; i < 6; ++i, sent += 1'000'000'000) {
    const auto seq = static_cast<uint32_t>(sent);
    story.send({.from = kOrig, .flags = ".", .seq = seq, .ack = 1, .length = 1'000'000'000});
    story.send({.from = kResp, .flags = ".", .seq = 1, .ack = seq + 1'000'000'000});
  }
  EXPECT_EQ(story.log[10].seq, 5'000'000'001);
  EXPECT_EQ(story.log[11].ack, 6'000'000'001);
  // An old segment lies behind, one before the ISN below zero.
  story.send({.from = kOrig, .flags = ".", .seq = static_cast<uint32_t>(sent - 100), .ack = 1});
  EXPECT_EQ(story.log[12].seq, 5'999'999'901);
  Story forged;
  forged.send({.from = kOrig, .flags = "R", .seq = static_cast<uint32_t>(-5)});
  EXPECT_EQ(forged.log[0].seq, -5);
}

TEST(PacketLog, TakesSackEdgesAsTheAcknowledgmentCounts) {
  Story story;
  story.send({.from = kOrig, .flags = ".", .seq = 0xffff'0000, .ack = 1, .length = 100});
  story.sack({.from = kResp, .flags = ".", .ack = 0xffff'fff0}, 10, 20);
  const auto [left, right] = story.log[1].sack_edges(0);
  EXPECT_EQ(left - story.log[1].ack, 26);
  EXPECT_EQ(right - left, 10);
}

TEST(PacketLadder, WritesAJsonObjectForEachPacket) {
  Story story;
  open(story);
  story.sack(
      {.at = 30ms, .from = kResp, .flags = ".", .ack = 1, .remarks = {Remark::duplicate_ack}}, 1001,
      2001);
  std::ostringstream out;
  write_packets_json(out, story.log);
  const std::string text = out.str();
  std::vector<Json> lines;
  for (const std::string_view line : split(text, '\n')) {
    if (!line.empty()) lines.push_back(Json::parse(line));
  }
  ASSERT_EQ(lines.size(), 4U);
  EXPECT_EQ(lines[1]["t_us"], 10'000);
  EXPECT_EQ(lines[1]["frame"], 2);
  EXPECT_EQ(lines[1]["from"], "responder");
  EXPECT_EQ(lines[1]["flags"], "S.");
  EXPECT_EQ(lines[0]["ack"], nullptr);
  EXPECT_EQ(lines[1]["ack"], 1);
  EXPECT_EQ(lines[1]["before"]["originator"]["state"], "SYN-SENT");
  EXPECT_EQ(lines[1]["states"]["originator"]["state"], "ESTABLISHED");
  EXPECT_EQ(lines[1]["states"]["originator"]["certainty"], "inferred");
  EXPECT_EQ(lines[0]["before"]["originator"]["state"], nullptr);
  EXPECT_EQ(lines[2]["remarks"], Json::array({"handshake-complete"}));
  EXPECT_EQ(lines[3]["sack"], Json::array({Json::array({1001, 2001})}));
}

}  // namespace
}  // namespace tcpdx::view
