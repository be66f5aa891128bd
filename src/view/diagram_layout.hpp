// Where a drawing puts states, lines and labels, in cells of 80 columns and 39 rows; the same for
// text and SVG. It holds places only: what is drawn there comes from the table.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tcp/state.hpp"
#include "view/diagram.hpp"

namespace tcpdx::view {

inline constexpr int kDrawingColumns = 80;
inline constexpr int kDrawingRows = 39;

struct Cell {
  int x = 0;
  int y = 0;
  friend bool operator==(Cell, Cell) = default;
};

// CLOSED has two, as in RFC 9293 Figure 5: before the first state and after the last.
struct Box {
  tcp::State state{};
  Cell corner;  // upper left
  int width = 14;
  int height = 3;
};
std::span<const Box> boxes();

// Over: the causes end in the row above the line and the action stands below it, all centred.
// Right of and left of: all lines begin, or end, at the place.
enum class LabelSide : uint8_t { over, right_of, left_of };

// The last point repeats where there are fewer than four. The first lies on the border of the
// state it leaves, the last in front of the state it enters.
struct Route {
  tcp::State from{};
  tcp::State to{};
  std::array<Cell, 4> points;
  LabelSide side{};
  Cell label;
};
std::span<const Route> routes();

// Null: the edge has no line and is told under the drawing. Failures never have one.
const Route* find_route(const Edge& edge);

struct PlacedText {
  Cell at;
  std::string text;
};
std::vector<PlacedText> placed_label(const Edge& edge, const Route& route);

}  // namespace tcpdx::view
