// Lines, headings, folding and averages of the table.
#include "view/rate_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>

#include "base/text.hpp"
#include "view/spark.hpp"
#include "view/test_readings.hpp"

namespace tcpdx::view {
namespace {

constexpr Style kPlain{.colour = false, .width = 0};

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

size_t count_of(const std::string& text, std::string_view part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// One namespace in which `opens` connections are opened in each second.
struct Steady {
  std::vector<CounterReading> readings;
  explicit Steady(std::initializer_list<uint64_t> opens, uint64_t netns = 7) {
    uint64_t sum = 100;
    Duration at{};
    readings.push_back(one(netns, at, sum));
    for (const uint64_t more : opens) readings.push_back(one(netns, at += 1s, sum += more));
  }
  static CounterReading one(uint64_t netns, Duration at, uint64_t opens) {
    return reading(netns, at,
                   {{"Tcp.ActiveOpens", opens},
                    {"Tcp.InSegs", opens * 3},
                    {"sockstat.TCP.inuse", 12},
                    {"sockstat.TCP.tw", 40},
                    {"TcpExt.ListenOverflows", opens}});
  }
  CounterInterval interval(size_t n) const { return {&readings[n], &readings[n + 1]}; }
};

TEST(RateTable, OneLinePerInterval) {
  const Steady steady({25, 0});
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  table.write(std::vector{steady.interval(0)});
  table.write(std::vector{steady.interval(1)});
  const auto lines = lines_of(out.str());
  ASSERT_EQ(lines.size(), 3U) << out.str();
  EXPECT_EQ(words(lines[0])[0], "UTC");
  EXPECT_EQ(words(lines[0])[3], "act/s");
  EXPECT_EQ(words(lines[1])[0], "22:13:21");
  EXPECT_EQ(words(lines[1])[1], "12");
  EXPECT_EQ(words(lines[1])[2], "40");
  EXPECT_EQ(words(lines[1])[3], "25.0");
  EXPECT_EQ(words(lines[1])[4], "-") << "PassiveOpens is not known";
  EXPECT_TRUE(lines[1].ends_with("ListenOverflows 25.0/s")) << lines[1];
  EXPECT_EQ(words(lines[2])[3], "0");
  EXPECT_EQ(lines[2].find("ListenOverflows"), std::string::npos);
  table.write_averages();
  EXPECT_TRUE(lines_of(out.str()).back().ends_with("ListenOverflows 12.5/s")) << out.str();
}

TEST(RateTable, TheUsualColumnsFitEightyColumns) {
  const Steady steady({25});
  std::ostringstream out;
  RateTable table(out, {.colour = false, .width = 80}, usual_rates());
  table.write(std::vector{steady.interval(0)});
  for (const std::string& line : lines_of(out.str())) EXPECT_LE(columns(line), 80U) << line;
  EXPECT_NE(out.str().find("\n         ListenOverflows"), std::string::npos) << out.str();
}

TEST(RateTable, TheHeadingComesAgain) {
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  const Steady steady({1});
  for (int i = 0; i < 45; ++i) table.write(std::vector{steady.interval(0)});
  EXPECT_EQ(count_of(out.str(), "act/s"), 3U);
}

TEST(RateTable, QuietNamespacesAreFoldedButTheFirst) {
  const Steady ours({0});
  const Steady busy({3}, 8);
  const Steady quiet({0}, 9);
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  table.write(std::vector{ours.interval(0), busy.interval(0), quiet.interval(0)});
  const auto lines = lines_of(out.str());
  ASSERT_EQ(lines.size(), 3U) << out.str();
  EXPECT_EQ(words(lines[0])[1], "netns");
  EXPECT_EQ(words(lines[1])[1], "7");
  EXPECT_TRUE(lines[1].ends_with("+1 quiet")) << lines[1];
  EXPECT_EQ(words(lines[2])[1], "8");
  out.str("");
  table.write_averages();
  EXPECT_EQ(count_of(out.str(), "Average:"), 2U) << out.str();
  EXPECT_NE(out.str().find("1 other namespace;"), std::string::npos) << out.str();
}

TEST(RateTable, AllFoldsNothing) {
  const Steady ours({0});
  const Steady quiet({0}, 9);
  std::ostringstream out;
  RateTable table(out, kPlain, all_rates());
  table.write(std::vector{ours.interval(0), quiet.interval(0)});
  EXPECT_EQ(count_of(out.str(), "22:13:21 9 "), all_rates().blocks.size()) << out.str();
  for (const RateColumn& column : rate_columns()) {
    EXPECT_NE(out.str().find(column.title), std::string::npos) << column.title;
  }
}

// Of the whole time, as sar's: a long interval weighs more than a short one.
TEST(RateTable, AveragesAreOfTheWholeTime) {
  const auto at = [](Duration when, uint64_t opens, uint64_t tw) {
    return reading(7, when, {{"Tcp.ActiveOpens", opens}, {"sockstat.TCP.tw", tw}});
  };
  const std::vector<CounterReading> readings{at(0s, 0, 0), at(1s, 10, 20), at(4s, 70, 40)};
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  table.write(std::vector{CounterInterval{&readings[0], &readings[1]}});
  table.write(std::vector{CounterInterval{&readings[1], &readings[2]}});
  out.str("");
  table.write_averages();
  const auto lines = lines_of(out.str());
  const auto average = words(lines.back());
  EXPECT_EQ(average[0], "Average:");
  EXPECT_EQ(average[2], "30") << "time-wait: the mean of 20 and 40";
  EXPECT_EQ(average[3], "17.5") << "70 in 4 s";
}

TEST(RateTable, NamespacesThatEndedAreForgottenWhenThereAreMany) {
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  const Steady ours({1});
  for (uint64_t netns = 100; netns < 1200; ++netns) {
    const Steady one({1}, netns);
    table.write(std::vector{ours.interval(0), one.interval(0)});
  }
  out.str("");
  table.write_averages();
  EXPECT_LE(count_of(out.str(), "Average:"), 1000U);
  EXPECT_NE(out.str().find("Average: 7 "), std::string::npos) << "ours is still there";
}

TEST(RateTable, NoIntervalNoAverage) {
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  table.write({});
  table.write_averages();
  EXPECT_EQ(out.str(), "");
}

TEST(RateTable, SarHasABlockPerKeywordWithTwoDigits) {
  const Steady steady({25});
  std::ostringstream out;
  RateTable table(out, kPlain, sar_rates(false));
  table.write(std::vector{steady.interval(0)});
  const auto lines = lines_of(out.str());
  ASSERT_EQ(lines.size(), 9U) << out.str();  // three blocks: a blank line, a heading, a line
  EXPECT_EQ(lines[1], "               totsck    tcpsck    udpsck    rawsck   ip-frag    tcp-tw");
  EXPECT_EQ(words(lines[2])[2], "12");
  EXPECT_EQ(words(lines[5])[1], "25.00");
  EXPECT_EQ(words(lines[7])[0], "atmptf/s");
  EXPECT_EQ(count_of(out.str(), "tcp6sck"), 0U);
}

TEST(RateTable, SparksAreDrawnAnewBelowTheLines) {
  const Steady steady({0, 10, 20});
  RateLayout layout = usual_rates();
  layout.sparks = true;
  std::ostringstream out;
  RateTable table(out, {.colour = false, .width = 80}, std::move(layout));
  for (size_t i = 0; i < 3; ++i) table.write(std::vector{steady.interval(i)});
  const std::string text = out.str();
  EXPECT_EQ(count_of(text, "\x1b[J"), 2U);
  EXPECT_NE(text.find("act/s    ▁▅█"), std::string::npos) << text;
  for (const std::string& line : lines_of(text)) {
    const size_t escapes = line.rfind('\x1b');  // ESC [ J, and then the line
    const std::string seen = escapes == std::string::npos ? line : line.substr(escapes + 3);
    EXPECT_LE(columns(seen), 80U) << seen;
  }
  table.write_averages();
  EXPECT_EQ(count_of(out.str(), "\x1b[J"), 3U) << "the averages take their place";
}

TEST(RateTable, NamesOfNamespacesCannotForgeALine) {
  Steady steady({1});
  for (CounterReading& one : steady.readings) one.name = "a\nb\x1b[2J";
  std::ostringstream out;
  RateTable table(out, kPlain, usual_rates());
  const Steady other({1}, 8);
  table.write(std::vector{steady.interval(0), other.interval(0)});
  EXPECT_EQ(lines_of(out.str()).size(), 3U) << out.str();
  EXPECT_EQ(out.str().find('\x1b'), std::string::npos);
}

TEST(Spark, ScalesFromZeroToTheGreatest) {
  EXPECT_EQ(spark_line({0.0, 1.0, 4.0, 7.0}), "▁▂▅█");
  EXPECT_EQ(spark_line({0.001, 1000.0}), "▂█") << "little is not nothing";
  EXPECT_EQ(spark_line({std::nullopt, 0.0}), " ▁");
  EXPECT_EQ(spark_line({}), "");
}

}  // namespace
}  // namespace tcpdx::view
