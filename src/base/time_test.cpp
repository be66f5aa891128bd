// Durations read from a command line, times written for JSON and for people.
#include "base/time.hpp"

#include <gtest/gtest.h>

#include <string_view>
#include <utility>
#include <vector>

namespace tcpdx {
namespace {

TEST(ParseDuration, ReadsEachUnit) {
  const std::vector<std::pair<std::string_view, Duration>> cases{
      {"5s", 5s},         {"250ms", 250ms},    {"2m", 2min},    {"1h", 1h},     {"1.5s", 1500ms},
      {"5", 5s},          {"0.25", 250ms},     {"0", 0s},       {"7d", 168h},   {"10us", 10us},
      {"0.000001s", 1us}, {"0.0000019s", 1us}, {"1.5h", 90min}, {"168h", 168h},
  };
  for (const auto& [text, wanted] : cases) {
    const Result<Duration> read = parse_duration(text);
    ASSERT_TRUE(read.has_value()) << text;
    EXPECT_EQ(*read, wanted) << text;
  }
}

TEST(ParseDuration, RefusesTheRestWithASentence) {
  for (const std::string_view bad : {"",
                                     "s",
                                     "-1s",
                                     "+1s",
                                     "1 s",
                                     "1.s",
                                     ".5s",
                                     "1..5s",
                                     "5x",
                                     "5S",
                                     "1e3",
                                     "nan",
                                     "inf",
                                     "0x5",
                                     "7.1d",
                                     "8d",
                                     "169h",
                                     "99999999999999999999s",
                                     "9223372036854775807",
                                     "5s\n"}) {
    const Result<Duration> read = parse_duration(bad);
    ASSERT_FALSE(read.has_value()) << bad;
    EXPECT_GT(read.error().sentence.size(), 20U) << bad;
    EXPECT_EQ(read.error().sentence.find('\n'), std::string::npos) << bad;
  }
}

TEST(Rfc3339, HasMicrosecondsAndEndsInZ) {
  // Seconds since the epoch as date(1) gives them: date -u -d 2026-01-31T03:04:05Z +%s
  EXPECT_EQ(rfc3339(WallTime(Duration(1769828645'000006))), "2026-01-31T03:04:05.000006Z");
  EXPECT_EQ(rfc3339(WallTime(Duration(0))), "1970-01-01T00:00:00.000000Z");
  EXPECT_EQ(rfc3339(WallTime(Duration(-1))), "1969-12-31T23:59:59.999999Z");
  EXPECT_EQ(rfc3339(WallTime(Duration(951782400'000000))), "2000-02-29T00:00:00.000000Z");
}

TEST(Human, UsesTheTwoLargestUnits) {
  const std::vector<std::pair<Duration, std::string_view>> cases{
      {0s, "0 s"},          {250us, "250 µs"},    {340ms, "340 ms"}, {4250ms, "4.2 s"},
      {5s, "5.0 s"},        {9999ms, "9.9 s"},    {59999ms, "59 s"}, {185s, "3 m 05 s"},
      {3599s, "59 m 59 s"}, {11520s, "3 h 12 m"}, {52h, "2 d 4 h"},  {-5s, "-5.0 s"},
  };
  for (const auto& [duration, wanted] : cases) EXPECT_EQ(human(duration), wanted);
}

TEST(Time, ReadsItsOwnRfc3339AndNothingElse) {
  const WallTime time(Duration(1'769'828'645'000'006));
  EXPECT_EQ(parse_rfc3339(rfc3339(time)), time);
  EXPECT_EQ(parse_rfc3339("1970-01-01T00:00:00.000000Z"), WallTime{});
  for (const char* wrong :
       {"", "2026-01-31", "2026-01-31T03:04:05Z", "2026-02-30T03:04:05.000006Z",
        "2026-01-31T24:04:05.000006Z", "2026-01-31T03:60:05.000006Z", "2026-01-31t03:04:05.000006Z",
        "2026-01-31T03:04:05.000006+", "+026-01-31T03:04:05.000006Z", "1969-12-31T23:59:59.999999Z",
        "3000-01-01T00:00:00.000000Z", "2026-01-31T03:04:05.00000 Z"}) {
    EXPECT_FALSE(parse_rfc3339(wrong)) << wrong;
  }
}

}  // namespace
}  // namespace tcpdx
