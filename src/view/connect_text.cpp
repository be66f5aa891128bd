#include "view/connect_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "probe/facts.hpp"
#include "probe/target.hpp"
#include "view/json.hpp"
#include "view/ping_text.hpp"
#include "view/probe_json.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kShownAnswer = 200;

bool connected(const probe::Attempt& attempt) { return attempt.ending != probe::Ending::none; }

std::string agreed_text(const probe::Agreed& agreed) {
  std::vector<std::string> parts;
  if (agreed.snd_mss) parts.push_back(fmt::format("MSS {}", *agreed.snd_mss));
  if (agreed.pmtu) parts.push_back(fmt::format("path MTU {}", *agreed.pmtu));
  if (agreed.window_scale) {
    parts.push_back(fmt::format("window scale {} / {}", agreed.own_window_scale.value_or(0),
                                *agreed.window_scale));
  } else {
    parts.emplace_back("no window scaling");
  }
  parts.emplace_back(agreed.sack ? "SACK" : "no SACK");
  parts.emplace_back(agreed.timestamps ? "timestamps" : "no timestamps");
  if (agreed.ecn) parts.emplace_back("ECN");
  return fmt::format("{}", fmt::join(parts, " · "));
}

std::string_view ending_text(probe::Ending ending) {
  switch (ending) {
    case probe::Ending::none: return "";
    case probe::Ending::closed_by_us: return "closed by us";
    case probe::Ending::closed_by_peer: return "closed by the peer";
    case probe::Ending::reset_by_peer: return "reset by the peer";
  }
  return "";
}

std::vector<Duration> times_of(std::span<const probe::Attempt> attempts) {
  std::vector<Duration> times;
  for (const probe::Attempt& one : attempts) {
    if (connected(one)) times.push_back(one.took);
  }
  return times;
}

std::map<std::string_view, uint64_t> reasons_of(std::span<const probe::Attempt> attempts) {
  std::map<std::string_view, uint64_t> reasons;
  for (const probe::Attempt& one : attempts) {
    if (one.verdict.why != probe::Why::ok) ++reasons[to_string(one.verdict.why)];
  }
  return reasons;
}

}  // namespace

void write_attempt(std::ostream& out, const Style& style, const probe::Attempt& attempt) {
  const bool good = attempt.verdict.why == probe::Why::ok;
  out << paint(style, good ? Ink::plain : Ink::red,
               fmt::format("{}  {}  {}", to_string(attempt.target), rtt_text(attempt.took),
                           attempt.verdict.sentence))
      << '\n';
  if (!connected(attempt)) return;
  out << fmt::format("  {} to {}: {}, {}\n", attempt.local ? to_string(*attempt.local) : "?",
                     to_string(attempt.target), agreed_text(attempt.agreed),
                     ending_text(attempt.ending));
  if (attempt.syn_repeats > 0) {
    out << fmt::format("  its SYN went {} times: the first ones, or their answers, were lost\n",
                       attempt.syn_repeats + 1);
  }
  if (attempt.answered_after) {
    out << fmt::format("  answered after {}: {}\n", rtt_text(*attempt.answered_after),
                       ellipsis(printable(attempt.answer), kShownAnswer));
  }
  if (attempt.as_expected == false) {
    out << paint(style, Ink::red, "  the answer does not hold what was expected") << '\n';
  }
}

void write_attempts_summary(std::ostream& out, std::span<const probe::Attempt> attempts) {
  const std::vector<Duration> times = times_of(attempts);
  out << fmt::format("\n{} of {} connected", times.size(), attempts.size());
  if (const auto took = probe::summarize(times)) {
    out << fmt::format(": min {}  median {}  95 % within {}  99 % within {}  max {}",
                       rtt_text(took->min), rtt_text(took->median), rtt_text(took->p95),
                       rtt_text(took->p99), rtt_text(took->max));
  }
  out << '\n';
  for (const auto& [why, count] : reasons_of(attempts)) {
    out << fmt::format("  {} {}\n", count, why);
  }
}

void write_racing_order(std::ostream& out, const std::vector<IpAddress>& addresses) {
  const auto other = [&](const IpAddress& one) { return one.family != addresses.front().family; };
  if (std::ranges::none_of(addresses, other)) return;
  out << "  clients that race (RFC 8305) try ";
  std::string_view before;
  for (const IpAddress& one : probe::racing_order(addresses)) {
    out << std::exchange(before, ", then ") << to_string(one);
  }
  out << ", 250 ms apart\n";
}

void write_attempts_json(std::ostream& out, const std::string& target,
                         const std::vector<IpAddress>& addresses,
                         std::span<const probe::Attempt> attempts) {
  Json race = Json::array();
  for (const IpAddress& one : probe::racing_order(addresses)) race.push_back(to_string(one));
  Json list = Json::array();
  for (const probe::Attempt& one : attempts) {
    list.push_back({{"address", to_string(one.target.addr)},
                    {"port", one.target.port},
                    {"result", to_string(one.verdict.why)},
                    {"sentence", one.verdict.sentence},
                    {"duration_us", one.took.count()},
                    {"evidence", facts_json(probe::facts_of(one))}});
  }
  Json failures = Json::object();
  for (const auto& [why, count] : reasons_of(attempts)) failures[std::string(why)] = count;
  const std::vector<Duration> times = times_of(attempts);
  const Json document{{"schema", kSchema},
                      {"target", target},
                      {"race", std::move(race)},
                      {"attempts", std::move(list)},
                      {"summary",
                       {{"attempts", attempts.size()},
                        {"connected", times.size()},
                        {"duration_us", rtt_json(probe::summarize(times))},
                        {"failures", std::move(failures)}}}};
  out << dump(document) << '\n';
}

}  // namespace tcpdx::view
