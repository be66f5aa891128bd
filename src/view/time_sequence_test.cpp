#include "view/time_sequence.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/text.hpp"
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

// Its tags, without their brackets, and the text behind each.
struct Tag {
  std::string_view inside;
  std::string_view text;

  std::string_view name() const { return inside.substr(0, inside.find_first_of(" /")); }
  std::string_view attribute(std::string_view key) const {
    const std::string begin = fmt::format(" {}=\"", key);
    const size_t at = inside.find(begin);
    if (at == std::string_view::npos) return {};
    const std::string_view value = inside.substr(at + begin.size());
    return value.substr(0, value.find('"'));
  }
};

std::vector<Tag> tags_of(std::string_view svg) {
  std::vector<Tag> tags;
  for (size_t at = svg.find('<'); at != std::string_view::npos; at = svg.find('<', at + 1)) {
    const size_t end = std::min(svg.find('>', at), svg.size() - 1);
    const std::string_view text = svg.substr(end + 1);
    tags.push_back({svg.substr(at + 1, end - at - 1), text.substr(0, text.find('<'))});
  }
  return tags;
}

// Every tag is closed, in order; attributes are in quotes.
bool well_formed(std::string_view svg) {
  std::vector<std::string_view> open;
  for (const Tag& tag : tags_of(svg)) {
    if (tag.inside.contains('<') || std::ranges::count(tag.inside, '"') % 2 != 0) return false;
    if (tag.inside.starts_with('/')) {
      if (open.empty() || open.back() != tag.inside.substr(1)) return false;
      open.pop_back();
    } else if (!tag.inside.ends_with('/')) {
      open.push_back(tag.name());
    }
  }
  return open.empty();
}

double number(std::string_view text) { return std::stod(std::string(text)); }

// Where the picture itself says a value lies: by its axes' labels.
double place_of(std::string_view svg, std::string_view label, bool across) {
  for (const Tag& tag : tags_of(svg)) {
    if (tag.name() != "text" || tag.text != label) continue;
    if (tag.attribute("class") != (across ? "middle" : "end")) continue;
    // The base line of a text lies below its middle.
    return across ? number(tag.attribute("x")) : number(tag.attribute("y")) - 4;
  }
  return -1;
}

struct Stroke {
  double x = 0;
  double top = 0;
  double tall = 0;
};

// The bars of a kind are one path: "M10 20v30M11 19v30", with caps by other commands.
std::vector<Stroke> strokes_of(std::string_view svg, std::string_view look) {
  std::vector<Stroke> strokes;
  for (const Tag& tag : tags_of(svg)) {
    if (tag.name() != "path" || tag.attribute("class") != look) continue;
    for (const std::string_view part : split(tag.attribute("d"), 'M')) {
      const size_t down = part.find('v');
      const size_t blank = part.find(' ');
      if (down == std::string_view::npos) continue;
      strokes.push_back({number(part.substr(0, blank)),
                         number(part.substr(blank + 1, down - blank - 1)),
                         number(part.substr(down + 1))});
    }
    return strokes;  // a later one is the legend's
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
