// What the drawing of a way must show.
#include <gtest/gtest.h>

#include <sstream>
#include <string>
#include <string_view>

#include "view/path_text.hpp"

namespace tcpdx::view {
namespace {

probe::PathHop hop(uint8_t ttl, std::vector<IpAddress> addresses) {
  probe::PathHop made{.ttl = ttl, .responders = {}, .sent = 1};
  for (const IpAddress& address : addresses) {
    probe::Responder& one = made.responders.emplace_back();
    one.address = address;
    one.rtts = {ttl * 4ms};
    ++made.answered;
  }
  return made;
}

IpAddress router(uint8_t n) { return ipv4(10, 0, 0, n); }

std::string drawn(const probe::PathResult& path, const std::string& name = "10.9.9.9") {
  std::ostringstream out;
  write_path_svg(out, name, path, [](const IpAddress&) { return std::string("a<b>&c"); });
  return out.str();
}

size_t count(std::string_view text, std::string_view part) {
  size_t found = 0;
  for (size_t at = text.find(part); at != std::string_view::npos; at = text.find(part, at + 1)) {
    ++found;
  }
  return found;
}

probe::PathResult three_hops() {
  probe::PathResult path;
  path.target.addr = ipv4(10, 9, 9, 9);
  path.reached = true;
  path.hops = {hop(1, {router(1)}), hop(2, {router(2)}), hop(3, {path.target.addr})};
  path.hops[2].is_target = true;
  return path;
}

TEST(PathSvgTest, JoinsEveryRouterToTheNext) {
  const std::string svg = drawn(three_hops());
  EXPECT_EQ(count(svg, "<path class=\"way\""), 2U);
  EXPECT_EQ(count(svg, "<path class=\"rtt\""), 3U);
  EXPECT_EQ(count(svg, "class=\"target\""), 1U);
  EXPECT_EQ(count(svg, ">12.0 ms<"), 2U);  // beside the target, and at the end of the scale
}

TEST(PathSvgTest, DrawsASilentHopAsABrokenLine) {
  auto path = three_hops();
  path.hops[1] = hop(2, {});
  const std::string svg = drawn(path);
  EXPECT_EQ(count(svg, "<path class=\"way\""), 0U);
  EXPECT_EQ(count(svg, "<path class=\"silent\""), 1U);
  EXPECT_EQ(count(svg, ">no answer<"), 1U);
}

TEST(PathSvgTest, DrawsBothSidesOfAFork) {
  auto path = three_hops();
  path.hops[1] = hop(2, {router(2), router(3)});
  for (const uint8_t middle : {uint8_t{2}, uint8_t{3}}) {
    path.branches.push_back(
        {.source_ports = {middle},
         .hops = {hop(1, {router(1)}), hop(2, {router(middle)}), hop(3, {path.target.addr})},
         .reached = true});
  }
  const std::string svg = drawn(path);
  EXPECT_EQ(count(svg, "<path class=\"way\""), 4U);
  EXPECT_EQ(count(svg, "2 flows on 2 ways"), 1U);
}

// Names come from name servers and the command line.
TEST(PathSvgTest, EscapesNames) {
  const std::string svg = drawn(three_hops(), "<script>");
  EXPECT_EQ(count(svg, "<script>"), 0U);
  EXPECT_EQ(count(svg, "a<b>"), 0U);
  EXPECT_EQ(count(svg, "a&lt;b&gt;&amp;c"), 3U);
}

TEST(PathSvgTest, ShowsABlackHoleAndWhereItEnds) {
  auto path = three_hops();
  path.mtu = probe::PathMtu{.hops = {1500, 1500, 1400},
                            .steps = {{.behind = 2, .before = 1500, .mtu = 1400, .told_by = {}}}};
  EXPECT_EQ(count(drawn(path), "more than 1400 octets vanish here"), 1U);
  path.mtu->steps[0].told_by = router(2);
  EXPECT_EQ(count(drawn(path), "vanish here"), 0U);
}

}  // namespace
}  // namespace tcpdx::view
