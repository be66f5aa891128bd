// The drawing in characters (Unicode box drawing), 80 columns wide.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "view/diagram.hpp"
#include "view/diagram_layout.hpp"

namespace tcpdx::view {
namespace {

constexpr std::array<Cell, 4> kSteps{{{0, -1}, {1, 0}, {0, 1}, {-1, 0}}};  // up, right, down, left

// In the order of kSteps. A joint is where a line leaves a border: by weights of border and line.
constexpr std::array<std::string_view, 4> kArrows{"▲", "▶", "▼", "◀"};
constexpr std::array<std::string_view, 4> kLightJoints{"┴", "├", "┬", "┤"};
constexpr std::array<std::string_view, 4> kHeavyJoints{"┻", "┣", "┳", "┫"};
constexpr std::array<std::string_view, 4> kLightOnHeavyJoints{"┷", "┠", "┯", "┨"};

// By the direction in which the line comes and the one in which it goes on.
using Bends = std::array<std::array<std::string_view, 4>, 4>;
constexpr Bends kLightBends{
    {{"│", "┌", "", "┐"}, {"┘", "─", "┐", ""}, {"", "└", "│", "┘"}, {"└", "", "┌", "─"}}};
constexpr Bends kHeavyBends{
    {{"┃", "┏", "", "┓"}, {"┛", "━", "┓", ""}, {"", "┗", "┃", "┛"}, {"┗", "", "┏", "━"}}};

class Canvas {
 public:
  void put(Cell at, std::string_view glyph, Ink ink) { cell(at) = {std::string(glyph), ink}; }
  void put_ascii(Cell at, std::string_view text, Ink ink) {
    for (; !text.empty(); text.remove_prefix(1), ++at.x) put(at, text.substr(0, 1), ink);
  }
  void write(std::ostream& out, const Style& style) const {
    for (const auto& row : rows_) {
      const auto end = std::ranges::find_if(row.rbegin(), row.rend(), [](const Glyph& glyph) {
                         return glyph.text != " ";
                       }).base();
      for (auto at = row.begin(); at != end;) {
        std::string run;  // of one ink
        const Ink ink = at->ink;
        for (; at != end && at->ink == ink; ++at) run += at->text;
        out << paint(style, ink, run);
      }
      out << '\n';
    }
  }

 private:
  struct Glyph {
    std::string text = " ";
    Ink ink = Ink::plain;
  };
  Glyph& cell(Cell at) { return rows_.at(static_cast<size_t>(at.y)).at(static_cast<size_t>(at.x)); }
  std::array<std::array<Glyph, kDrawingColumns>, kDrawingRows> rows_{};
};

// How things on a path and off it look; without a path all is off it, and not dimmed.
struct Look {
  bool heavy = false;
  Ink ink = Ink::plain;
};
Look look_of(const Diagram& diagram, bool on_path) {
  if (diagram.path.empty()) return {};
  return on_path ? Look{true, Ink::bold} : Look{false, Ink::dim};
}

void draw_box(Canvas& canvas, const Box& box, Look look) {
  const Bends& bends = look.heavy ? kHeavyBends : kLightBends;
  const int right = box.corner.x + box.width - 1;
  const int bottom = box.corner.y + box.height - 1;
  for (int x = box.corner.x + 1; x < right; ++x) {
    canvas.put({x, box.corner.y}, bends[1][1], look.ink);
    canvas.put({x, bottom}, bends[1][1], look.ink);
  }
  for (int y = box.corner.y + 1; y < bottom; ++y) {
    canvas.put({box.corner.x, y}, bends[0][0], look.ink);
    canvas.put({right, y}, bends[0][0], look.ink);
  }
  canvas.put(box.corner, bends[0][1], look.ink);
  canvas.put({right, box.corner.y}, bends[1][2], look.ink);
  canvas.put({right, bottom}, bends[2][3], look.ink);
  canvas.put({box.corner.x, bottom}, bends[2][1], look.ink);
  const std::string_view name = tcp::to_string(box.state);
  const int indent = (box.width - static_cast<int>(name.size())) / 2;
  canvas.put_ascii({box.corner.x + indent, box.corner.y + box.height / 2}, name,
                   look.ink == Ink::plain ? Ink::bold : look.ink);
}

size_t direction(Cell from, Cell to) {
  if (from.x == to.x) return to.y < from.y ? 0 : 2;
  return to.x < from.x ? 3 : 1;
}

void draw_line(Canvas& canvas, const Route& route, Look look, bool from_heavy) {
  const Bends& bends = look.heavy ? kHeavyBends : kLightBends;
  Cell at = route.points.front();
  size_t last = direction(at, route.points[1]);
  const auto& joints =
      look.heavy ? kHeavyJoints : (from_heavy ? kLightOnHeavyJoints : kLightJoints);
  canvas.put(at, joints.at(last), look.ink);
  for (size_t leg = 1; leg < route.points.size(); ++leg) {
    const Cell end = route.points.at(leg);
    if (at == end) continue;
    const size_t now = direction(at, end);
    if (leg > 1) canvas.put(at, bends.at(last).at(now), look.ink);
    for (last = now; !(at == end);) {
      at = {at.x + kSteps.at(now).x, at.y + kSteps.at(now).y};
      canvas.put(at, bends.at(now).at(now), look.ink);
    }
  }
  canvas.put(at, kArrows.at(last), look.ink);
}

void draw_edge(Canvas& canvas, const Diagram& diagram, const Edge& edge) {
  const Route* const route = find_route(edge);
  if (route == nullptr) return;
  const Look look = look_of(diagram, is_on(diagram.path, edge));
  draw_line(canvas, *route, look, is_on(diagram.path, edge.from));
  for (const PlacedText& text : placed_label(edge, *route)) {
    canvas.put_ascii(text.at, text.text, look.ink);
  }
}

void write_remarks(std::ostream& out, const Style& style, std::string_view title,
                   const std::vector<Remark>& remarks) {
  if (remarks.empty()) return;
  size_t width = 0;
  for (const Remark& remark : remarks) width = std::max(width, columns(remark.what));
  out << '\n' << title << '\n';
  for (const Remark& remark : remarks) {
    out << "  " << remark.what << std::string(width - columns(remark.what) + 2, ' ')
        << wrapped(style, width + 4, remark.where) << '\n';
  }
}

void write_path(std::ostream& out, const Diagram& diagram) {
  for (const PathPart& part : diagram.path) {
    out << '\n' << part.title << '\n';
    for (const Step& step : part.steps) {
      out << fmt::format("  {}  {:<12} → {:<12}  {}\n", step.number, tcp::to_string(step.from),
                         tcp::to_string(step.to), step.label);
    }
  }
}

}  // namespace

void write_diagram_text(std::ostream& out, const Style& style, const Diagram& diagram) {
  Canvas canvas;
  for (const Box& box : boxes()) {
    draw_box(canvas, box, look_of(diagram, is_on(diagram.path, box.state)));
  }
  for (const Edge& edge : diagram.edges) draw_edge(canvas, diagram, edge);
  canvas.write(out, style);
  write_path(out, diagram);
  write_remarks(out, style, "rare, not drawn", undrawn_remarks(diagram.edges));
  if (diagram.failures) {
    write_remarks(out, style, "failures, not drawn: to CLOSED from",
                  failure_remarks(diagram.edges));
  } else {
    out << "\nnot shown: " << wrapped(style, 11, folded_remark(diagram.edges)) << '\n';
  }
}

}  // namespace tcpdx::view
