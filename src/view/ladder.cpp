#include "view/ladder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "view/arrows.hpp"
#include "view/json.hpp"

namespace tcpdx::view {
namespace {

using sim::Fate;
using sim::Recording;
using sim::Segment;
using sim::Side;
using sim::States;

// Columns: "  0.010000 SYN-RECEIVED " + middle + " SYN-RECEIVED" are 80.
constexpr size_t kWidth = 80;
constexpr size_t kTime = 11;
constexpr size_t kState = 12;
constexpr size_t kMiddle = 42;

// What one line of the ladder tells.
struct Line {
  uint64_t order = 0;
  Duration at{};
  std::optional<States> states;
  std::string text;
  bool arrow = false;  // a segment, not a remark
  size_t conversation = 0;
  // Of a lost segment: the end that knows nothing of it and stays as the lines above show it.
  std::optional<Side> unmoved{};
};

// Number and direction of a segment in tcpdump's notation, without what it leaves out too.
std::string label(const Segment& segment, bool numbered) {
  const wire::TcpFlags flags = segment.header.flags;
  std::string text;
  if (numbered) text = fmt::format("#{} ", segment.conversation + 1);
  text += fmt::format("[{}]", to_string(flags));
  if (segment.length != 0) {
    text += fmt::format(" seq {}:{}", segment.seq, segment.seq + int64_t{segment.length});
  } else if (flags.syn || flags.fin || flags.rst) {
    text += fmt::format(" seq {}", segment.seq);
  }
  if (segment.ack) text += fmt::format(" ack {}", *segment.ack);
  if (segment.header.window == 0 && !flags.rst) text += " win 0";
  return text;
}

Beside side_of(Side side) { return side == Side::client ? Beside::left : Beside::right; }

std::string arrow_of(const Segment& segment, Way way, std::string label, std::string_view remark) {
  if (!remark.empty()) label += fmt::format(" ({})", remark);
  return arrow(side_of(segment.from), way, label, kMiddle);
}

std::string_view remark_of(const Segment& segment) {
  if (segment.injected) return segment.seq < 0 ? "old" : "forged";
  switch (segment.fate) {
    case Fate::delivered: return "";
    case Fate::lost: return "lost";
    case Fate::duplicated: return "twice";
    case Fate::reordered: return "late";
    case Fate::corrupted: return "corrupted";
  }
  return "";
}

// Of a silent peer or of a closed window: an empty ACK with a number that was used before.
bool is_probe(const Recording& recording, size_t index) {
  const Segment& segment = recording.segments[index];
  const wire::TcpFlags flags = segment.header.flags;
  if (segment.length != 0 || flags.syn || flags.fin || flags.rst || segment.injected) return false;
  int64_t next = INT64_MIN;
  for (const Segment& one : std::span(recording.segments).first(index)) {
    if (one.conversation != segment.conversation || one.from != segment.from) continue;
    const wire::TcpFlags taken = one.header.flags;
    next =
        std::max(next, one.seq + int64_t{one.length} + (taken.syn ? 1 : 0) + (taken.fin ? 1 : 0));
  }
  return segment.seq == next - 1;
}

// Whether something else of the other direction, or an overtaking segment, is sent or arrives while
// this one is on its way.
bool disturbed(const Recording& recording, const Segment& segment) {
  if (segment.arrivals.size() != 1 || !segment.arrivals.front().states) return true;
  const auto until = segment.arrivals.front().order;
  const auto between = [&](uint64_t order) { return order > segment.order && order < until; };
  return std::ranges::any_of(recording.segments, [&](const Segment& one) {
    const bool same_way = one.from == segment.from;
    if (!same_way && between(one.order)) return true;
    return (!same_way || one.order > segment.order) &&
           std::ranges::any_of(one.arrivals, [&](const sim::Arrival& arrival) {
             return arrival.order != 0 && between(arrival.order);
           });
  });
}

// Which segments take one line, as in the figures: those that nothing disturbs, and that no other
// of their direction overlaps which takes two.
std::vector<bool> whole_segments(const Recording& recording) {
  const auto& segments = recording.segments;
  std::vector<bool> whole(segments.size());
  for (size_t i = 0; i < segments.size(); ++i) whole[i] = !disturbed(recording, segments[i]);
  const auto last = [](const Segment& one) {
    return one.arrivals.empty() ? one.order : one.arrivals.back().order;
  };
  for (bool again = true; std::exchange(again, false);) {
    for (size_t i = 0; i < segments.size(); ++i) {
      for (size_t j = i + 1; j < segments.size() && segments[j].order < last(segments[i]); ++j) {
        const bool lost = segments[i].arrivals.empty() || segments[j].arrivals.empty();
        if (lost || segments[i].from != segments[j].from || whole[i] == whole[j]) continue;
        whole[i] = whole[j] = false;
        again = true;
      }
    }
  }
  return whole;
}

void add_segment(const Segment& segment, bool numbered, bool whole, bool probe,
                 std::vector<Line>& lines) {
  const std::string name = label(segment, numbered);
  std::string remark(remark_of(segment));
  if (probe) remark = remark.empty() ? "probe" : "probe, " + remark;
  const auto line = [&](uint64_t order, Duration at, States states, Way way) {
    lines.push_back(
        {order, at, states, arrow_of(segment, way, name, remark), true, segment.conversation, {}});
  };
  if (segment.fate == Fate::lost) {
    line(segment.order, segment.at, segment.states, Way::lost);
    lines.back().unmoved = other(segment.from);
    return;
  }
  if (whole && !segment.injected) {
    States states = segment.states;
    const Side to = other(segment.from);
    const std::optional<States>& arrived = segment.arrivals.front().states;
    if (arrived) states.of(to) = arrived->of(to);
    return line(segment.order, segment.at, states, Way::whole);
  }
  if (!segment.injected) line(segment.order, segment.at, segment.states, Way::departs);
  for (const sim::Arrival& arrival : segment.arrivals) {
    if (arrival.states) line(arrival.order, arrival.at, *arrival.states, Way::arrives);
  }
}

// The states of a move's conversation once it is done.
States states_after(const Recording& recording, const sim::Move& move) {
  States states = recording.conversations[move.conversation].start;
  for (const sim::Move& one : recording.moves) {
    if (one.order > move.order) break;
    if (one.conversation == move.conversation) states.of(one.side) = one.to;
  }
  return states;
}

std::string remark(std::optional<Side> side, std::string_view what) {
  if (!side) return aside(Beside::middle, fmt::format("({})", what), kMiddle);
  return aside(side_of(*side), fmt::format("({} {})", to_string(*side), what), kMiddle);
}

// Changes of state that no segment and no call explains.
std::string_view why_silent(tcp::Event event) {
  switch (event) {
    case tcp::Event::user_timeout: return "user timeout: gives up";
    case tcp::Event::retransmission_give_up: return "gives up: no answer";
    case tcp::Event::keep_alive_give_up: return "gives up: no keep-alive answered";
    case tcp::Event::time_wait_timeout: return "has waited 2 MSL";
    case tcp::Event::passive_open:
    case tcp::Event::active_open:
    case tcp::Event::send:
    case tcp::Event::receive:
    case tcp::Event::close:
    case tcp::Event::abort:
    case tcp::Event::status:
    case tcp::Event::unacceptable_segment:
    case tcp::Event::rst:
    case tcp::Event::rst_after_passive_open:
    case tcp::Event::syn_after_passive_open:
    case tcp::Event::rst_after_reopen:
    case tcp::Event::other_security:
    case tcp::Event::syn:
    case tcp::Event::syn_ack:
    case tcp::Event::new_connection_syn:
    case tcp::Event::unacceptable_ack:
    case tcp::Event::ack_of_syn:
    case tcp::Event::ack:
    case tcp::Event::ack_of_fin:
    case tcp::Event::text:
    case tcp::Event::fin:
    case tcp::Event::icmp_hard_error:
    case tcp::Event::retransmission_timeout: return "";
  }
  return "";
}

// Notices that a learner would miss; the others are plain from the segments.
std::string_view bad_news(tcp::Notice notice) {
  switch (notice) {
    case tcp::Notice::reset: return "is told: connection reset";
    case tcp::Notice::refused: return "is told: connection refused";
    case tcp::Notice::timed_out: return "is told: timed out";
    case tcp::Notice::aborted: return "is told: aborted";
    case tcp::Notice::opened:
    case tcp::Notice::readable:
    case tcp::Notice::writable:
    case tcp::Notice::urgent:
    case tcp::Notice::peer_closed:
    case tcp::Notice::closed:
    case tcp::Notice::soft_error:
    case tcp::Notice::retransmitting: return "";
  }
  return "";
}

std::vector<Line> lines_of(const Recording& recording) {
  std::vector<Line> lines;
  const bool numbered = recording.conversations.size() > 1;
  const std::vector<bool> whole = whole_segments(recording);
  for (size_t i = 0; i < whole.size(); ++i) {
    add_segment(recording.segments[i], numbered, whole[i], is_probe(recording, i), lines);
  }
  for (const sim::Call& call : recording.calls) {
    lines.push_back({call.order, call.at, {}, remark(call.side, call.what)});
  }
  for (const sim::Move& move : recording.moves) {
    const std::string_view why = why_silent(move.on);
    if (why.empty()) continue;
    const States states = states_after(recording, move);
    lines.push_back(
        {move.order, move.at, states, remark(move.side, why), false, move.conversation, {}});
  }
  for (const sim::Told& told : recording.told) {
    const std::string_view news = bad_news(told.notice);
    if (news.empty()) continue;
    lines.push_back({told.order, told.at, {}, remark(told.side, news)});
  }
  std::ranges::sort(lines, {}, &Line::order);
  std::vector<States> shown;
  shown.reserve(recording.conversations.size());
  for (const sim::Conversation& one : recording.conversations) shown.push_back(one.start);
  for (Line& line : lines) {
    if (!line.states) continue;
    States& last = shown[line.conversation];
    if (line.unmoved) line.states->of(*line.unmoved) = last.of(*line.unmoved);
    last = *line.states;
  }
  return lines;
}

bool has_old_numbers(const Recording& recording) {
  return std::ranges::any_of(recording.segments, [](const Segment& one) {
    return one.seq < 0 || one.ack.value_or(0) < 0;
  });
}

void write_line(std::ostream& out, const Style& style, const Line& line, bool with_time) {
  std::string text =
      with_time ? fmt::format("{:>{}.6f} ", seconds(line.at), kTime) : std::string(kTime + 1, ' ');
  const auto state = [&](Side side) {
    return line.states ? to_string(line.states->of(side)) : std::string_view();
  };
  text += fmt::format("{:<{}} ", state(Side::client), kState);
  const bool bad = line.text.find(" lost)") != std::string::npos || line.text.contains("--X");
  text += paint(style, bad ? Ink::red : line.arrow ? Ink::cyan : Ink::dim, line.text);
  text += fmt::format(" {}", state(Side::server));
  out << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
}

void write_conversations(std::ostream& out, const Recording& recording) {
  for (size_t i = 0; i < recording.conversations.size(); ++i) {
    const sim::Conversation& one = recording.conversations[i];
    const std::string number =
        recording.conversations.size() > 1 ? fmt::format("#{} ", i + 1) : std::string();
    out << fmt::format("{}in the end: {} {}, {} {}\n", number, to_string(one.client),
                       to_string(one.now.client), to_string(one.server), to_string(one.now.server));
  }
}

}  // namespace

void write_ladder(std::ostream& out, const Style& style, const sim::Scenario& scenario,
                  const Recording& recording) {
  out << paint(style, Ink::bold, scenario.name) << ": "
      << wrapped({.colour = style.colour, .width = kWidth}, scenario.name.size() + 2,
                 scenario.sentence)
      << "\n\n";
  out << fmt::format("{:>{}} {:<{}} {:^{}} {}\n", "seconds", kTime, "client", kState, "segment",
                     kMiddle, "server");
  if (!recording.conversations.empty()) {
    write_line(out, style,
               {0, {}, recording.conversations.front().start, std::string(kMiddle, ' '), false},
               false);
  }
  for (const Line& line : lines_of(recording)) write_line(out, style, line, true);
  out << '\n';
  write_conversations(out, recording);
  if (has_old_numbers(recording)) {
    out << "A negative number lies before the latest SYN: it is of an earlier connection.\n";
  }
}
namespace {

Json states_json(const States& states) {
  return {{"client", to_string(states.client)}, {"server", to_string(states.server)}};
}

Json segment_json(const Segment& segment) {
  Json arrived = Json::array();
  for (const sim::Arrival& arrival : segment.arrivals) {
    if (!arrival.states) continue;
    arrived.push_back({{"t_us", arrival.at.count()}, {"states", states_json(*arrival.states)}});
  }
  const bool acks = segment.header.flags.ack;
  Json json{{"t_us", segment.at.count()},
            {"from", to_string(segment.from)},
            {"connection", segment.conversation + 1},
            {"flags", to_string(segment.header.flags)},
            {"seq", segment.seq},
            {"ack", or_null(segment.ack)},
            {"seq_raw", segment.header.seq.raw},
            {"ack_raw", acks ? Json(segment.header.ack.raw) : Json(nullptr)},
            {"length", segment.length},
            {"window", segment.header.window},
            {"fate", to_string(segment.fate)},
            {"states", states_json(segment.states)},
            {"arrived", std::move(arrived)}};
  if (segment.injected) json["forged"] = true;
  return json;
}

Json move_json(const sim::Move& move) {
  return {{"t_us", move.at.count()},
          {"side", to_string(move.side)},
          {"connection", move.conversation + 1},
          {"from", to_string(move.from)},
          {"to", to_string(move.to)},
          {"cause", to_string(move.on)}};
}

Json conversation_json(const sim::Conversation& one) {
  return {{"client", endpoint_json(one.client)},
          {"server", endpoint_json(one.server)},
          {"start", states_json(one.start)},
          {"end", states_json(one.now)}};
}

}  // namespace

void write_ladder_json(std::ostream& out, const sim::Scenario& scenario, uint64_t seed,
                       const Recording& recording) {
  JsonObjectWriter json(out);
  json.member("schema", kSchema);
  json.member("scenario", scenario.name);
  json.member("seed", seed);
  json.begin_array("connections");
  for (const auto& one : recording.conversations) json.element(conversation_json(one));
  json.end_array();
  json.begin_array("segments");
  for (const auto& one : recording.segments) json.element(segment_json(one));
  json.end_array();
  json.begin_array("transitions");
  for (const auto& one : recording.moves) json.element(move_json(one));
  json.end_array();
  json.member("end", recording.conversations.empty()
                         ? states_json({})
                         : states_json(recording.conversations.front().now));
  json.end();
}

void list_scenarios(std::ostream& out, const Style& style) {
  constexpr size_t kName = 25;
  for (const sim::Scenario& one : sim::scenarios()) {
    out << fmt::format("{:<{}}", one.name, kName) << wrapped(style, kName, one.sentence) << '\n';
  }
}

void list_scenarios_json(std::ostream& out) {
  Json list = Json::array();
  for (const sim::Scenario& one : sim::scenarios()) {
    list.push_back({{"name", one.name}, {"sentence", one.sentence}});
  }
  out << dump({{"schema", kSchema}, {"scenarios", std::move(list)}}) << '\n';
}

}  // namespace tcpdx::view
