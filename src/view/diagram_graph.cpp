// The diagram in two languages that lay it out themselves: DOT of Graphviz and Mermaid.
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "view/diagram.hpp"

namespace tcpdx::view {
namespace {

// One cause to a line, each with its action.
std::string dot_label(const Edge& edge) {
  std::vector<std::string> lines;
  for (const EdgeLabel& label : edge.labels) {
    for (const std::string_view cause : label.causes) {
      lines.push_back(one_line(EdgeLabel{{cause}, label.action}));
    }
  }
  return fmt::format("{}", fmt::join(lines, "\\n"));
}

// '-' begins an arrow in Mermaid, so names cannot be identifiers.
std::string id_of(tcp::State state) {
  std::string id(tcp::to_string(state));
  std::ranges::replace(id, '-', '_');
  return id;
}

// As in RFC 9293 Figure 5 there are two CLOSED: a connection that has begun ends in the second.
constexpr std::string_view kEnd = "CLOSED_AGAIN";
std::string target_of(const Edge& edge) {
  const bool begun = edge.from != tcp::State::listen && edge.from != tcp::State::syn_sent;
  return edge.to == tcp::State::closed && begun ? std::string(kEnd) : id_of(edge.to);
}

bool is_shown(const Diagram& diagram, const Edge& edge) {
  return diagram.failures || edge.kind != MoveKind::failure;
}

std::string_view edge_look(const Diagram& diagram, const Edge& edge) {
  if (is_on(diagram.path, edge)) return ", penwidth=3, color=\"#0072b2\", fontcolor=\"#0072b2\"";
  switch (edge.kind) {
    case MoveKind::usual: return "";
    case MoveKind::rare: return ", style=dashed, constraint=false";
    case MoveKind::failure: return ", style=dotted";
  }
  std::unreachable();
}

void write_dot_state(std::ostream& out, const Diagram& diagram, tcp::State state,
                     std::string_view id) {
  out << fmt::format("  {} [label=\"{}\"{}];\n", id, tcp::to_string(state),
                     is_on(diagram.path, state) ? ", penwidth=3, color=\"#0072b2\"" : "");
}

}  // namespace

void write_diagram_dot(std::ostream& out, const Diagram& diagram) {
  out << "// States and moves of a TCP connection (RFC 9293). Dashed: rare. Dotted: failures.\n";
  if (!diagram.failures) out << "// Not shown: " << folded_remark(diagram.edges) << ".\n";
  out << "digraph tcp {\n"
         "  graph [rankdir=TB, nodesep=0.7, ranksep=0.6, fontname=\"Helvetica\"];\n"
         "  node [shape=box, style=\"rounded,filled\", fillcolor=\"#f4f4f4\", "
         "fontname=\"Helvetica\"];\n"
         "  edge [fontname=\"Helvetica\", fontsize=10];\n";
  for (const tcp::State state : tcp::kStates) {
    write_dot_state(out, diagram, state, id_of(state));
  }
  write_dot_state(out, diagram, tcp::State::closed, kEnd);
  out << "  { rank=min; CLOSED; }\n  { rank=max; CLOSED_AGAIN; }\n";
  for (const Edge& edge : diagram.edges) {
    if (!is_shown(diagram, edge)) continue;
    out << fmt::format("  {} -> {} [label=\"{}\"{}];\n", id_of(edge.from), target_of(edge),
                       dot_label(edge), edge_look(diagram, edge));
  }
  out << "}\n";
}

void write_diagram_mermaid(std::ostream& out, const Diagram& diagram) {
  out << "stateDiagram-v2\n";
  if (!diagram.failures) out << "  %% Not shown: " << folded_remark(diagram.edges) << ".\n";
  for (const tcp::State state : tcp::kStates) {
    out << fmt::format("  state \"{}\" as {}\n", tcp::to_string(state), id_of(state));
  }
  out << fmt::format("  state \"CLOSED\" as {}\n", kEnd);
  for (const Edge& edge : diagram.edges) {
    if (!is_shown(diagram, edge)) continue;
    out << fmt::format("  {} --> {}: {}\n", id_of(edge.from), target_of(edge), one_line(edge));
  }
  if (diagram.path.empty()) return;
  // Mermaid has no style for single lines of a state diagram: the states show the path.
  out << "  classDef path stroke:#0072b2,stroke-width:4px\n";
  for (const tcp::State state : tcp::kStates) {
    if (is_on(diagram.path, state)) out << fmt::format("  class {} path\n", id_of(state));
  }
  if (is_on(diagram.path, tcp::State::closed)) out << fmt::format("  class {} path\n", kEnd);
}

}  // namespace tcpdx::view
