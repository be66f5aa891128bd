// The table of connections: what it says, and that it stays within the terminal.
#include "view/connection_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/connection_text.hpp"
#include "view/test_connection.hpp"

namespace tcpdx::view {
namespace {

std::vector<std::unique_ptr<Connection>> three() {
  std::vector<std::unique_ptr<Connection>> all;
  for (Connection one : {testing::fetched_page(), testing::one_way_stream(), testing::refused()}) {
    all.push_back(std::make_unique<Connection>(std::move(one)));
  }
  return all;
}

std::string table(size_t width, const std::vector<std::unique_ptr<Connection>>& shown,
                  uint64_t left_out = 0, bool colour = false) {
  std::ostringstream out;
  write_connection_table(out, Style{.colour = colour, .width = width}, shown,
                         WallTime(1'700'000'000s), left_out);
  return out.str();
}

size_t widest(const std::string& text) {
  size_t width = 0;
  for (const std::string_view line : split(text, '\n')) width = std::max(width, columns(line));
  return width;
}

TEST(ConnectionTable, WithoutATerminalEachConnectionIsOneLine) {
  const std::string text = table(0, three());
  const auto lines = split(text, '\n');
  ASSERT_GE(lines.size(), 4U);
  for (const std::string_view part :
       {"1", "0.250", "192.0.2.10:40000", "→ 198.51.100.7:443", "CLOSED~", "CLOSED", "1.3 s",
        "300 B", "6.4 kB", "20 ms", "FIN by originator"}) {
    EXPECT_NE(lines[1].find(part), std::string_view::npos) << part << "\n" << text;
  }
  for (const std::string_view part :
       {"[2001:db8::1]:50001", "↔ [2001:db8::2]:5432", "ESTABLISHED~", "?", "open",
        "vlan 10,20 vxlan 42 · began before the capture · one direction only · "
        "capture lost segments ×2"}) {
    EXPECT_NE(lines[2].find(part), std::string_view::npos) << part << "\n" << text;
  }
  EXPECT_NE(lines[3].find("RST by responder"), std::string_view::npos);
}

TEST(ConnectionTable, FitsEachUsualWidth) {
  for (const size_t width : {80U, 100U, 120U, 140U, 200U}) {
    const std::string text = table(width, three());
    EXPECT_LE(widest(text), width) << text;
    // Nothing is left out for lack of room.
    for (const std::string_view part :
         {"192.0.2.10:40000", "198.51.100.7:443", "CLOSED~", "FIN by originator", "20 ms", "6.4 kB",
          "vlan 10,20", "one direction only", "RST by responder"}) {
      EXPECT_NE(text.find(part), std::string::npos) << width << " " << part;
    }
  }
}

TEST(ConnectionTable, ANarrowTerminalShowsALineForEachEnd) {
  const std::string text = table(80, three());
  const auto lines = split(text, '\n');
  EXPECT_NE(lines[2].find("192.0.2.10:40000"), std::string_view::npos) << text;
  EXPECT_NE(lines[3].find("→ 198.51.100.7:443"), std::string_view::npos) << text;
}

TEST(ConnectionTable, TheLegendExplainsOnlyWhatIsThere) {
  const std::string all = table(0, three());
  EXPECT_NE(all.find("~ inferred"), std::string::npos);
  EXPECT_NE(all.find("? not known"), std::string::npos);
  EXPECT_NE(all.find("↔ who opened"), std::string::npos);
  std::vector<std::unique_ptr<Connection>> plain;
  plain.push_back(std::make_unique<Connection>(testing::refused()));
  const std::string one = table(0, plain);
  EXPECT_EQ(one.find("~ inferred"), std::string::npos) << one;
  EXPECT_EQ(one.find("? not known"), std::string::npos) << one;
}

TEST(ConnectionTable, SaysHowManyAreNotShown) {
  EXPECT_EQ(table(0, three()).find("not shown"), std::string::npos);
  EXPECT_NE(table(0, three(), 1).find("1 more connection is not shown"), std::string::npos);
  EXPECT_NE(table(0, three(), 12'345).find("12 345 more connections are not shown; --limit 0"),
            std::string::npos);
}

TEST(ConnectionTable, ColourIsWrittenOnlyWhereItIsWanted) {
  EXPECT_EQ(table(100, three()).find('\x1b'), std::string::npos);
  EXPECT_NE(table(100, three(), 0, true).find('\x1b'), std::string::npos);
}

TEST(ConnectionText, AmountsHaveTwoOrMoreDigits) {
  const std::vector<std::pair<uint64_t, std::string>> cases{{0, "0 B"},
                                                            {999, "999 B"},
                                                            {1'000, "1.0 kB"},
                                                            {9'999, "9.9 kB"},
                                                            {10'000, "10 kB"},
                                                            {999'999, "999 kB"},
                                                            {1'000'000, "1.0 MB"},
                                                            {12'345'678, "12 MB"},
                                                            {~uint64_t{0}, "18 EB"}};
  for (const auto& [bytes, text] : cases) EXPECT_EQ(amount_of_bytes(bytes), text);
}

TEST(ConnectionText, TellsHowItClosedAndWhoFirst) {
  struct Case {
    CloseHow how;
    CloseFirst first;
    ResetBy by;
    std::string_view text;
  };
  for (const Case& c :
       {Case{CloseHow::open, CloseFirst::nobody, ResetBy::nobody, "open"},
        Case{CloseHow::open, CloseFirst::responder, ResetBy::nobody, "open, FIN by responder"},
        Case{CloseHow::fin, CloseFirst::originator, ResetBy::nobody, "FIN by originator"},
        Case{CloseHow::fin, CloseFirst::both, ResetBy::nobody, "FIN by both"},
        Case{CloseHow::reset, CloseFirst::responder, ResetBy::responder, "RST by responder"},
        Case{CloseHow::reset, CloseFirst::responder, ResetBy::originator,
             "FIN by responder, RST by originator"},
        Case{CloseHow::reset, CloseFirst::nobody, ResetBy::third_party, "RST by a third party"},
        Case{CloseHow::timeout, CloseFirst::nobody, ResetBy::nobody, "timed out"}}) {
    Connection connection;
    connection.close = {c.how, c.first, c.by, std::nullopt};
    EXPECT_EQ(how_closed(connection), c.text);
  }
}

TEST(ConnectionText, NotesTellTheUnusualOnce) {
  EXPECT_TRUE(notes_of(testing::fetched_page()).empty());
  Connection odd = testing::refused();
  odd.handshake.syn_retransmits = 2;
  odd.side(Party::responder).zero_windows = 3;
  odd.anomalies = {{AnomalyKind::refused_reset, 1, Party::responder, ""},
                   {AnomalyKind::challenge_ack, 2, Party::originator, ""},
                   {AnomalyKind::refused_reset, 3, Party::responder, ""}};
  odd.anomalies_left_out = 1'000;
  std::string text;
  for (const Note& note : notes_of(odd)) text += note.text + "; ";
  EXPECT_EQ(text,
            "SYN sent 3 times; zero window by responder ×3; RST refused ×2; challenge ACK; "
            "1 000 more; ");
}

TEST(ConnectionText, EachAnomalyHasWordsOfItsOwn) {
  std::vector<std::string_view> all;
  for (size_t i = 0; i <= static_cast<size_t>(AnomalyKind::stray_segment); ++i) {
    all.push_back(in_words(static_cast<AnomalyKind>(i)));
    EXPECT_FALSE(all.back().empty());
  }
  std::ranges::sort(all);
  EXPECT_EQ(std::ranges::adjacent_find(all), all.end());
}

}  // namespace
}  // namespace tcpdx::view
