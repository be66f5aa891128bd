// The diagram shows every move of the table, or folds it by the rule for failures, and shows
// nothing else: the finished texts are read back, by their characters where they are drawn.
#include "view/diagram.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "base/text.hpp"
#include "view/diagram_layout.hpp"

namespace tcpdx::view {
namespace {

using tcp::State;
using Move = std::tuple<std::string, std::string, std::string>;  // from, to, cause
using Pair = std::pair<std::string, std::string>;

Diagram diagram_of(std::string_view path = "", bool failures = false) {
  return {.edges = edges_of(tcp::transitions()),
          .path = path.empty() ? Path{} : find_path(path).value(),
          .failures = failures};
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

std::string text_of(const Diagram& diagram, size_t width = 0) {
  std::ostringstream out;
  write_diagram_text(out, {.colour = false, .width = width}, diagram);
  return out.str();
}

template <void (*write)(std::ostream&, const Diagram&)>
std::string written(const Diagram& diagram) {
  std::ostringstream out;
  write(out, diagram);
  return out.str();
}

// Independent of kind_of(): in the table's own words, what ends a connection before its time.
bool is_failure(const tcp::Transition& move) {
  static const std::set<std::string_view> kFailures{"ABORT",
                                                    "rcv RST",
                                                    "rcv other security",
                                                    "rcv ICMP hard error",
                                                    "USER TIMEOUT",
                                                    "retransmission give-up",
                                                    "keep-alive give-up"};
  return move.to == State::closed && kFailures.contains(tcp::to_string(move.on));
}

std::set<Move> moves_of_table(bool failures) {
  std::set<Move> moves;
  for (const tcp::Transition& move : tcp::transitions()) {
    if (is_failure(move) && !failures) continue;
    moves.emplace(tcp::to_string(move.from), tcp::to_string(move.to), tcp::to_string(move.on));
  }
  return moves;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += by.size()) {
    text.replace(at, what.size(), by);
  }
  return text;
}

// "A or B / snd X, C" names the causes A, B and C.
void add_moves(std::set<Move>& moves, const std::string& from, const std::string& to,
               const std::string& label) {
  const std::string groups = replaced(label, ", ", "\n");
  for (const std::string_view group : split(groups, '\n')) {
    const std::string causes =
        replaced(std::string(group.substr(0, group.find(" / "))), " or ", "\n");
    for (const std::string_view cause : split(causes, '\n')) {
      const bool is_new = moves.emplace(from, to, cause).second;
      EXPECT_TRUE(is_new) << "twice: " << from << " " << to << " " << cause;
    }
  }
}

// The remarks under a drawing, "  A → B  causes", up to an empty line.
std::set<Move> undrawn_of(const std::string& text) {
  std::set<Move> moves;
  bool within = false;
  for (const std::string& line : lines_of(text)) {
    if (line.empty()) within = false;
    if (within) {
      const size_t arrow = line.find(" → ");
      const size_t label = line.find("  ", arrow);
      const size_t to = arrow + std::string_view(" → ").size();
      add_moves(moves, line.substr(2, arrow - 2), line.substr(to, label - to),
                std::string(trim(line.substr(label))));
    }
    if (line == "rare, not drawn") within = true;
  }
  return moves;
}

std::set<Pair> pairs_of(const std::set<Move>& moves) {
  std::set<Pair> pairs;
  for (const auto& [from, to, cause] : moves) pairs.emplace(from, to);
  return pairs;
}

// The drawing as a grid of characters, in which lines are followed back from their arrow heads.
class Drawing {
 public:
  explicit Drawing(const std::string& text) {
    for (const std::string& line : lines_of(text)) {
      if (line.empty()) break;
      std::vector<std::string> row;
      for (const char c : line) {
        const bool continues = (static_cast<unsigned char>(c) & 0xC0U) == 0x80U;
        if (continues) {
          row.back() += c;
        } else {
          row.emplace_back(1, c);
        }
      }
      rows_.push_back(row);
    }
  }

  std::set<Pair> lines() const {
    std::set<Pair> found;
    for (int y = 0; y < static_cast<int>(rows_.size()); ++y) {
      for (int x = 0; x < kDrawingColumns; ++x) {
        const auto way = std::string_view("▲▶▼◀").find(at({x, y}));
        if (at({x, y}) == " " || way == std::string_view::npos) continue;
        const size_t forward = way / std::string_view("▲").size();
        const Cell tail = origin({x, y}, forward);
        EXPECT_TRUE(found.emplace(state_at(tail), state_at(next({x, y}, forward))).second);
      }
    }
    return found;
  }

  // How often the text stands in the drawing.
  size_t count(std::string_view text) const {
    size_t found = 0;
    for (const auto& row : rows_) {
      const std::string line = fmt::format("{}", fmt::join(row, ""));
      for (size_t p = line.find(text); p != std::string::npos; p = line.find(text, p + 1)) ++found;
    }
    return found;
  }

 private:
  std::string at(Cell cell) const {
    if (cell.y < 0 || cell.y >= static_cast<int>(rows_.size()) || cell.x < 0) return " ";
    const auto& row = rows_.at(static_cast<size_t>(cell.y));
    return static_cast<size_t>(cell.x) < row.size() ? row.at(static_cast<size_t>(cell.x)) : " ";
  }
  static Cell next(Cell cell, size_t way) {  // 0 up, 1 right, 2 down, 3 left
    switch (way) {
      case 0: return {cell.x, cell.y - 1};
      case 1: return {cell.x + 1, cell.y};
      case 2: return {cell.x, cell.y + 1};
      default: return {cell.x - 1, cell.y};
    }
  }
  // The two ways in which a character of a line is open; nothing for a joint on a border.
  static std::optional<std::array<size_t, 2>> openings(const std::string& glyph) {
    static const std::map<std::string, std::array<size_t, 2>> kOpen{
        {"│", {0, 2}}, {"┃", {0, 2}}, {"─", {1, 3}}, {"━", {1, 3}}, {"┌", {1, 2}}, {"┏", {1, 2}},
        {"┐", {2, 3}}, {"┓", {2, 3}}, {"└", {0, 1}}, {"┗", {0, 1}}, {"┘", {0, 3}}, {"┛", {0, 3}}};
    const auto found = kOpen.find(glyph);
    return found == kOpen.end() ? std::nullopt : std::optional(found->second);
  }
  Cell origin(Cell head, size_t forward) const {
    size_t back = (forward + 2) % 4;
    Cell cell = next(head, back);
    for (int steps = 0; steps < kDrawingColumns * kDrawingRows; ++steps) {
      const auto open = openings(at(cell));
      if (!open) break;
      const size_t entered = (back + 2) % 4;  // the side from which we come
      EXPECT_TRUE(open->at(0) == entered || open->at(1) == entered) << at(cell);
      back = open->at(0) == entered ? open->at(1) : open->at(0);
      cell = next(cell, back);
    }
    return cell;
  }
  static std::string state_at(Cell cell) {
    for (const Box& box : boxes()) {
      const bool inside = cell.x >= box.corner.x && cell.x < box.corner.x + box.width &&
                          cell.y >= box.corner.y && cell.y < box.corner.y + box.height;
      if (inside) return std::string(tcp::to_string(box.state));
    }
    return fmt::format("nothing at {},{}", cell.x, cell.y);
  }

  std::vector<std::vector<std::string>> rows_;
};

TEST(DiagramText, DrawsOrTellsEveryMoveAndNothingElse) {
  for (const std::string_view path : {"", "client", "server", "SYN-RECEIVED"}) {
    const std::string text = text_of(diagram_of(path));
    const std::set<Pair> drawn = Drawing(text).lines();
    const std::set<Pair> told = pairs_of(undrawn_of(text));
    std::set<Pair> both = drawn;
    both.insert(told.begin(), told.end());
    EXPECT_EQ(both.size(), drawn.size() + told.size()) << "drawn and told";
    EXPECT_EQ(both, pairs_of(moves_of_table(false))) << text;
  }
}

TEST(DiagramText, EveryCauseStandsAtItsLine) {
  const Drawing drawing(text_of(diagram_of()));
  std::map<std::string, size_t> wanted;
  for (const Edge& edge : edges_of(tcp::transitions())) {
    if (find_route(edge) == nullptr) continue;
    for (const EdgeLabel& label : edge.labels) {
      for (const std::string_view cause : label.causes) ++wanted[std::string(cause)];
      if (!label.action.empty()) ++wanted[label.action];
    }
  }
  EXPECT_FALSE(wanted.empty());
  // A longer text may hold a shorter one ("rcv SYN,ACK" holds "rcv SYN"), so at least that often.
  for (const auto& [text, times] : wanted) EXPECT_GE(drawing.count(text), times) << text;
}

TEST(DiagramText, FitsATerminalOf80Columns) {
  std::vector<std::string> paths{"", "client", "server"};
  for (const State state : tcp::kStates) paths.emplace_back(tcp::to_string(state));
  for (const std::string& path : paths) {
    for (const bool failures : {false, true}) {
      for (const std::string& line : lines_of(text_of(diagram_of(path, failures), 80))) {
        EXPECT_LE(columns(line), 80U) << line;
        EXPECT_FALSE(line.ends_with(' ')) << line;
      }
    }
  }
}

TEST(DiagramText, SaysHowManyMovesItFolds) {
  const size_t folded = moves_of_table(true).size() - moves_of_table(false).size();
  EXPECT_NE(text_of(diagram_of()).find(fmt::format("not shown: {} moves", folded)),
            std::string::npos);
}

TEST(DiagramText, TellsEveryFailureWithAll) {
  const std::string text = text_of(diagram_of("", true));
  std::set<Move> told;
  bool within = false;
  for (const std::string& line : lines_of(text)) {
    if (within) {
      const size_t gap = line.find("  ", 2);
      const std::string what = line.substr(2, gap - 2);
      std::string where(trim(line.substr(gap)));
      const bool all_but = where.starts_with("every state but ");
      if (all_but) where = where.substr(std::string_view("every state but ").size());
      const std::string list = replaced(where, ", ", "\n");
      std::set<std::string> named;
      for (const auto name : split(list, '\n')) named.emplace(name);
      for (const State state : tcp::kStates) {
        const std::string name(tcp::to_string(state));
        if (named.contains(name) != all_but) add_moves(told, name, "CLOSED", what);
      }
    }
    if (line.starts_with("failures, not drawn")) within = true;
  }
  std::set<Move> wanted;
  for (const tcp::Transition& move : tcp::transitions()) {
    if (!is_failure(move)) continue;
    wanted.emplace(tcp::to_string(move.from), tcp::to_string(move.to), tcp::to_string(move.on));
  }
  EXPECT_EQ(told, wanted);
}

std::string state_of_id(std::string_view id) {
  return id == "CLOSED_AGAIN" ? "CLOSED" : replaced(std::string(id), "_", "-");
}

// Lines "  FROM arrow TO before LABEL after" of a graph language.
std::set<Move> graph_moves(const std::string& text, std::string_view arrow, std::string_view before,
                           std::string_view after) {
  std::set<Move> moves;
  for (const std::string& line : lines_of(text)) {
    const size_t to = line.find(arrow);
    if (to == std::string::npos) continue;
    const size_t label = line.find(before, to);
    const size_t start = label + before.size();
    const size_t to_start = to + arrow.size();
    const size_t end = after.empty() ? line.size() : line.find(after, start);
    add_moves(moves, state_of_id(trim(line.substr(0, to))),
              state_of_id(line.substr(to_start, label - to_start)),
              replaced(line.substr(start, end - start), "\\n", ", "));
  }
  return moves;
}

TEST(DiagramGraphs, HaveEveryMoveAndNothingElse) {
  for (const bool failures : {false, true}) {
    for (const std::string_view path : {"", "client", "closing"}) {
      const Diagram diagram = diagram_of(path, failures);
      EXPECT_EQ(graph_moves(written<write_diagram_dot>(diagram), " -> ", " [label=\"", "\""),
                moves_of_table(failures));
      EXPECT_EQ(graph_moves(written<write_diagram_mermaid>(diagram), " --> ", ": ", ""),
                moves_of_table(failures));
    }
  }
}

TEST(DiagramSvg, HasEveryMoveAndNothingElse) {
  const std::string svg = written<write_diagram_svg>(diagram_of());
  std::set<Move> moves;
  for (const std::string& line : lines_of(svg)) {
    const bool edge = line.starts_with("<g class=\"edge");
    const size_t arrow = line.find(" → ");
    if (arrow == std::string::npos) continue;
    const size_t name = edge ? line.find("<title>") + 7 : line.find('>') + 1;
    const size_t to = arrow + std::string_view(" → ").size();
    const size_t label = line.find(": ", to);
    add_moves(moves, line.substr(name, arrow - name), line.substr(to, label - to),
              line.substr(label + 2, line.find('<', label) - label - 2));
  }
  EXPECT_EQ(moves, moves_of_table(false));
}

// RFC 9293 Figure 5, read from the RFC: cause and action of each line.
TEST(DiagramEdges, HaveTheActionsOfFigure5) {
  struct Line {
    State from, to;
    std::string_view cause, action;
  };
  using enum State;
  constexpr Line kFigure5[] = {
      {closed, listen, "passive OPEN", "create TCB"},
      {listen, closed, "CLOSE", "delete TCB"},
      {closed, syn_sent, "active OPEN", "snd SYN"},
      {syn_sent, closed, "CLOSE", "delete TCB"},
      {listen, syn_sent, "SEND", "snd SYN"},
      {listen, syn_received, "rcv SYN", "snd SYN,ACK"},
      {syn_sent, syn_received, "rcv SYN", "snd SYN,ACK"},
      {syn_received, established, "rcv ACK of SYN", ""},
      {syn_sent, established, "rcv SYN,ACK", "snd ACK"},
      {syn_received, fin_wait_1, "CLOSE", "snd FIN"},
      {established, fin_wait_1, "CLOSE", "snd FIN"},
      {established, close_wait, "rcv FIN", "snd ACK"},
      {fin_wait_1, fin_wait_2, "rcv ACK of FIN", ""},
      {fin_wait_1, closing, "rcv FIN", "snd ACK"},
      {close_wait, last_ack, "CLOSE", "snd FIN"},
      {fin_wait_2, time_wait, "rcv FIN", "snd ACK"},
      {closing, time_wait, "rcv ACK of FIN", ""},
  };
  const std::vector<Edge> edges = edges_of(tcp::transitions());
  for (const Line& line : kFigure5) {
    const auto found = std::ranges::any_of(edges, [&](const Edge& edge) {
      return edge.from == line.from && edge.to == line.to && edge.kind == MoveKind::usual &&
             std::ranges::any_of(edge.labels, [&](const EdgeLabel& label) {
               return label.action == line.action &&
                      std::ranges::find(label.causes, line.cause) != label.causes.end();
             });
    });
    EXPECT_TRUE(found) << tcp::to_string(line.from) << " " << line.cause << " / " << line.action;
  }
}

std::string states_of(const PathPart& part) {
  std::string states(tcp::to_string(part.steps.front().from));
  for (const Step& step : part.steps) states += fmt::format(" {}", tcp::to_string(step.to));
  return states;
}

// RFC 9293 Figures 6 and 12: TCP Peer A opens and closes first.
TEST(DiagramPath, ClientAndServerLiveAsInTheFigures) {
  const Path client = find_path("client").value();
  ASSERT_EQ(client.size(), 1U);
  EXPECT_EQ(states_of(client[0]),
            "CLOSED SYN-SENT ESTABLISHED FIN-WAIT-1 FIN-WAIT-2 TIME-WAIT CLOSED");
  const Path server = find_path("Server").value();
  ASSERT_EQ(server.size(), 1U);
  EXPECT_EQ(states_of(server[0]),
            "CLOSED LISTEN SYN-RECEIVED ESTABLISHED CLOSE-WAIT LAST-ACK CLOSED");
}

// Counted by hand in Figure 5.
TEST(DiagramPath, OfAStateIsTheShortestWayInAndOut) {
  const Path ways = find_path("CLOSE_WAIT").value();
  ASSERT_EQ(ways.size(), 2U);
  EXPECT_EQ(states_of(ways[0]), "CLOSED SYN-SENT ESTABLISHED CLOSE-WAIT");
  EXPECT_EQ(states_of(ways[1]), "CLOSE-WAIT LAST-ACK CLOSED");
}

TEST(DiagramPath, ShowsAlternativesWithOneNumber) {
  const Path ways = find_path("syn-recv").value();
  ASSERT_EQ(ways.size(), 2U);
  std::vector<size_t> numbers;
  for (const Step& step : ways[0].steps) numbers.push_back(step.number);
  EXPECT_EQ(numbers, (std::vector<size_t>{1, 1, 2, 2}));  // through LISTEN and through SYN-SENT
}

TEST(DiagramPath, EveryStateHasOneAndOtherWordsHaveNone) {
  for (const State state : tcp::kStates) {
    const auto ways = find_path(tcp::to_string(state));
    ASSERT_TRUE(ways);
    EXPECT_TRUE(is_on(*ways, state)) << tcp::to_string(state);
    EXPECT_EQ(ways->front().steps.front().from, State::closed);
    EXPECT_EQ(ways->back().steps.back().to, State::closed);
  }
  EXPECT_FALSE(find_path("banana"));
  EXPECT_FALSE(find_path(""));
}

TEST(DiagramJson, HasTheWholeTableWithKinds) {
  const std::string json = written<write_diagram_json>(diagram_of("client"));
  EXPECT_NE(json.find("\"schema\":\"tcpdx/1\""), std::string::npos);
  size_t moves = 0;
  for (size_t at = json.find("\"on\":"); at != std::string::npos;
       at = json.find("\"on\":", at + 1)) {
    ++moves;
  }
  EXPECT_EQ(moves, tcp::transitions().size());
}

}  // namespace
}  // namespace tcpdx::view
