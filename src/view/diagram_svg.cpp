// The drawing as SVG: one file without fonts, scripts or links. A viewer that knows dark mode gets
// light ink on dark ground; for every other one the ground is light and opaque.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "view/diagram.hpp"
#include "view/diagram_layout.hpp"
#include "view/svg.hpp"

namespace tcpdx::view {
namespace {

constexpr int kCellWidth = 11;
constexpr int kCellHeight = 19;
constexpr int kMargin = 20;
constexpr int kTextDrop = 14;  // from the top of a cell to the base line of its text
constexpr size_t kRemarkColumns = 118;

constexpr std::string_view kLooks = R"(<style>
  svg { --ground: #ffffff; --ink: #24292f; --soft: #8a929b; --fill: #f3f5f7; --path: #0a5fb4; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #15191e; --ink: #e3e7eb; --soft: #7f8891; --fill: #222830; --path: #6cb6ff; }
  }
  text { font: 13px Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #24292f; fill: var(--ink); }
  rect, path { stroke: #24292f; stroke: var(--ink); stroke-width: 1.4; fill: none; }
  .ground { stroke: none; fill: #ffffff; fill: var(--ground); }
  .state rect { fill: #f3f5f7; fill: var(--fill); }
  .state text { font-weight: bold; font-size: 14px; text-anchor: middle; }
  .head { stroke: none; fill: #24292f; fill: var(--ink); }
  .off rect, .off path { stroke: #8a929b; stroke: var(--soft); stroke-width: 1; }
  .off text { fill: #8a929b; fill: var(--soft); }
  .off .head { stroke: none; fill: #8a929b; fill: var(--soft); }
  .on rect, .on path { stroke: #0a5fb4; stroke: var(--path); stroke-width: 3; }
  .on text { fill: #0a5fb4; fill: var(--path); }
  .on .head { stroke: none; fill: #0a5fb4; fill: var(--path); }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .title { font-weight: bold; }
</style>
)";

int left_of_cell(int x) { return kMargin + x * kCellWidth; }
int middle_of_cell(int x) { return left_of_cell(x) + kCellWidth / 2; }
int top_of_cell(int y) { return kMargin + y * kCellHeight; }
int middle_of_cell_row(int y) { return top_of_cell(y) + kCellHeight / 2; }

std::string_view look_of(const Diagram& diagram, bool on_path) {
  if (diagram.path.empty()) return "";
  return on_path ? " on" : " off";
}

struct Point {
  int x = 0;
  int y = 0;
  friend bool operator==(Point, Point) = default;
};
Point middle_of(Cell cell) { return {middle_of_cell(cell.x), middle_of_cell_row(cell.y)}; }

struct Frame {
  int x = 0;
  int y = 0;
  int width = 0;
  int height = 0;
};
// The border runs through the middle of its cells, as it does in characters.
Frame frame_of(const Box& box) {
  const Point corner = middle_of(box.corner);
  return {corner.x, corner.y, (box.width - 1) * kCellWidth, (box.height - 1) * kCellHeight};
}

void write_box(std::ostream& out, const Diagram& diagram, const Box& box) {
  const Frame frame = frame_of(box);
  out << fmt::format(
      "<g class=\"state{}\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\" rx=\"6\"/>"
      "<text x=\"{}\" y=\"{}\">{}</text></g>\n",
      look_of(diagram, is_on(diagram.path, box.state)), frame.x, frame.y, frame.width, frame.height,
      frame.x + frame.width / 2, frame.y + frame.height / 2 + 5, tcp::to_string(box.state));
}

// A triangle whose point touches the border one cell ahead.
std::string head(Point tip, Point from) {
  const int dx = tip.x == from.x ? 0 : (tip.x > from.x ? 1 : -1);
  const int dy = tip.y == from.y ? 0 : (tip.y > from.y ? 1 : -1);
  const Point base{tip.x - 9 * dx, tip.y - 9 * dy};
  return fmt::format("<path class=\"head\" d=\"M{} {} L{} {} L{} {} Z\"/>", tip.x, tip.y,
                     base.x - 5 * dy, base.y - 5 * dx, base.x + 5 * dy, base.y + 5 * dx);
}

void write_line(std::ostream& out, const Route& route) {
  std::vector<Point> points;
  for (const Cell cell : route.points) {
    if (points.empty() || !(points.back() == middle_of(cell))) points.push_back(middle_of(cell));
  }
  Point& last = points.back();
  const Point before = points[points.size() - 2];
  // On to the border, which begins one cell further.
  if (last.x == before.x) {
    last.y += last.y > before.y ? kCellHeight : -kCellHeight;
  } else {
    last.x += last.x > before.x ? kCellWidth : -kCellWidth;
  }
  const std::string triangle = head(last, before);
  if (last.x == before.x) {
    last.y += last.y > before.y ? -6 : 6;
  } else {
    last.x += last.x > before.x ? -6 : 6;
  }
  out << "<path d=\"M";
  for (const Point& point : points) {
    out << fmt::format("{}{} {}", &point == &points.front() ? "" : " L", point.x, point.y);
  }
  out << "\"/>" << triangle;
}

void write_label(std::ostream& out, const Edge& edge, const Route& route) {
  for (const PlacedText& text : placed_label(edge, route)) {
    std::string_view anchor;
    int x = left_of_cell(text.at.x);
    if (route.side == LabelSide::over) {
      anchor = " class=\"middle\"";
      x = left_of_cell(route.label.x);
    } else if (route.side == LabelSide::left_of) {
      anchor = " class=\"end\"";
      x = left_of_cell(route.label.x + 1);
    }
    out << fmt::format("<text{} x=\"{}\" y=\"{}\">{}</text>", anchor, x,
                       top_of_cell(text.at.y) + kTextDrop, svg_escaped(text.text));
  }
}

void write_edge(std::ostream& out, const Diagram& diagram, const Edge& edge) {
  const Route* const route = find_route(edge);
  if (route == nullptr) return;
  out << fmt::format("<g class=\"edge{}\"><title>{} → {}: {}</title>",
                     look_of(diagram, is_on(diagram.path, edge)), tcp::to_string(edge.from),
                     tcp::to_string(edge.to), svg_escaped(one_line(edge)));
  write_line(out, *route);
  write_label(out, edge, *route);
  out << "</g>\n";
}

// What stands under the drawing, line by line; an empty one is a gap.
struct Line {
  std::string text;
  bool is_title = false;
};

void add_wrapped(std::vector<Line>& lines, std::string_view text) {
  const std::string folded = wrapped({.colour = false, .width = kRemarkColumns}, 0, text);
  for (const std::string_view line : split(folded, '\n')) lines.push_back({std::string(line)});
}

void add_remarks(std::vector<Line>& lines, std::string_view title,
                 const std::vector<Remark>& remarks) {
  if (remarks.empty()) return;
  lines.push_back({""});
  lines.push_back({std::string(title), true});
  for (const Remark& remark : remarks) {
    add_wrapped(lines, fmt::format("{}: {}", remark.what, remark.where));
  }
}

std::vector<Line> lines_under(const Diagram& diagram) {
  std::vector<Line> lines;
  for (const PathPart& part : diagram.path) {
    lines.push_back({""});
    lines.push_back({part.title, true});
    for (const Step& step : part.steps) {
      lines.push_back({fmt::format("{}. {} → {}: {}", step.number, tcp::to_string(step.from),
                                   tcp::to_string(step.to), step.label)});
    }
  }
  add_remarks(lines, "rare, not drawn", undrawn_remarks(diagram.edges));
  if (diagram.failures) {
    add_remarks(lines, "failures, not drawn: to CLOSED from", failure_remarks(diagram.edges));
  } else {
    lines.push_back({""});
    add_wrapped(lines, fmt::format("not shown: {}", folded_remark(diagram.edges)));
  }
  return lines;
}

}  // namespace

void write_diagram_svg(std::ostream& out, const Diagram& diagram) {
  const std::vector<Line> under = lines_under(diagram);
  const int width = 2 * kMargin + kDrawingColumns * kCellWidth;
  const int height = 2 * kMargin + (kDrawingRows + static_cast<int>(under.size())) * kCellHeight;
  out << fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>TCP connection states (RFC 9293)</title>\n",
      width, height);
  out << kLooks
      << fmt::format("<rect class=\"ground\" width=\"{}\" height=\"{}\"/>\n", width, height);
  for (const Box& box : boxes()) write_box(out, diagram, box);
  for (const Edge& edge : diagram.edges) write_edge(out, diagram, edge);
  int row = kDrawingRows;
  for (const Line& line : under) {
    out << fmt::format("<text{} x=\"{}\" y=\"{}\">{}</text>\n",
                       line.is_title ? " class=\"title\"" : "", kMargin,
                       top_of_cell(row++) + kTextDrop, svg_escaped(line.text));
  }
  out << "</svg>\n";
}

}  // namespace tcpdx::view
