#include "probe/facts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace tcpdx::probe {
namespace {

using Value = decltype(Fact::value);

template <class Number>
Value number_or_none(const std::optional<Number>& number) {
  return number ? Value(static_cast<int64_t>(*number)) : Value{};
}

}  // namespace

std::vector<Fact> facts_of(const Attempt& attempt) {
  std::vector<Fact> facts;
  const auto add = [&](std::string_view fact, Value value) {
    facts.push_back({fact, std::move(value)});
  };
  if (attempt.local) add("local", to_string(*attempt.local));
  if (attempt.rtt) add("rtt_us", attempt.rtt->count());
  if (attempt.syn_repeats > 0) add("syn_repeats", int64_t{attempt.syn_repeats});
  if (attempt.message) {
    if (attempt.message->offender) add("offender", to_string(*attempt.message->offender));
    add("icmp", fmt::format("{}/{}", attempt.message->type, attempt.message->code));
  }
  if (attempt.ending == Ending::none) return facts;
  const Agreed& agreed = attempt.agreed;
  add("snd_mss", number_or_none(agreed.snd_mss));
  add("pmtu", number_or_none(agreed.pmtu));
  add("window_scale", number_or_none(agreed.window_scale));
  add("sack", agreed.sack);
  add("timestamps", agreed.timestamps);
  add("ecn", agreed.ecn);
  add("ending", std::string(to_string(attempt.ending)));
  if (attempt.answered_after) add("answered_after_us", attempt.answered_after->count());
  if (!attempt.answer.empty()) add("answer", attempt.answer);
  if (attempt.as_expected) add("as_expected", *attempt.as_expected);
  if (attempt.request_acked) add("request_acked", *attempt.request_acked);
  if (attempt.out_of_order > 0) add("out_of_order", int64_t{attempt.out_of_order});
  return facts;
}

std::vector<Fact> facts_of(const Route& route) {
  std::vector<Fact> facts;
  if (route.error != 0) facts.push_back({"error", errno_text(route.error)});
  if (!route.interface.empty()) facts.push_back({"interface", route.interface});
  if (route.gateway) facts.push_back({"gateway", to_string(*route.gateway)});
  if (route.neighbour) facts.push_back({"neighbour", std::string(to_string(*route.neighbour))});
  return facts;
}

std::vector<Fact> facts_of(const PathResult& path) {
  std::vector<Fact> facts{{"method", std::string(to_string(path.method))},
                          {"reached", path.reached}};
  const auto answered = [](const PathHop& hop) { return !hop.responders.empty(); };
  facts.push_back({"hops_answered", std::ranges::count_if(path.hops, answered)});
  const auto last = std::find_if(path.hops.rbegin(), path.hops.rend(), answered);
  if (last != path.hops.rend()) {
    facts.push_back({"last_hop", int64_t{last->ttl}});
    facts.push_back({"last_address", to_string(last->responders.front().address)});
  }
  if (path.end_to_end) facts.push_back({"rtt_us", path.end_to_end->min.count()});
  if (!path.words.empty()) facts.push_back({"error", path.words});
  // Of the hops that quoted our SYN the last one tells what the way has made of its MSS.
  const auto quoted = std::find_if(path.hops.rbegin(), path.hops.rend(), [](const PathHop& hop) {
    return !hop.responders.empty() && hop.responders.front().quoted_mss;
  });
  if (quoted != path.hops.rend()) {
    facts.push_back({"mss_of_syn", number_or_none(quoted->responders.front().quoted_mss)});
    facts.push_back({"mss_of_syn_at_hop", int64_t{quoted->ttl}});
  }
  if (path.mtu) {
    for (const MtuStep& step : path.mtu->steps) {
      facts.push_back({"mtu_step_behind_hop", int64_t{step.behind}});
      facts.push_back({"mtu", int64_t{step.mtu}});
      if (step.told_by) facts.push_back({"told_by", to_string(*step.told_by)});
    }
  }
  return facts;
}

std::vector<Fact> facts_of(const MtuLook& look) {
  std::vector<Fact> facts{{"largest", number_or_none(look.largest)}};
  if (look.told_mtu) facts.push_back({"told_mtu", int64_t{*look.told_mtu}});
  if (look.told_by) facts.push_back({"told_by", to_string(*look.told_by)});
  facts.push_back({"black_hole", look.black_hole});
  if (const auto size = vanished_size(look)) facts.push_back({"vanished", int64_t{*size}});
  if (look.large_arrives) facts.push_back({"vanished_arrives_by_udp", *look.large_arrives});
  return facts;
}

std::vector<Fact> facts_of(const ProbeTally& tally) {
  return {{"sent", int64_t{tally.sent}}, {"answered", int64_t{tally.answered}}};
}

std::vector<Fact> facts_of(const LocalDrops& drops) {
  return {{"dropped_by_reverse_path_filter", static_cast<int64_t>(drops.reverse_path)},
          {"dropped_by_conntrack", static_cast<int64_t>(drops.conntrack)},
          {"conntrack_count", number_or_none(drops.conntrack_count)},
          {"conntrack_max", number_or_none(drops.conntrack_max)}};
}

}  // namespace tcpdx::probe
