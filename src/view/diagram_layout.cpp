// The places of the drawing. The arrangement is that of RFC 9293 Figure 5.
#include "view/diagram_layout.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

using enum tcp::State;
using enum LabelSide;

constexpr int kLeft = 0;
constexpr int kMiddle = 33;
constexpr int kRight = 66;

constexpr std::array kBoxes{
    Box{closed, {kMiddle, 0}},
    Box{listen, {kMiddle, 7}},
    Box{syn_received, {kLeft, 10}, 14, 9},
    Box{syn_sent, {kRight, 10}, 14, 9},
    Box{established, {kMiddle, 20}},
    Box{fin_wait_1, {kLeft, 24}},
    Box{close_wait, {kRight, 24}},
    Box{fin_wait_2, {kLeft, 30}},
    Box{closing, {kMiddle, 30}},
    Box{last_ack, {kRight, 30}},
    Box{time_wait, {kMiddle, 36}},
    Box{closed, {kRight, 36}},
};

constexpr Route straight(tcp::State from, tcp::State to, Cell a, Cell b, LabelSide side,
                         Cell label) {
  return {from, to, {a, b, b, b}, side, label};
}
constexpr Route bent(tcp::State from, tcp::State to, Cell a, Cell b, Cell c, LabelSide side,
                     Cell label) {
  return {from, to, {a, b, c, c}, side, label};
}

constexpr std::array kRoutes{
    straight(closed, listen, {36, 2}, {36, 6}, left_of, {34, 4}),
    straight(listen, closed, {40, 7}, {40, 3}, right_of, {42, 5}),
    bent(closed, syn_sent, {46, 1}, {75, 1}, {75, 9}, over, {67, 1}),
    Route{syn_sent, closed, {{{69, 10}, {69, 4}, {45, 4}, {45, 3}}}, over, {57, 4}},
    bent(syn_received, listen, {6, 10}, {6, 8}, {32, 8}, over, {18, 8}),
    bent(listen, syn_received, {36, 9}, {36, 11}, {14, 11}, over, {25, 11}),
    bent(listen, syn_sent, {43, 9}, {43, 11}, {65, 11}, over, {55, 11}),
    straight(syn_sent, syn_received, {66, 14}, {14, 14}, over, {40, 14}),
    bent(syn_received, established, {13, 17}, {36, 17}, {36, 19}, over, {24, 17}),
    bent(syn_sent, established, {66, 17}, {43, 17}, {43, 19}, over, {55, 17}),
    straight(syn_received, fin_wait_1, {4, 18}, {4, 23}, right_of, {6, 19}),
    bent(established, fin_wait_1, {33, 21}, {9, 21}, {9, 23}, over, {21, 21}),
    bent(established, close_wait, {46, 21}, {72, 21}, {72, 23}, over, {58, 21}),
    straight(fin_wait_1, fin_wait_2, {4, 26}, {4, 29}, right_of, {6, 27}),
    bent(fin_wait_1, closing, {13, 25}, {40, 25}, {40, 29}, over, {26, 25}),
    straight(close_wait, last_ack, {72, 26}, {72, 29}, left_of, {70, 27}),
    straight(closing, time_wait, {40, 32}, {40, 35}, left_of, {38, 33}),
    bent(fin_wait_2, time_wait, {6, 32}, {6, 37}, {32, 37}, over, {19, 37}),
    straight(last_ack, closed, {72, 32}, {72, 35}, left_of, {70, 33}),
    straight(time_wait, closed, {46, 37}, {65, 37}, over, {56, 37}),
};

std::vector<PlacedText> over_and_under(const EdgeLabel& label, Cell at) {
  std::vector<PlacedText> texts;
  const auto put = [&](std::string_view text, int y) {
    texts.push_back({{at.x - static_cast<int>(columns(text)) / 2, y}, std::string(text)});
  };
  int y = at.y - static_cast<int>(label.causes.size());
  for (const std::string_view cause : label.causes) put(cause, y++);
  if (!label.action.empty()) put(label.action, at.y + 1);
  return texts;
}

std::vector<PlacedText> beside(const EdgeLabel& label, Cell at, LabelSide side) {
  std::vector<std::string> lines(label.causes.begin(), label.causes.end());
  if (!label.action.empty()) lines.push_back(label.action);
  std::vector<PlacedText> texts;
  for (std::string& line : lines) {
    const int width = static_cast<int>(columns(line));
    texts.push_back({{side == left_of ? at.x - width + 1 : at.x, at.y}, std::move(line)});
    ++at.y;
  }
  return texts;
}

}  // namespace

std::span<const Box> boxes() { return kBoxes; }
std::span<const Route> routes() { return kRoutes; }

const Route* find_route(const Edge& edge) {
  // A label with several actions has no place beside a line.
  if (edge.kind == MoveKind::failure || edge.labels.size() > 1) return nullptr;
  const auto* const route = std::ranges::find_if(
      kRoutes, [&](const Route& one) { return one.from == edge.from && one.to == edge.to; });
  return route == kRoutes.end() ? nullptr : route;
}

std::vector<PlacedText> placed_label(const Edge& edge, const Route& route) {
  const EdgeLabel& label = edge.labels.front();
  return route.side == over ? over_and_under(label, route.label)
                            : beside(label, route.label, route.side);
}

}  // namespace tcpdx::view
