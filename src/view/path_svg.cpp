// `tcpdx path --svg`: a row for each distance with a box for each router, lines where the flows
// go, and beside them the round trips on a common scale.
#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/path_text.hpp"
#include "view/ping_text.hpp"
#include "view/svg.hpp"

namespace tcpdx::view {
namespace {

constexpr int kMargin = 20;
constexpr int kTop = 84;
constexpr int kRow = 50;
constexpr int kBoxHeight = 34;
constexpr int kBoxWidth = 220;
constexpr int kBoxGap = 22;
constexpr int kNumbers = 30;  // the column of distances
constexpr int kScale = 300;   // the longest round trip
constexpr int kBehindScale = 150;
constexpr size_t kNameColumns = 30;

constexpr std::string_view kLooks = R"(<style>
  svg { --ground: #ffffff; --ink: #24292f; --soft: #6b737c; --fill: #f3f5f7; --line: #0a5fb4;
        --grid: #e4e8ec; --bad: #d1242f; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #15191e; --ink: #e3e7eb; --soft: #98a1aa; --fill: #222830; --line: #6cb6ff;
          --grid: #2b323a; --bad: #ff6b6b; }
  }
  text { font: 12px Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #24292f; fill: var(--ink); }
  rect { stroke: #24292f; stroke: var(--ink); fill: #f3f5f7; fill: var(--fill); }
  path { fill: none; stroke: #6b737c; stroke: var(--soft); stroke-width: 1.6; }
  .ground { stroke: none; fill: #ffffff; fill: var(--ground); }
  .target rect { stroke-width: 2.4; }
  .silent { stroke-dasharray: 4 4; }
  .grid { stroke: #e4e8ec; stroke: var(--grid); stroke-width: 1; }
  .rtt { stroke: #0a5fb4; stroke: var(--line); stroke-width: 6; }
  .range { stroke: #0a5fb4; stroke: var(--line); stroke-width: 1.4; }
  .hole { stroke: #d1242f; stroke: var(--bad); stroke-width: 2.4; }
  text.bad { fill: #d1242f; fill: var(--bad); }
  text.soft { fill: #6b737c; fill: var(--soft); }
  text.small { font-size: 11px; }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .title { font-weight: bold; font-size: 15px; }
</style>
)";

class Picture {
 public:
  Picture(std::ostream& out, const probe::PathResult& path, const NameOf& name_of)
      : out_(out), path_(path), name_of_(name_of) {
    for (const probe::PathHop& hop : path.hops) {
      columns_ = std::max(columns_, hop.responders.size());
      for (const probe::Responder& one : hop.responders) {
        for (const Duration rtt : one.rtts) longest_ = std::max(longest_, rtt);
      }
    }
  }

  void draw(const std::string& name) {
    const int width = scale_left() + kScale + kBehindScale + kMargin;
    const int height = top_of(path_.hops.size()) + kRow;
    out_ << fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>the way to {2}</title>\n",
        width, height, svg_escaped(printable(name)));
    out_ << kLooks;
    out_ << fmt::format("<rect class=\"ground\" width=\"{}\" height=\"{}\"/>\n", width, height);
    text(kMargin, kMargin + 12, "title", path_title(name, path_));
    text(kMargin, kMargin + 32, "soft", subtitle());
    draw_scale();
    draw_lines();
    for (const probe::PathHop& hop : path_.hops) draw_hop(hop);
    draw_holes();
    draw_end();
    out_ << "</svg>\n";
  }

 private:
  using Place = std::pair<unsigned, size_t>;  // TTL, and which of its responders

  static int top_of(size_t row) { return kTop + static_cast<int>(row) * kRow; }
  static int left_of(size_t column) {
    return kMargin + kNumbers + static_cast<int>(column) * (kBoxWidth + kBoxGap);
  }
  int scale_left() const { return left_of(std::max<size_t>(columns_, 1)) + 10; }
  int scaled(Duration rtt) const {
    if (longest_ == Duration{}) return scale_left();
    return scale_left() + static_cast<int>(kScale * rtt.count() / longest_.count());
  }

  void text(int x, int y, std::string_view look, std::string_view words) {
    out_ << fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", look, x, y,
                        svg_escaped(words));
  }

  void line(std::string_view look, int x1, int y1, int x2, int y2) {
    out_ << fmt::format("<path class=\"{}\" d=\"M{} {} L{} {}\"/>\n", look, x1, y1, x2, y2);
  }

  std::string subtitle() const {
    if (path_.branches.empty()) return "";
    size_t flows = path_.undecided.size();
    for (const probe::Branch& branch : path_.branches) flows += branch.source_ports.size();
    return fmt::format("{} flows on {} way{}", flows, path_.branches.size(),
                       path_.branches.size() == 1 ? "" : "s");
  }

  void draw_scale() {
    const int bottom = top_of(path_.hops.size());
    for (const int quarter : {0, 1, 2, 3, 4}) {
      const int x = scale_left() + kScale * quarter / 4;
      line("grid", x, kTop - 6, x, bottom);
      if (longest_ != Duration{}) {
        text(x, kTop - 12, "soft small middle", rtt_text(longest_ * quarter / 4));
      }
    }
  }

  // The places that a row of hops goes through; its silent hops have none.
  std::vector<Place> course_of(const std::vector<probe::PathHop>& hops) const {
    std::vector<Place> course;
    for (const probe::PathHop& hop : hops) {
      if (hop.responders.empty() || hop.ttl > path_.hops.size()) continue;
      const auto& known = path_.hops[hop.ttl - 1U].responders;
      const auto at =
          std::ranges::find(known, hop.responders.front().address, &probe::Responder::address);
      if (at == known.end()) continue;
      course.emplace_back(hop.ttl, static_cast<size_t>(at - known.begin()));
    }
    return course;
  }

  void draw_lines() {
    std::set<std::pair<Place, Place>> lines;
    const auto add = [&](const std::vector<probe::PathHop>& hops) {
      const auto course = course_of(hops);
      for (size_t i = 1; i < course.size(); ++i) lines.emplace(course[i - 1], course[i]);
    };
    for (const probe::Branch& branch : path_.branches) add(branch.hops);
    if (path_.branches.empty()) add(path_.hops);
    for (const auto& [from, to] : lines) {
      const bool silent_between = to.first - from.first > 1;
      line(silent_between ? "silent" : "way", left_of(from.second) + kBoxWidth / 2,
           top_of(from.first - 1) + kBoxHeight, left_of(to.second) + kBoxWidth / 2,
           top_of(to.first - 1));
    }
  }

  std::string remark_of(const probe::PathHop& hop, const probe::Responder& responder) const {
    std::vector<std::string> remarks;
    const std::string name = printable(name_of_(responder.address));
    if (!name.empty()) {
      remarks.push_back(name.size() <= kNameColumns ? name : name.substr(0, kNameColumns) + "…");
    }
    if (const auto mtu = path_.mtu ? path_.mtu->hops[hop.ttl - 1U] : std::nullopt) {
      remarks.push_back(fmt::format("MTU {}", *mtu));
    }
    if (!responder.labels.empty()) {
      remarks.push_back(fmt::format("MPLS {}", responder.labels.front().label));
    }
    return fmt::format("{}", fmt::join(remarks, " · "));
  }

  void draw_box(const probe::PathHop& hop, size_t column) {
    const probe::Responder& responder = hop.responders[column];
    const int left = left_of(column);
    const int top = top_of(hop.ttl - 1U);
    const std::string remark = remark_of(hop, responder);
    out_ << fmt::format(
        "<g class=\"{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"5\"/></g>\n",
        hop.is_target ? "target" : "router", left, top, kBoxWidth, kBoxHeight);
    text(left + kBoxWidth / 2, top + (remark.empty() ? 21 : 15), "middle",
         to_string(responder.address));
    if (!remark.empty()) text(left + kBoxWidth / 2, top + 28, "middle small soft", remark);
  }

  // The least, the median and the longest round trip; several routers share the height of the row.
  void draw_times(const probe::PathHop& hop) {
    const auto count = static_cast<int>(hop.responders.size());
    for (int i = 0; i < count; ++i) {
      const auto rtt = probe::summarize(hop.responders[static_cast<size_t>(i)].rtts);
      if (!rtt) continue;
      const int y = top_of(hop.ttl - 1U) + kBoxHeight * (2 * i + 1) / (2 * count);
      line("rtt", scale_left(), y, std::max(scaled(rtt->median), scale_left() + 1), y);
      if (rtt->samples > 1) line("range", scaled(rtt->min), y, scaled(rtt->max), y);
      text(scaled(rtt->max) + 8, y + 4, "small", rtt_text(rtt->median) + loss_of(hop, i));
    }
  }

  static std::string loss_of(const probe::PathHop& hop, int responder) {
    if (responder > 0 || hop.link_loss.low <= 0) return "";
    return fmt::format(", lost {:.1f} %", hop.link_loss.value * 100);
  }

  void draw_hop(const probe::PathHop& hop) {
    const int top = top_of(hop.ttl - 1U);
    text(kMargin + kNumbers - 10, top + 21, "end soft", std::to_string(hop.ttl));
    if (hop.responders.empty()) {
      text(left_of(0) + kBoxWidth / 2 + 8, top + 21, "soft small", "no answer");
    }
    for (size_t column = 0; column < hop.responders.size(); ++column) draw_box(hop, column);
    draw_times(hop);
  }

  void draw_holes() {
    if (!path_.mtu) return;
    for (const probe::MtuStep& step : path_.mtu->steps) {
      if (step.told_by) continue;
      const int y = top_of(step.behind) - (kRow - kBoxHeight - 8);
      line("hole", left_of(0), y, left_of(0) + kBoxWidth, y);
      text(scale_left(), y + 4, "bad small",
           fmt::format("black hole: more than {} octets vanish here", step.mtu));
    }
  }

  void draw_end() {
    if (path_.reached) return;
    text(left_of(0), top_of(path_.hops.size()) + 14, "bad",
         path_.words.empty() ? "not reached: nobody answers from here on" : path_.words);
  }

  std::ostream& out_;
  const probe::PathResult& path_;
  const NameOf& name_of_;
  size_t columns_ = 1;
  Duration longest_{};
};

}  // namespace

void write_path_svg(std::ostream& out, const std::string& name, const probe::PathResult& path,
                    const NameOf& name_of) {
  Picture(out, path, name_of).draw(name);
}

}  // namespace tcpdx::view
