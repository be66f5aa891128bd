// The state diagram, made from the transition table: moves merged into edges, a path through them,
// and the four formats in which both are written. No edge is kept by hand.
#pragma once

#include <cstdint>
#include <optional>
#include <ostream>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tcp/state.hpp"
#include "tcp/transition.hpp"
#include "view/style.hpp"

namespace tcpdx::view {

// What a diagram does with a move.
enum class MoveKind : uint8_t {
  usual,
  rare,     // made by old or second segments: no path leads over it
  failure,  // an end by ABORT, RST, error or a peer that is silent: folded, because nearly every
            // state has them all and all lead to CLOSED
};
MoveKind kind_of(const tcp::Transition& move);
std::string_view to_string(MoveKind kind);

// What the move sends or does, in the words of RFC 9293 Figure 5: "snd SYN,ACK", "delete TCB".
// Read from the table's note; empty where it names nothing.
std::string action_of(const tcp::Transition& move);

// The causes that have one action in common.
struct EdgeLabel {
  std::vector<std::string_view> causes;
  std::string action;
};

// All moves of one kind between two states.
struct Edge {
  tcp::State from{};
  tcp::State to{};
  MoveKind kind{};
  std::vector<EdgeLabel> labels;
};
std::vector<Edge> edges_of(std::span<const tcp::Transition> moves);

// "rcv SYN / snd SYN,ACK"; several causes joined by "or".
std::string one_line(const EdgeLabel& label);
std::string one_line(const Edge& edge);

// One step of a path. Steps with the same number are alternatives.
struct Step {
  size_t number = 0;
  tcp::State from{};
  tcp::State to{};
  std::string label;
};
struct PathPart {
  std::string title;
  std::vector<Step> steps;
};
using Path = std::vector<PathPart>;

// "client" and "server": the usual life of the end that calls and closes first, and of the end
// that is called. Anything else is read as a state: the shortest ways from CLOSED into it and from
// it to CLOSED, over usual moves only. Nothing for other words.
std::optional<Path> find_path(std::string_view name);
bool is_on(const Path& path, const Edge& edge);
bool is_on(const Path& path, tcp::State state);

struct Diagram {
  std::vector<Edge> edges;
  Path path;              // empty: none is marked
  bool failures = false;  // told too, not folded
};

void write_diagram_text(std::ostream& out, const Style& style, const Diagram& diagram);
void write_diagram_svg(std::ostream& out, const Diagram& diagram);
void write_diagram_dot(std::ostream& out, const Diagram& diagram);
void write_diagram_mermaid(std::ostream& out, const Diagram& diagram);
// Every move of the table by itself, with its kind.
void write_diagram_json(std::ostream& out, const Diagram& diagram);

// A line under a drawing: what happens, and where.
struct Remark {
  std::string what;
  std::string where;
};
// The edges that the drawing has no line for.
std::vector<Remark> undrawn_remarks(std::span<const Edge> edges);
// Each failure with the states that it ends.
std::vector<Remark> failure_remarks(std::span<const Edge> edges);
// In one sentence that failures exist and how they are shown.
std::string folded_remark(std::span<const Edge> edges);

}  // namespace tcpdx::view
