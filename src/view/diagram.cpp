// How the moves of the table become the edges of a diagram, and what is said in words beside it.
#include "view/diagram.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "tcp/event.hpp"
#include "view/diagram_layout.hpp"
#include "view/json.hpp"

namespace tcpdx::view {
namespace {

using tcp::Event;
using tcp::State;
using tcp::Transition;

bool is_failure(Event event) {
  constexpr std::array kFailures{Event::abort,
                                 Event::rst,
                                 Event::other_security,
                                 Event::icmp_hard_error,
                                 Event::user_timeout,
                                 Event::retransmission_give_up,
                                 Event::keep_alive_give_up};
  return std::ranges::find(kFailures, event) != kFailures.end();
}

bool is_of_old_segments(Event event) {
  constexpr std::array kOld{Event::rst_after_passive_open, Event::syn_after_passive_open,
                            Event::rst_after_reopen, Event::new_connection_syn};
  return std::ranges::find(kOld, event) != kOld.end();
}

// The table writes "SYN,ACK sent", Figure 5 "snd SYN,ACK".
std::string segment_sent(std::string_view note) {
  constexpr std::array<std::string_view, 5> kSegments{"SYN,ACK", "SYN", "ACK", "FIN", "RST"};
  for (const std::string_view segment : kSegments) {
    if (note.find(fmt::format("{} sent", segment)) != std::string_view::npos) {
      return fmt::format("snd {}", segment);
    }
  }
  return "";
}

void add(Edge& edge, const Transition& move) {
  const std::string action = action_of(move);
  auto label = std::ranges::find(edge.labels, action, &EdgeLabel::action);
  if (label == edge.labels.end()) label = edge.labels.insert(label, {{}, action});
  label->causes.push_back(tcp::to_string(move.on));
}

std::string names(std::span<const State> states) {
  std::vector<std::string_view> list;
  for (const State state : states) list.push_back(tcp::to_string(state));
  return fmt::format("{}", fmt::join(list, ", "));
}

// The shorter of "A, B" and "every state but C".
std::string these_or_all_but(const std::vector<State>& these) {
  std::vector<State> others;
  for (const State state : tcp::kStates) {
    if (std::ranges::find(these, state) == these.end()) others.push_back(state);
  }
  if (others.size() >= these.size()) return names(these);
  return fmt::format("every state but {}", names(others));
}

}  // namespace

MoveKind kind_of(const Transition& move) {
  if (move.to == State::closed && is_failure(move.on)) return MoveKind::failure;
  // Only a SYN that carried a FIN brings one here (RFC 9293 3.10.7.2).
  const bool fin_with_syn = move.from == State::syn_received && move.on == Event::fin;
  return fin_with_syn || is_of_old_segments(move.on) ? MoveKind::rare : MoveKind::usual;
}

std::string_view to_string(MoveKind kind) {
  switch (kind) {
    case MoveKind::usual: return "usual";
    case MoveKind::rare: return "rare";
    case MoveKind::failure: return "failure";
  }
  std::unreachable();
}

std::string action_of(const Transition& move) {
  if (std::string sent = segment_sent(move.note); !sent.empty()) return sent;
  if (move.note.starts_with("TCB deleted")) return "delete TCB";
  return move.note.starts_with("a TCB is created") ? "create TCB" : "";
}

std::vector<Edge> edges_of(std::span<const Transition> moves) {
  std::vector<Edge> edges;
  for (const Transition& move : moves) {
    const MoveKind kind = kind_of(move);
    auto edge = std::ranges::find_if(edges, [&](const Edge& one) {
      return one.from == move.from && one.to == move.to && one.kind == kind;
    });
    if (edge == edges.end()) edge = edges.insert(edge, {move.from, move.to, kind, {}});
    add(*edge, move);
  }
  return edges;
}

std::string one_line(const EdgeLabel& label) {
  return fmt::format("{}{}{}", fmt::join(label.causes, " or "), label.action.empty() ? "" : " / ",
                     label.action);
}

std::string one_line(const Edge& edge) {
  std::vector<std::string> parts;
  parts.reserve(edge.labels.size());
  for (const EdgeLabel& label : edge.labels) parts.push_back(one_line(label));
  return fmt::format("{}", fmt::join(parts, ", "));
}

std::vector<Remark> undrawn_remarks(std::span<const Edge> edges) {
  std::vector<Remark> remarks;
  for (const Edge& edge : edges) {
    if (edge.kind == MoveKind::failure || find_route(edge) != nullptr) continue;
    remarks.push_back({fmt::format("{} → {}", tcp::to_string(edge.from), tcp::to_string(edge.to)),
                       one_line(edge)});
  }
  return remarks;
}

std::vector<Remark> failure_remarks(std::span<const Edge> edges) {
  std::vector<std::pair<std::string, std::vector<State>>> states_of;
  for (const Edge& edge : edges) {
    if (edge.kind != MoveKind::failure) continue;
    for (const EdgeLabel& label : edge.labels) {
      for (const std::string_view cause : label.causes) {
        const std::string line = one_line(EdgeLabel{{cause}, label.action});
        auto at = std::ranges::find(states_of, line, &decltype(states_of)::value_type::first);
        if (at == states_of.end()) at = states_of.insert(at, {line, {}});
        at->second.push_back(edge.from);
      }
    }
  }
  std::ranges::sort(states_of);
  std::vector<Remark> remarks;
  remarks.reserve(states_of.size());
  for (const auto& [what, states] : states_of) remarks.push_back({what, these_or_all_but(states)});
  return remarks;
}

std::string folded_remark(std::span<const Edge> edges) {
  std::vector<std::string_view> causes;
  size_t moves = 0;
  for (const Edge& edge : edges) {
    if (edge.kind != MoveKind::failure) continue;
    for (const EdgeLabel& label : edge.labels) {
      moves += label.causes.size();
      for (const std::string_view cause : label.causes) {
        if (std::ranges::find(causes, cause) == causes.end()) causes.push_back(cause);
      }
    }
  }
  return fmt::format("{} moves to CLOSED by a failure ({}); --all tells them", moves,
                     fmt::join(causes, ", "));
}

void write_diagram_json(std::ostream& out, const Diagram& diagram) {
  Json moves = Json::array();
  for (const Transition& move : tcp::transitions()) {
    const Edge edge{move.from, move.to, kind_of(move), {}};
    const std::string action = action_of(move);
    moves.push_back({{"from", tcp::to_string(move.from)},
                     {"to", tcp::to_string(move.to)},
                     {"on", tcp::to_string(move.on)},
                     {"action", action.empty() ? Json(nullptr) : Json(action)},
                     {"kind", to_string(edge.kind)},
                     {"on_path", is_on(diagram.path, edge)},
                     {"rfc9293", move.rfc9293},
                     {"note", move.note}});
  }
  Json path = Json::array();
  for (const PathPart& part : diagram.path) {
    Json steps = Json::array();
    for (const Step& step : part.steps) {
      steps.push_back({{"number", step.number},
                       {"from", tcp::to_string(step.from)},
                       {"to", tcp::to_string(step.to)},
                       {"label", step.label}});
    }
    path.push_back({{"title", part.title}, {"steps", std::move(steps)}});
  }
  const Json document{{"schema", kSchema}, {"moves", std::move(moves)}, {"path", std::move(path)}};
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
