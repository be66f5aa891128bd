// The summary of connections: counts that can be checked by hand.
#include "view/connection_summary.hpp"

#include <gtest/gtest.h>

#include <sstream>
#include <string>

#include "base/text.hpp"
#include "view/test_connection.hpp"

namespace tcpdx::view {
namespace {

std::string written(const ConnectionSummary& summary, const CaptureFacts& facts, size_t width = 0) {
  std::ostringstream out;
  summary.write(out, Style{.width = width}, facts);
  return out.str();
}

// The text behind a label, or nothing.
std::string line(const std::string& text, std::string_view label) {
  for (const std::string_view one : split(text, '\n')) {
    if (one.starts_with(label)) return std::string(trim(one.substr(label.size())));
  }
  return "";
}

Connection unanswered_syn(uint16_t port) {
  Connection made = testing::refused();
  made.originator.port = port;
  made.side(Party::originator).state = tcp::State::syn_sent;
  made.side(Party::responder) = {};
  made.close = {};
  made.history = "S";
  return made;
}

TEST(ConnectionSummary, CountsWhatItWasGiven) {
  ConnectionSummary summary;
  for (int i = 0; i < 3; ++i) summary.add(testing::fetched_page());
  summary.add(testing::one_way_stream());
  summary.add(testing::refused());
  summary.add(testing::refused());
  summary.add(unanswered_syn(1));
  const std::string text = written(summary, {});
  EXPECT_EQ(line(text, "connections"), "7, 1 of them a SYN without an answer");
  EXPECT_EQ(line(text, "final states"), "CLOSED / CLOSED 5 · SYN-SENT / ? 1 · ESTABLISHED / ? 1");
  EXPECT_EQ(line(text, "closed"),
            "by FIN 3 (originator first 3) · by RST 2 (of the responder 2) · open 2");
  EXPECT_EQ(line(text, "refused"), "2: 198.51.100.7:81 2");
  EXPECT_EQ(line(text, "handshakes"), "3 timed: median 20 ms, 99 % within 20 ms");
  EXPECT_EQ(line(text, "most sent by"),
            "198.51.100.7 19 kB · 2001:db8::1 7.0 kB · 192.0.2.10 900 B");
  // 3 of 3 * 13 + 7 + 2 * 2 + 1 packets.
  EXPECT_TRUE(line(text, "lost")
                  .starts_with("3 of 51 segments sent again (5.9 %) · "
                               "#1 192.0.2.10:40000 → 198.51.100.7:443 7.7 % (1 of 13)"))
      << text;
  EXPECT_EQ(line(text, "RSTs sent by"), "198.51.100.7 2");
  EXPECT_EQ(line(text, "unusual"),
            "capture lost segments 1 · began before the capture 1 · one direction only 1");
}

TEST(ConnectionSummary, WhatDidNotHappenIsNotMentioned) {
  ConnectionSummary summary;
  summary.add(testing::refused());
  const std::string text = written(summary, {});
  for (const std::string_view label :
       {"handshakes", "lost", "most sent by", "unusual", "not read", "no memory", "damaged"}) {
    EXPECT_EQ(line(text, label), "") << text;
  }
}

TEST(ConnectionSummary, TellsWhatWasNotReadAndWhatIsDamaged) {
  CaptureFacts facts;
  facts.frames = 12'345;
  facts.segments = 12'000;
  facts.octets = 5'000'000;
  facts.other = 300;
  facts.broken = 33;
  facts.first = WallTime(1'700'000'000s);
  facts.last = WallTime(1'700'000'090s);
  facts.unknown_link_types = {{"link type 147", 12}};
  facts.dropped_half_open = 4'000;
  facts.damage = {{"a.pcap", 7, 1'234, "the record is cut off"}, {"b.pcap", 9, 1, "wrong magic"}};
  const std::string text = written({}, facts);
  EXPECT_EQ(line(text, "capture"),
            "12 345 frames, 12 000 TCP segments, 5.0 MB, 1 m 30 s from "
            "2023-11-14T22:13:20.000000Z");
  EXPECT_EQ(line(text, "not read"),
            "12 frames of link type 147 · 33 frames with broken headers · 300 frames without TCP");
  EXPECT_EQ(line(text, "no memory"), "4 000 half-open connections forgotten");
  EXPECT_EQ(line(text, "damaged"), "a.pcap, frame 7, octet 1 234: the record is cut off · 1 more");
}

TEST(ConnectionSummary, ListsOnlyTheGreatestAndFitsTheTerminal) {
  ConnectionSummary summary;
  for (uint8_t i = 1; i <= 20; ++i) {
    Connection one = testing::fetched_page();
    one.id = i;
    one.responder.addr = ipv4(198, 51, 100, i);
    one.side(Party::responder).retransmissions = i;
    summary.add(one);
  }
  const std::string text = written(summary, {});
  EXPECT_NE(line(text, "most sent by").find("16 more"), std::string::npos) << text;
  const std::string lost = line(text, "lost");
  EXPECT_NE(lost.find("#20 192.0.2.10:40000 → 198.51.100.20:443"), std::string::npos) << lost;
  EXPECT_EQ(lost.find("198.51.100.15:443"), std::string::npos) << lost;
  const std::string narrow = written(summary, {}, 80);
  for (const std::string_view one : split(narrow, '\n')) EXPECT_LE(columns(one), 80U) << one;
}

}  // namespace
}  // namespace tcpdx::view
