#include "view/time_sequence.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <regex>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "view/test_packets.hpp"

namespace tcpdx::view {
namespace {

using testing::Story;
using track::Remark;

constexpr auto kOrig = Party::originator;
constexpr auto kResp = Party::responder;

std::string picture(const Story& story, Party side = kOrig) {
  std::ostringstream out;
  write_time_sequence(out, story.connection, story.log, side);
  return out.str();
}

// Every tag is closed, in order; attributes are in quotes.
bool well_formed(const std::string& svg) {
  std::vector<std::string> open;
  const std::regex tag(R"(<(/?)([a-zA-Z]+)((?: [-:a-zA-Z]+="[^"<]*")*)(/?)>)");
  std::string rest = std::regex_replace(svg, std::regex(R"(<style>[^<]*</style>)"), "");
  for (std::sregex_iterator it(rest.begin(), rest.end(), tag), end; it != end; ++it) {
    const std::smatch& match = *it;
    if (match[1].length() != 0) {
      if (open.empty() || open.back() != match[2]) return false;
      open.pop_back();
    } else if (match[4].length() == 0) {
      open.push_back(match[2]);
    }
  }
  return open.empty() && !std::regex_replace(rest, tag, "").contains('<');
}

// Where the picture itself says a value lies: by its axes' labels.
double place_of(const std::string& svg, std::string_view label, bool across) {
  constexpr std::string_view kNumber = "[-0-9.]+";
  const std::string start =
      across ? fmt::format("<text class=\"middle\" x=\"({0})\" y=\"{0}\">", kNumber)
             : fmt::format("<text class=\"end\" x=\"{0}\" y=\"({0})\">", kNumber);
  const std::regex text(start + std::string(label) + "<");
  std::smatch match;
  if (!std::regex_search(svg, match, text)) return -1;
  return std::stod(match[1]) - (across ? 0 : 4);  // the base line lies below the middle
}

struct Stroke {
  double x = 0;
  double top = 0;
  double tall = 0;
};

std::vector<Stroke> strokes_of(const std::string& svg, const std::string& look) {
  std::vector<Stroke> strokes;
  std::smatch path;
  const std::regex whole("<path class=\"" + look + "\" d=\"(M[^\"]*v[^\"]*)\"");
  if (!std::regex_search(svg, path, whole)) return strokes;
  const std::string data = path[1];
  const std::regex bar(R"(M([-0-9.]+) ([-0-9.]+)v([-0-9.]+))");
  for (std::sregex_iterator it(data.begin(), data.end(), bar), end; it != end; ++it) {
    strokes.push_back({std::stod((*it)[1]), std::stod((*it)[2]), std::stod((*it)[3])});
  }
  return strokes;
}

// Ten segments of 1 000 octets, one each 100 ms, each acknowledged 50 ms later.
Story ten_segments() {
  Story story;
  for (uint32_t i = 0; i < 10; ++i) {
    story.send({.at = i * 100ms,
                .from = kOrig,
                .flags = ".",
                .seq = 1 + i * 1000,
                .ack = 1,
                .length = 1000});
    story.send({.at = i * 100ms + 50ms,
                .from = kResp,
                .flags = ".",
                .seq = 1,
                .ack = 1001 + i * 1000,
                .window = 4000});
  }
  return story;
}

TEST(TimeSequence, PutsSegmentsWhereTheAxesSay) {
  const std::string svg = picture(ten_segments());
  EXPECT_TRUE(well_formed(svg));
  const double left = place_of(svg, "0.0", true);
  const double second = place_of(svg, "0.5", true) - left;
  const double low = place_of(svg, "0", false);
  const double thousand = (low - place_of(svg, "10 000", false)) / 10;
  ASSERT_GT(second, 0);
  ASSERT_GT(thousand, 0);
  const auto segments = strokes_of(svg, "data");
  ASSERT_EQ(segments.size(), 10U);
  for (size_t i = 0; i < segments.size(); ++i) {
    const auto n = static_cast<double>(i);
    EXPECT_NEAR(segments[i].x, left + n * 0.1 * 2 * second, 0.3) << i;
    EXPECT_NEAR(segments[i].top, low - (n + 1) * thousand, 0.5) << i;
    EXPECT_NEAR(segments[i].tall, thousand, 0.3) << i;
  }
}

TEST(TimeSequence, MarksWhatWasSentAgainLateAndSacked) {
  Story story = ten_segments();
  EXPECT_TRUE(strokes_of(picture(story), "again").empty());
  story.send({.at = 1s,
              .from = kOrig,
              .flags = ".",
              .seq = 5001,
              .ack = 1,
              .length = 1000,
              .remarks = {Remark::retransmission}});
  story.send({.at = 1100ms,
              .from = kOrig,
              .flags = ".",
              .seq = 7001,
              .ack = 1,
              .length = 1000,
              .remarks = {Remark::out_of_order}});
  story.sack({.at = 1200ms, .from = kResp, .flags = ".", .ack = 5001, .window = 0}, 6001, 8001);
  story.send({.at = 1300ms, .from = kOrig, .flags = "F.", .seq = 10'001, .ack = 1});
  story.send({.at = 1400ms, .from = kResp, .flags = "R", .seq = 1});
  const std::string svg = picture(story);
  EXPECT_TRUE(well_formed(svg));
  EXPECT_EQ(strokes_of(svg, "again").size(), 1U);
  EXPECT_EQ(strokes_of(svg, "late").size(), 1U);
  ASSERT_EQ(strokes_of(svg, "sack").size(), 1U);
  const double thousand = (place_of(svg, "0", false) - place_of(svg, "10 000", false)) / 10;
  EXPECT_NEAR(strokes_of(svg, "sack").front().tall, 2 * thousand, 0.5);
  for (const std::string_view mark : {">R<", ">O<", ">Z<", ">FIN<", ">RST<"}) {
    EXPECT_TRUE(svg.contains(mark)) << mark;
  }
}

TEST(TimeSequence, ShowsTheOtherEndsDataWhereAskedFor) {
  Story story = ten_segments();
  story.send({.at = 1s, .from = kResp, .flags = ".", .seq = 1, .ack = 10'001, .length = 300});
  EXPECT_EQ(strokes_of(picture(story, kResp), "data").size(), 1U);
  EXPECT_TRUE(picture(story, kResp).contains("198.51.100.7:80 to 192.0.2.1:40000"));
  EXPECT_EQ(busier_side(story.connection), kOrig);
}

TEST(TimeSequence, StaysSmallHoweverManySegmentsThereAre) {
  Story story;
  for (uint32_t i = 0; i < 100'000; ++i) {
    story.send({.at = i * 10us,
                .from = kOrig,
                .flags = ".",
                .seq = 1 + i * 1000,
                .ack = 1,
                .length = 1000});
    story.send({.at = i * 10us, .from = kResp, .flags = ".", .seq = 1, .ack = 1001 + i * 1000});
  }
  const std::string svg = picture(story);
  EXPECT_LT(svg.size(), 200'000U);
  EXPECT_GT(strokes_of(svg, "data").size(), 500U);  // one for each pixel column
}

TEST(TimeSequence, DrawsASynAloneAndNothingAtAll) {
  Story story;
  EXPECT_TRUE(well_formed(picture(story)));
  story.send({.from = kOrig, .flags = "S"});
  const std::string svg = picture(story);
  EXPECT_TRUE(well_formed(svg));
  EXPECT_TRUE(svg.contains(">SYN<"));
  EXPECT_FALSE(svg.contains("nan")) << "an axis without a span";
}

}  // namespace
}  // namespace tcpdx::view
