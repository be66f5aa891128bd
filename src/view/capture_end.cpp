#include "view/capture_end.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "track/report.hpp"
#include "view/json.hpp"
#include "view/packet_line.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kOpenShown = 20;

std::string_view name_of(const std::optional<tcp::State>& state) {
  return state ? to_string(*state) : "?";
}

Json json_of(const std::optional<tcp::State>& state) {
  return state ? Json(to_string(*state)) : Json(nullptr);
}

std::string counted(uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

std::string dropped_text(const CaptureTotals& totals) {
  if (totals.dropped == 0 && totals.dropped_by_interface == 0) return "the kernel dropped none";
  std::string text = fmt::format("the kernel dropped {}", grouped(totals.dropped));
  if (totals.dropped != 0) text += " for lack of room: --buffer gives more";
  if (totals.dropped_by_interface != 0) {
    text += fmt::format(", the interface {}", grouped(totals.dropped_by_interface));
  }
  return text;
}

}  // namespace

void CaptureEnd::add(const Connection& connection) {
  const ConnectionSide& originator = connection.side(Party::originator);
  const ConnectionSide& responder = connection.side(Party::responder);
  ++connections_;
  ++pairs_[{originator.state, responder.state}];
  if (connection.close.how != CloseHow::open) return;
  ++open_count_;
  if (open_.size() == kOpenShown) return;
  open_.push_back({.originator = connection.originator,
                   .responder = connection.responder,
                   .states = {originator.state, responder.state},
                   .certainties = {originator.certainty, responder.certainty},
                   .observed = connection.observed});
}

void CaptureEnd::write(std::ostream& out, const Style& style, const CaptureTotals& totals) const {
  const bool lossy = totals.dropped != 0 || totals.dropped_by_interface != 0;
  out << paint(style, Ink::bold,
               fmt::format("{} of {} in {}", counted(totals.frames, "packet", "packets"),
                           counted(connections_, "connection", "connections"),
                           human(totals.duration)))
      << "; " << paint(style, lossy ? Ink::red : Ink::plain, dropped_text(totals)) << '\n';
  if (totals.repeats != 0) {
    out << fmt::format("{} seen again on another interface: not shown, not counted twice\n",
                       counted(totals.repeats, "packet", "packets"));
  }
  if (totals.dropped_half_open != 0) {
    out << fmt::format(
        "{} forgotten for lack of memory: --memory gives more\n",
        counted(totals.dropped_half_open, "half-open connection", "half-open connections"));
  }
  std::vector<std::pair<std::pair<State, State>, uint64_t>> pairs(pairs_.begin(), pairs_.end());
  std::ranges::sort(pairs, [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (const auto& [pair, number] : pairs) {
    out << fmt::format("{:>8}  {} / {}\n", grouped(number), name_of(pair.first),
                       name_of(pair.second));
  }
  if (open_.empty()) return;
  out << paint(style, Ink::bold, "still open") << ", client and server\n";
  for (const Open& one : open_) {
    out << fmt::format(
        "  {} > {}  {}  for {}\n", to_string(one.originator), to_string(one.responder),
        states_text({one.states[0], one.certainties[0]}, {one.states[1], one.certainties[1]}),
        human(one.observed));
  }
  if (open_count_ > open_.size()) {
    out << fmt::format("  and {} more\n", grouped(open_count_ - open_.size()));
  }
}

void CaptureEnd::write_json(std::ostream& out, const CaptureTotals& totals) const {
  Json states = Json::array();
  for (const auto& [pair, number] : pairs_) {
    states.push_back({{"originator", json_of(pair.first)},
                      {"responder", json_of(pair.second)},
                      {"connections", number}});
  }
  Json open = Json::array();
  for (const Open& one : open_) {
    open.push_back(
        {{"originator", endpoint_json(one.originator)},
         {"responder", endpoint_json(one.responder)},
         {"states",
          {{"originator", json_of(one.states[0])}, {"responder", json_of(one.states[1])}}},
         {"observed_us", one.observed.count()}});
  }
  const Json json{{"schema", kSchema},
                  {"summary",
                   {{"frames", totals.frames},
                    {"segments", totals.segments},
                    {"repeats", totals.repeats},
                    {"duration_us", totals.duration.count()},
                    {"connections", connections_},
                    {"states", std::move(states)},
                    {"open_connections", open_count_},
                    {"open", std::move(open)},
                    {"forgotten", totals.dropped_half_open},
                    {"kernel",
                     {{"received", totals.received},
                      {"dropped", totals.dropped},
                      {"dropped_by_interface", totals.dropped_by_interface}}}}}};
  out << dump(json) << '\n';
}

}  // namespace tcpdx::view
