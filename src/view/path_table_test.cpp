// The table of a way: which lines a state becomes.
#include "view/path_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

constexpr Style kWide{.colour = false, .width = 0};

IpAddress router(uint8_t n) { return ipv4(10, 0, 0, n); }

// Of `sent` probes the first `rtts.size()` were answered.
probe::PathHop hop(uint8_t ttl, std::vector<Duration> rtts, unsigned sent) {
  probe::PathHop made{.ttl = ttl, .responders = {}, .sent = sent};
  made.answered = static_cast<unsigned>(rtts.size());
  made.recent.assign(rtts.begin(), rtts.end());
  made.recent.resize(sent);
  if (rtts.empty()) return made;
  made.responders.emplace_back().address = router(ttl);
  made.responders[0].rtts = std::move(rtts);
  return made;
}

std::vector<Duration> times(size_t count, Duration rtt) { return {count, rtt}; }

// Hop 2 answers 6 of 20 probes, hop 3 none; the target has a twentieth lost.
probe::PathResult a_way() {
  probe::PathResult path;
  path.target.addr = ipv4(10, 9, 9, 9);
  path.reached = true;
  path.duration = 20s;
  path.hops = {hop(1, times(20, 1500us), 20), hop(2, times(6, 80ms), 20), hop(3, {}, 20),
               hop(4, times(20, 12'340us), 20)};
  path.hops[3].responders[0].address = path.target.addr;
  path.hops[3].is_target = true;
  path.end_to_end_loss = probe::share_of(0, 20);
  probe::judge_losses(path);
  return path;
}

PathTable a_table() {
  PathTable table;
  table.name = "10.9.9.9";
  table.every = 1s;
  return table;
}

std::string name_of(const IpAddress& address) {
  return address == router(1) ? "gate.example" : std::string{};
}

std::vector<std::string> lines_of(const PathTable& table, const probe::PathResult& path,
                                  const Style& style = kWide, size_t height = 0) {
  return path_lines(style, table, path, name_of, height);
}

std::vector<std::string> words_of(const std::string& line) {
  std::vector<std::string> list;
  for (const auto word : words(line)) list.emplace_back(word);
  return list;
}

// The first words of the rows below the heading.
std::vector<std::string> order_of(const std::vector<std::string>& lines, size_t hops) {
  std::vector<std::string> order;
  for (size_t i = 2; i < 2 + hops; ++i) order.push_back(words_of(lines.at(i)).front());
  return order;
}

bool has(const std::vector<std::string>& lines, std::string_view part) {
  return std::ranges::any_of(lines, [&](const std::string& line) { return line.contains(part); });
}

using Texts = std::vector<std::string>;

TEST(PathTableTest, TellsEachHopInFull) {
  const auto lines = lines_of(a_table(), a_way());
  EXPECT_EQ(lines[0], "path to 10.9.9.9 by ICMP · every 1.0 s · sorted by hop · times in ms");
  EXPECT_EQ(words_of(lines[1]), (Texts{"hop", "host", "node%", "link%", "sent", "last", "median",
                                       "best", "worst", "dev", "recent"}));
  const auto first = words_of(lines[2]);
  ASSERT_GE(first.size(), 11U);
  EXPECT_EQ(Texts(first.begin(), first.begin() + 11),
            (Texts{"1", "gate.example", "(10.0.0.1)", "0", "0", "20", "1.50", "1.50", "1.50",
                   "1.50", "0.00"}));
  const auto target = words_of(lines[5]);
  EXPECT_EQ(Texts(target.begin(), target.begin() + 6),
            (Texts{"4", "10.9.9.9", "0", "0", "20", "12.3"}));
}

// Hop 2 limits its answers: that is no loss, for what lies behind it loses none. A neighbour that
// loses what passes it, too, does not.
TEST(PathTableTest, TellsALimitFromALoss) {
  auto path = a_way();
  const auto limited = lines_of(a_table(), path);
  const auto row = words_of(limited[3]);
  EXPECT_EQ(Texts(row.begin(), row.begin() + 5), (Texts{"2", "10.0.0.2", "70*", "0", "20"}));
  EXPECT_TRUE(has(limited, "limits its answers"));

  path.hops[3] = hop(4, times(6, 12ms), 20);
  path.hops[3].is_target = true;
  path.end_to_end_loss = probe::share_of(14, 20);
  probe::judge_losses(path);
  const auto lossy = lines_of(a_table(), path);
  const auto same = words_of(lossy[3]);
  EXPECT_EQ(Texts(same.begin(), same.begin() + 5), (Texts{"2", "10.0.0.2", "70", "70", "20"}));
  EXPECT_FALSE(has(lossy, "limits its answers"));
}

TEST(PathTableTest, ASilentHopHasNoTimesAndNoLoss) {
  const auto row = words_of(lines_of(a_table(), a_way())[4]);
  EXPECT_EQ(row, (Texts{"3", "*", "silent", "-", "20", "-", "-", "-", "-", "-"}));
}

TEST(PathTableTest, SortsByHopLossAndRoundTrip) {
  auto path = a_way();
  EXPECT_EQ(order_of(lines_of(a_table(), path), 4), (Texts{"1", "2", "3", "4"}));
  PathTable table = a_table();
  table.order = PathOrder::rtt;
  EXPECT_EQ(order_of(lines_of(table, path), 4), (Texts{"2", "4", "1", "3"}));
  // What is lost on the way counts more than what a router does not answer.
  table.order = PathOrder::loss;
  EXPECT_EQ(order_of(lines_of(table, path), 4), (Texts{"2", "1", "4", "3"}));
  path.hops[3].link_loss = probe::share_of(1, 20);
  EXPECT_EQ(order_of(lines_of(table, path), 4), (Texts{"4", "2", "1", "3"}));
}

TEST(PathTableTest, ShowsOtherColumns) {
  PathTable table = a_table();
  table.columns = PathColumns::losses;
  const auto losses = lines_of(table, a_way());
  EXPECT_TRUE(losses[1].contains("node loss % (95 %)"));
  EXPECT_TRUE(losses[3].contains("70 % (48 % to 85 %)*")) << losses[3];
  EXPECT_FALSE(losses[1].contains("median"));
  table.columns = PathColumns::times;
  const auto times = lines_of(table, a_way());
  EXPECT_TRUE(times[1].contains("mean") && times[1].contains("p95"));
  EXPECT_FALSE(times[1].contains("node"));
}

TEST(PathTableTest, ShowsNamesOrAddresses) {
  PathTable table = a_table();
  table.hosts = PathHosts::names;
  EXPECT_EQ(words_of(lines_of(table, a_way())[2])[1], "gate.example");
  EXPECT_EQ(words_of(lines_of(table, a_way())[3])[1], "10.0.0.2");
  table.hosts = PathHosts::addresses;
  EXPECT_EQ(words_of(lines_of(table, a_way())[2])[1], "10.0.0.1");
}

TEST(PathTableTest, DrawsTheLastRoundTripsWithGaps) {
  auto path = a_way();
  path.hops[0].recent = {1ms, 2ms, std::nullopt, 4ms};
  EXPECT_TRUE(lines_of(a_table(), path)[2].ends_with("  ▃▅ █"));
  EXPECT_EQ(words_of(lines_of(a_table(), path)[2])[6], "4.00");
  path.hops[0].recent.push_back(std::nullopt);
  EXPECT_EQ(words_of(lines_of(a_table(), path)[2])[6], "-");
}

TEST(PathTableTest, GivesEachHostOfAHopALine) {
  auto path = a_way();
  path.hops[0].responders.emplace_back().address = router(77);
  const auto lines = lines_of(a_table(), path);
  EXPECT_EQ(words_of(lines[3]), (Texts{"10.0.0.77"}));
  EXPECT_EQ(words_of(lines[4])[0], "2");
}

TEST(PathTableTest, SaysThatItIsFrozenAndWhatAKeyDid) {
  PathTable table = a_table();
  table.frozen = true;
  table.note = "written: a file";
  table.keys = "q quit";
  const auto lines = lines_of(table, a_way());
  EXPECT_TRUE(lines[0].contains("frozen") && !lines[0].contains("every"));
  EXPECT_EQ(lines[lines.size() - 2], "written: a file");
  EXPECT_EQ(lines.back(), "q quit");
}

// Not before the first answers could have come.
TEST(PathTableTest, SaysHowFarItCame) {
  auto path = a_way();
  path.reached = false;
  path.hops.resize(2);
  EXPECT_TRUE(has(lines_of(a_table(), path), "behind hop 2 nobody answers"));
  path.duration = 100ms;
  EXPECT_FALSE(has(lines_of(a_table(), path), "nobody answers"));
}

TEST(PathTableTest, FitsEveryTerminal) {
  auto path = a_way();
  path.reached = false;
  PathTable table = a_table();
  table.note = std::string(200, 'n');
  table.keys = std::string(200, 'k');
  for (const auto set : {PathColumns::usual, PathColumns::losses, PathColumns::times}) {
    table.columns = set;
    for (size_t width = 24; width <= 200; width += 7) {
      for (const size_t height : {1U, 2U, 4U, 7U, 8U, 20U}) {
        const auto lines = lines_of(table, path, {.colour = false, .width = width}, height);
        EXPECT_LE(lines.size(), height);
        for (const std::string& line : lines) EXPECT_LE(columns(line), width) << line;
      }
    }
  }
}

TEST(PathTableTest, KeepsWhatMattersWhereThereIsLittleRoom) {
  const auto narrow = lines_of(a_table(), a_way(), {.colour = false, .width = 40});
  EXPECT_TRUE(narrow[1].contains("link%") && narrow[1].contains("node%"));
  EXPECT_FALSE(narrow[1].contains("dev"));
  // Title, heading, two hops of four, what was left out, and the mark's meaning.
  const auto low = lines_of(a_table(), a_way(), {.colour = false, .width = 80}, 6);
  EXPECT_EQ(low.size(), 6U);
  EXPECT_TRUE(has(low, "… 2 more lines"));
  EXPECT_EQ(words_of(low[2])[0], "1");
  EXPECT_EQ(words_of(low[4])[0], "4");
}

// A long name gives way to the round trips where both can be read.
TEST(PathTableTest, LongNamesLeaveRoomForRoundTrips) {
  const auto lines = path_lines(
      {.colour = false, .width = 100}, a_table(), a_way(),
      [](const IpAddress&) { return std::string(60, 'x'); }, 0);
  EXPECT_TRUE(lines[1].ends_with("recent"));
  EXPECT_TRUE(words_of(lines[2])[1].ends_with("x…")) << lines[2];
  EXPECT_TRUE(lines[2].ends_with("████████")) << lines[2];
}

TEST(PathTableTest, PaintsLossesAndTheTarget) {
  auto path = a_way();
  path.hops[3].link_loss = probe::share_of(1, 20);
  const auto lines = lines_of(a_table(), path, {.colour = true, .width = 0});
  EXPECT_TRUE(lines[5].contains("\x1b[1m10.9.9.9")) << lines[5];
  EXPECT_TRUE(lines[5].contains("\x1b[1;31m  5.0")) << lines[5];
  EXPECT_FALSE(lines[2].contains("\x1b[1;31m"));
}

// A name of a router is whatever its owner likes.
TEST(PathTableTest, NoNameCanForgeALine) {
  const auto lines = path_lines(
      kWide, a_table(), a_way(), [](const IpAddress&) { return std::string("a\n\x1b[2Jb"); }, 0);
  for (const std::string& line : lines) {
    EXPECT_FALSE(line.contains('\n') || line.contains('\x1b')) << line;
  }
}

}  // namespace
}  // namespace tcpdx::view
