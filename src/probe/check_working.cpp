// A connection came about. Whether data will flow, and where the time goes, is another question.
#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "probe/check_parts.hpp"
#include "probe/statistics.hpp"

namespace tcpdx::probe {
namespace {

constexpr Duration kSlowName = 1s;
constexpr Duration kSlowHandshake = 900ms;  // a SYN is repeated after 1 s
constexpr Duration kSlowAnswer = 1s;
constexpr unsigned kHeaders = 40;  // of IPv4 and TCP, without options: the least around a segment
constexpr std::string_view kMtuAdvice =
    "let ICMP \"fragmentation needed\" pass on the way, clamp the MSS at the tunnel, or set "
    "net.ipv4.tcp_mtu_probing=1 at the end that sends";

bool asked_in_vain(const Attempt& attempt) { return attempt.request_acked.has_value(); }

CheckVerdict mtu_black_hole(Place place, Confidence confidence, std::string sentence) {
  return {.why = "mtu-black-hole",
          .place = place,
          .hop = {},
          .address = {},
          .confidence = confidence,
          .sentence = std::move(sentence),
          .advice = std::string(kMtuAdvice)};
}

// The request had no answer, and in small segments it has: only size is different.
CheckVerdict of_small_segments(const CheckSigns& signs) {
  const bool back = signs.attempt.request_acked.value_or(false);
  return mtu_black_hole(
      back ? Place::return_path : Place::between_hops, Confidence::confirmed,
      fmt::format("{} connects, but large segments vanish {}: the request {}, and no answer came; "
                  "asked in small segments it answers",
                  target_of(signs), back ? "on the way back" : "on the way there",
                  back ? "arrived" : "was never acknowledged"));
}

CheckVerdict of_no_answer(const CheckSigns& signs) {
  if (signs.small_segments && signs.small_segments->answered_after) return of_small_segments(signs);
  const bool arrived = signs.attempt.request_acked.value_or(false);
  return at_target(signs, "no-answer", arrived ? Confidence::confirmed : Confidence::likely,
                   arrived ? fmt::format("{} connects and its TCP has the request, but the program "
                                         "does not answer",
                                         target_of(signs))
                           : fmt::format("{} connects, but the request is never acknowledged: what "
                                         "follows the handshake is lost",
                                         target_of(signs)),
                   arrived ? "look at the program: it hangs, or waits for more than was sent"
                           : "a box on the way that knows no such connection does that: tcpdx "
                             "capture on both sides");
}

// Where sizes end, and nobody says so.
std::optional<MtuStep> silent_step(const PathResult& path) {
  if (!path.mtu) return std::nullopt;
  const auto at =
      std::ranges::find_if(path.mtu->steps, [](const MtuStep& step) { return !step.told_by; });
  return at == path.mtu->steps.end() ? std::nullopt : std::optional(*at);
}

CheckVerdict of_sizes_on_the_way_there(const CheckSigns& signs, unsigned largest) {
  CheckVerdict verdict = mtu_black_hole(
      Place::between_hops, Confidence::likely,
      fmt::format("{} connects, but what is above {} octets vanishes on the way there without a "
                  "word, echoes and UDP alike: connections hang when this host sends much",
                  target_of(signs), largest));
  if (!signs.sizes_by_hop) return verdict;
  const auto step = silent_step(*signs.sizes_by_hop);
  if (!step) return verdict;
  verdict.hop = step->behind;
  for (const PathHop& hop : signs.sizes_by_hop->hops) {
    if (hop.ttl == step->behind && !hop.responders.empty()) {
      verdict.address = hop.responders.front().address;
    }
  }
  verdict.sentence += fmt::format("; it happens behind hop {}", step->behind);
  return verdict;
}

// Echoes alone: what vanishes may be echoes and not segments.
std::optional<CheckVerdict> of_sizes(const CheckSigns& signs) {
  if (!signs.sizes || !signs.sizes->black_hole) return std::nullopt;
  const MtuLook& look = *signs.sizes;
  const unsigned largest = look.largest.value_or(0);
  if (look.large_arrives == true) {
    // Larger segments of the peer have come: only echoes are thrown away.
    if (signs.attempt.rcv_mss + kHeaders > largest) return std::nullopt;
    return mtu_black_hole(
        Place::return_path, Confidence::suspected,
        fmt::format("{} connects, but what is above {} octets vanishes on the way back: it reaches "
                    "the host, and an echo of it does not return (unless large echoes alone are "
                    "filtered; --send tells). Connections hang when the host sends much",
                    target_of(signs), largest));
  }
  if (look.large_arrives == false) return of_sizes_on_the_way_there(signs, largest);
  return mtu_black_hole(
      Place::none, Confidence::suspected,
      fmt::format("{} connects, but echoes above {} octets vanish without a word: large segments "
                  "may vanish too, and connections hang when data flows",
                  target_of(signs), largest));
}

// Where the time goes, of what was measured.
struct Times {
  Duration name{};
  Duration handshake{};
  Duration answer{};  // of the program: without the round trip
};

Times times_of(const CheckSigns& signs) {
  Times times{.name = signs.name_took.value_or(Duration{}), .handshake = signs.attempt.took};
  if (signs.attempt.answered_after) {
    const Duration travel = signs.attempt.rtt.value_or(Duration{});
    times.answer = std::max(Duration{}, *signs.attempt.answered_after - travel);
  }
  return times;
}

std::string split_text(const CheckSigns& signs, const Times& times) {
  std::string text = fmt::format(" (handshake {}", human(times.handshake));
  if (signs.name_took) text += fmt::format(", name {}", human(times.name));
  if (signs.attempt.answered_after) text += fmt::format(", program {}", human(times.answer));
  return text + ")";
}

// Where the round trip of the way grows most.
struct Jump {
  Duration by{};
  unsigned behind = 0;  // hop; 0: this host
  std::optional<IpAddress> address{};
};

// The way to a hop takes no longer than the way to any hop behind it: what a router's answer takes
// longer is the router's own leisure.
std::vector<Duration> times_by_hop(const PathResult& path) {
  std::vector<Duration> times(path.hops.size());
  Duration least = Duration::max();
  for (size_t i = path.hops.size(); i-- > 0;) {
    const PathHop& hop = path.hops[i];
    const auto rtt = hop.is_target ? path.end_to_end : hop.rtt();
    if (rtt) least = std::min(least, rtt->min);
    times[i] = least;
  }
  return times;
}

Jump largest_jump(const PathResult& path) {
  const std::vector<Duration> times = times_by_hop(path);
  Jump largest;
  Jump last;  // `by` is the round trip so far
  for (size_t i = 0; i < path.hops.size(); ++i) {
    const PathHop& hop = path.hops[i];
    if (hop.responders.empty()) continue;  // it may be on either side
    if (times[i] - last.by > largest.by) {
      largest = {.by = times[i] - last.by, .behind = last.behind, .address = last.address};
    }
    last = {.by = times[i], .behind = hop.ttl, .address = hop.responders.front().address};
  }
  return largest;
}

CheckVerdict slow(Place place, std::string sentence, std::string advice,
                  Confidence confidence = Confidence::confirmed) {
  return {.why = "slow",
          .place = place,
          .hop = {},
          .address = {},
          .confidence = confidence,
          .sentence = std::move(sentence),
          .advice = std::move(advice)};
}

CheckVerdict of_repeated_syns(const CheckSigns& signs) {
  if (auto limited = syns_are_limited(signs)) return *limited;
  const bool way_known = signs.by_echo && signs.by_echo->end_to_end;
  return slow(
      Place::none,
      fmt::format("{} connects only after {} SYNs, {}: the first ones, or their answers, "
                  "are lost{}",
                  target_of(signs), signs.attempt.syn_repeats + 1, human(signs.attempt.took),
                  way_known ? "" : ", or the way takes longer than a second"),
      "tcpdx path --stats shows where; a full accept queue there does it too", Confidence::likely);
}

CheckVerdict of_slow_host(const CheckSigns& signs, const std::string& split, Duration echo) {
  CheckVerdict verdict =
      slow(Place::target,
           fmt::format("{} connects, but slowly{}: the way is not it, an echo of the host takes {}",
                       target_of(signs), split, human(echo)),
           "the host is busy, or a proxy before it opens a connection of its own first",
           Confidence::likely);
  verdict.hop = target_distance(signs.by_echo);
  verdict.address = signs.target.addr;
  return verdict;
}

CheckVerdict of_long_way(const CheckSigns& signs, const std::string& split, const PathResult& way,
                         Duration echo) {
  const Jump jump = largest_jump(way);
  if (2 * jump.by < signs.attempt.took) {
    return slow(Place::none,
                fmt::format("{} connects, but slowly{}: the way is long, an echo takes {}",
                            target_of(signs), split, human(echo)),
                "tcpdx path --stats shows where the time goes");
  }
  CheckVerdict verdict = slow(
      Place::between_hops,
      fmt::format("{} connects, but slowly{}: {} of it between {} and the next hop",
                  target_of(signs), split, human(jump.by),
                  jump.behind == 0 ? std::string("this host") : fmt::format("hop {}", jump.behind)),
      "a long link or a long queue there: tcpdx path --stats tells which");
  verdict.hop = jump.behind;
  verdict.address = jump.address;
  return verdict;
}

// No SYN was sent again: the way is long, or the host takes its time.
CheckVerdict of_slow_handshake(const CheckSigns& signs, const std::string& split) {
  if (!signs.by_echo || !signs.by_echo->end_to_end) {
    return slow(Place::none, fmt::format("{} connects, but slowly{}", target_of(signs), split),
                "tcpdx path --stats shows where the time goes");
  }
  const Duration echo = signs.by_echo->end_to_end->min;
  return 2 * echo < signs.attempt.took ? of_slow_host(signs, split, echo)
                                       : of_long_way(signs, split, *signs.by_echo, echo);
}

std::optional<CheckVerdict> of_slowness(const CheckSigns& signs) {
  const Times times = times_of(signs);
  const std::string split = split_text(signs, times);
  const Duration most = std::max({times.name, times.handshake, times.answer});
  if (times.name >= kSlowName && times.name == most) {
    return slow(Place::name_service,
                fmt::format("{} connects, but looking up the name took {}{}", target_of(signs),
                            human(times.name), split),
                "tcpdx dns tells which name server is silent");
  }
  if (times.answer >= kSlowAnswer && times.answer == most) {
    CheckVerdict verdict =
        slow(Place::target,
             fmt::format("{} connects at once, but its program takes {} to answer{}",
                         target_of(signs), human(times.answer), split),
             "the network is not it: look at the program and what it waits for");
    verdict.hop = target_distance(signs.by_echo);
    verdict.address = signs.target.addr;
    return verdict;
  }
  if (signs.attempt.syn_repeats > 0) return of_repeated_syns(signs);
  if (times.handshake >= kSlowHandshake) return of_slow_handshake(signs, split);
  return std::nullopt;
}

}  // namespace

std::optional<CheckVerdict> syns_are_limited(const CheckSigns& signs) {
  if (!signs.syns || !signs.echoes || signs.syns->answered == 0) return std::nullopt;
  const auto loss = [](const ProbeTally& tally) {
    return share_of(tally.sent - tally.answered, tally.sent);
  };
  if (loss(*signs.syns).low <= loss(*signs.echoes).high) return std::nullopt;
  return at_target(
      signs, "syn-limited", Confidence::likely,
      fmt::format("{} answers {} of {} SYNs, while {} of {} echoes come back: the network does not "
                  "lose them, something at the host or before it lets only some new connections "
                  "in: a limit, protection against SYN floods, or a full table or queue",
                  target_of(signs), signs.syns->answered, signs.syns->sent, signs.echoes->answered,
                  signs.echoes->sent),
      "there: the packet filter's limits, nf_conntrack_count against nf_conntrack_max, "
      "net.ipv4.tcp_max_syn_backlog and tcp_syncookies; tcpdx doctor names full queues");
}

CheckVerdict judge_working(const CheckSigns& signs) {
  if (asked_in_vain(signs.attempt)) return of_no_answer(signs);
  if (signs.attempt.as_expected == false) {
    return at_target(signs, "unexpected-answer", Confidence::confirmed,
                     fmt::format("{} answers, but not what was expected", target_of(signs)),
                     "something else listens there, or the program is in trouble");
  }
  if (auto hole = of_sizes(signs)) return *hole;
  if (auto slowness = of_slowness(signs)) return *slowness;
  return {
      .why = "ok",
      .place = Place::none,
      .hop = {},
      .address = {},
      .confidence = Confidence::confirmed,
      .sentence = fmt::format("{} connects in {} µs", target_of(signs), signs.attempt.took.count()),
      .advice = {}};
}

}  // namespace tcpdx::probe
