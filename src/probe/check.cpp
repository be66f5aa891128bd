#include "probe/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/text.hpp"
#include "probe/check_parts.hpp"
#include "probe/statistics.hpp"

namespace tcpdx::probe {
namespace {

// A RST that comes in less than half of the least round trip to the host, and clearly before it,
// was not sent by the host.
constexpr double kTooSoon = 0.5;
constexpr Duration kClearly = 2ms;

// The last hop of a way that answered, and its address; 0: none did.
struct Reached {
  unsigned hop = 0;
  std::optional<IpAddress> address;
};

Reached last_answer(const PathResult& path) {
  Reached reached;
  for (const PathHop& hop : path.hops) {
    if (hop.responders.empty() || hop.is_target) continue;
    if (!hop.responders.front().words.empty()) continue;  // it may be nearer: hop_of()
    reached = {hop.ttl, hop.responders.front().address};
  }
  return reached;
}

// The hop of a router that said no. It says so to every probe that gets as far, but answers few:
// the nearest one that was answered only bounds it, unless the hop before answered too, and none
// may have been answered. Between the bounds the TTL of what it said tells how many routers that
// passed on its way here.
std::optional<unsigned> hop_of(const std::optional<PathResult>& path, const ErrorMessage& message) {
  if (!path || !message.offender) return std::nullopt;
  const unsigned guess = message.ttl ? guess_hops(*message.ttl).hops + 1U : 0;
  unsigned before = 0;
  for (const PathHop& hop : path->hops) {
    const bool here = std::ranges::find(hop.responders, *message.offender, &Responder::address) !=
                      hop.responders.end();
    if (!here) {
      if (!hop.responders.empty()) before = hop.ttl;
      continue;
    }
    if (hop.ttl == before + 1) return hop.ttl;
    return before < guess && guess <= hop.ttl ? std::optional(guess) : std::nullopt;
  }
  return before < guess ? std::optional(guess) : std::nullopt;
}

std::string called(const Reached& hop) {
  if (hop.hop == 0) return "this host";
  return fmt::format("hop {} ({})", hop.hop, hop.address ? to_string(*hop.address) : "?");
}

CheckVerdict of_names(const CheckSigns& signs, const DnsLook& dns) {
  CheckVerdict verdict{.why = "name-not-found",
                       .place = Place::name_service,
                       .hop = {},
                       .address = {},
                       .confidence = Confidence::likely,
                       .sentence = {},
                       .advice = {}};
  const std::string name = printable(signs.name);
  const auto findings = judge(dns);
  const auto has = [&](std::string_view id) {
    return std::ranges::find(findings, id, &DnsFinding::id) != findings.end();
  };
  if (has("no-server-answers")) {
    verdict.why = "name-server-silent";
    verdict.confidence = Confidence::confirmed;
    verdict.sentence = fmt::format("{} cannot be looked up: no name server answers", name);
    verdict.advice = "check the way to the name servers of /etc/resolv.conf: tcpdx path SERVER";
  } else if (has("server-refuses")) {
    verdict.why = "name-server-refuses";
    verdict.confidence = Confidence::confirmed;
    verdict.sentence =
        fmt::format("{} cannot be looked up: the name server refuses this host", name);
    verdict.advice = "ask its operator, or use a server that is meant for this host";
  } else if (has("server-fails") || has("dnssec-bogus")) {
    verdict.why = "name-server-fails";
    verdict.sentence =
        fmt::format("{} cannot be looked up: the name server could not find out", name);
    verdict.advice = "the zone's own servers or signatures fail: tcpdx dns tells more";
  } else {
    verdict.sentence = fmt::format("{} does not exist: {}", name, dns.system.error);
    verdict.advice = "check the spelling and the search list: tcpdx dns tells what is asked";
  }
  return verdict;
}

// Whether someone nearer than the host sent the RST: it came too soon, or at a TTL that does not
// reach the host.
std::optional<CheckVerdict> refused_by_box(const CheckSigns& signs) {
  const auto whole = target_distance(signs.by_echo);
  const auto port = target_distance(signs.by_port);
  CheckVerdict verdict{.why = "refused-by-box",
                       .place = Place::between_hops,
                       .hop = {},
                       .address = {},
                       .confidence = Confidence::confirmed,
                       .sentence = {},
                       .advice = "ask whoever runs that router or firewall"};
  if (whole && port && *port < *whole) {
    verdict.hop = port;
    verdict.sentence = fmt::format(
        "{} is refused by a box on the way, not by the host: the RST comes for SYNs that get only "
        "to "
        "hop {}, while the host is {} hops away",
        target_of(signs), *port, *whole);
    return verdict;
  }
  const auto& far = signs.by_echo ? signs.by_echo->end_to_end : std::nullopt;
  if (!far) return std::nullopt;
  const Duration took = signs.attempt.took;
  if (far->min - took < kClearly ||
      static_cast<double>(took.count()) > kTooSoon * static_cast<double>(far->min.count())) {
    return std::nullopt;
  }
  verdict.confidence = Confidence::likely;
  verdict.sentence = fmt::format(
      "{} is refused by a box on the way: the RST took {} µs, an echo of the host {} µs",
      target_of(signs), took.count(), far->min.count());
  return verdict;
}

CheckVerdict of_refusal(const CheckSigns& signs) {
  if (auto box = refused_by_box(signs)) return *box;
  const bool answers = target_distance(signs.by_echo).has_value();
  return at_target(
      signs, "refused", answers ? Confidence::confirmed : Confidence::likely,
      fmt::format("{} is refused: a RST answers, the host lives, but nothing listens "
                  "there{}",
                  target_of(signs), answers ? "" : " (or a box on the way answers in its place)"),
      "start the service, or bind it to the address that clients use: there, ss -tlnp");
}

CheckVerdict of_rejection(const CheckSigns& signs) {
  const ErrorMessage message = signs.attempt.message.value_or(ErrorMessage{});
  CheckVerdict verdict{
      .why = "rejected-by-icmp",
      .place = Place::hop,
      .hop = {},
      .address = message.offender,
      .confidence = Confidence::confirmed,
      .sentence = fmt::format("{} is {}", target_of(signs), signs.attempt.verdict.sentence),
      .advice = "ask whoever runs it: a rule there says no"};
  verdict.hop = hop_of(signs.by_echo, message);
  if (message.offender == signs.target.addr) verdict.place = Place::target;
  if (verdict.hop && verdict.place == Place::hop) {
    verdict.sentence += fmt::format(", which is hop {}", *verdict.hop);
  }
  return verdict;
}

bool neighbour_is_dead(const CheckSigns& signs) {
  return signs.route && (signs.route->neighbour == NeighbourState::failed ||
                         signs.route->neighbour == NeighbourState::incomplete);
}

CheckVerdict of_dead_neighbour(const CheckSigns& signs) {
  const IpAddress who =
      signs.route && signs.route->gateway ? *signs.route->gateway : signs.target.addr;
  const bool gateway = who != signs.target.addr;
  return {.why = "dead-neighbour",
          .place = Place::neighbour,
          .hop = {},
          .address = who,
          .confidence = Confidence::confirmed,
          .sentence = fmt::format("{} on this host's own link, {}, does not answer {}",
                                  gateway ? "the gateway" : "the host", to_string(who),
                                  who.family == Family::v4 ? "ARP" : "neighbour discovery"),
          .advice = "it is off, on another network, or the cable or VLAN is wrong: ip neigh"};
}

// The SYNs end somewhere: where, by comparing their way with that of echoes.
CheckVerdict filtered_on_the_way(const CheckSigns& signs, const Reached& port,
                                 const Reached& echo) {
  CheckVerdict verdict{.why = "filtered",
                       .place = Place::between_hops,
                       .hop = port.hop,
                       .address = port.address,
                       .confidence = Confidence::confirmed,
                       .sentence = {},
                       .advice = "ask whoever runs these routers for the rule on that port"};
  verdict.sentence = fmt::format(
      "{} is filtered at the exit of {} or the entry of hop {}; other probes go on to {}",
      target_of(signs), called(port), port.hop + 1,
      signs.by_echo && signs.by_echo->reached ? "the host" : called(echo));
  return verdict;
}

CheckVerdict silent_host(const CheckSigns& signs) {
  const bool other_answers = signs.other_port && (signs.other_port->verdict.why == Why::refused ||
                                                  signs.other_port->verdict.why == Why::ok);
  if (signs.queue && signs.queue->first > signs.queue->second) {
    return at_target(signs, "accept-queue-full", Confidence::confirmed,
                     fmt::format("{} does not answer: its accept queue is full ({} wait, {} may)",
                                 target_of(signs), signs.queue->first, signs.queue->second),
                     "the program does not accept fast enough: tcpdx doctor names it");
  }
  if (other_answers) {
    return at_target(signs, "filtered", Confidence::likely,
                     fmt::format("{} does not answer though the host does on other ports: a filter "
                                 "at the host (or its last router), its accept queue is full, or "
                                 "answers from that port are dropped on the way back",
                                 target_of(signs)),
                     "on the host: tcpdx doctor, and the rules of its firewall");
  }
  return {
      .why = "filtered",
      .place = Place::target,
      .hop = target_distance(signs.by_echo),
      .address = signs.target.addr,
      .confidence = Confidence::suspected,
      .sentence = fmt::format("{} does not answer; echoes do. SYNs get as far as the last router: "
                              "they are dropped at the host, or what it answers is dropped on the "
                              "way back",
                              target_of(signs)),
      .advice = "look on the host whether the SYN arrives: tcpdx capture"};
}

// Drops that this host itself counted while it waited for an answer. Other traffic may have caused
// them, so that no more than a likely cause is claimed; a full table drops whatever is new.
std::optional<CheckVerdict> of_local_drops(const CheckSigns& signs) {
  if (!signs.local_drops) return std::nullopt;
  const LocalDrops& drops = *signs.local_drops;
  const uint64_t entries = drops.conntrack_count.value_or(0);
  const uint64_t most = drops.conntrack_max.value_or(UINT64_MAX);
  if (drops.conntrack > 0 && entries >= most) {
    return local("conntrack-full",
                 fmt::format("no SYN to {} gets out or no answer in: this host's own table of "
                             "connections is full ({} of {}), it dropped {} packets meanwhile",
                             target_of(signs), entries, most, drops.conntrack),
                 "raise net.netfilter.nf_conntrack_max, or exempt what needs no tracking");
  }
  // What comes back from that very address by the way of its echoes is not dropped here.
  if (drops.reverse_path == 0 || (signs.by_echo && signs.by_echo->reached)) return std::nullopt;
  return local("reverse-path-filter",
               fmt::format("{} seems silent, but this host dropped {} packets meanwhile because "
                           "they came by another interface than the route back to their sender "
                           "takes: the way back is another one than the way there",
                           target_of(signs), drops.reverse_path),
               "give that sender a route by the interface on which its answers come, or set "
               "net.ipv4.conf.*.rp_filter=2 (loose)",
               Confidence::likely);
}

CheckVerdict of_silence(const CheckSigns& signs) {
  if (neighbour_is_dead(signs)) return of_dead_neighbour(signs);
  if (auto dropped_here = of_local_drops(signs)) return *dropped_here;
  if (auto limited = syns_are_limited(signs)) return *limited;
  if (signs.target_is_here) return silent_host(signs);
  const Reached port = signs.by_port ? last_answer(*signs.by_port) : Reached{};
  const Reached echo = signs.by_echo ? last_answer(*signs.by_echo) : Reached{};
  const auto distance = target_distance(signs.by_echo);
  if (signs.by_port && port.hop == 0 && (echo.hop > 0 || distance)) {
    if (distance == 1U) return silent_host(signs);  // nobody between us and the host could answer
    return local(
        "local-firewall",
        fmt::format("no SYN to {} leaves this host's first link, while other probes do: this "
                    "host's own firewall drops it, or hop 1 does",
                    target_of(signs)),
        "nft list ruleset, and the rules of hop 1", Confidence::likely);
  }
  if (distance && port.hop + 1 < *distance) return filtered_on_the_way(signs, port, echo);
  if (!distance && echo.hop > port.hop) return filtered_on_the_way(signs, port, echo);
  if (distance) return silent_host(signs);
  const Reached& last = echo.hop > port.hop ? echo : port;
  return {.why = "silent",
          .place = Place::between_hops,
          .hop = last.hop,
          .address = last.address,
          .confidence = Confidence::likely,
          .sentence = fmt::format("{} does not answer, neither do echoes: nothing comes back from "
                                  "behind {}. The host is gone, or everything to it or from it is "
                                  "dropped there",
                                  target_of(signs), called(last)),
          .advice = "ask whether the host is up, and whoever runs the last router that answers"};
}

}  // namespace

std::string_view to_string(Place place) {
  switch (place) {
    case Place::none: return "none";
    case Place::local: return "local";
    case Place::neighbour: return "neighbour";
    case Place::hop: return "hop";
    case Place::between_hops: return "between-hops";
    case Place::target: return "target";
    case Place::return_path: return "return-path";
    case Place::name_service: return "name-service";
  }
  std::unreachable();
}

CheckVerdict judge(const CheckSigns& signs) {
  if (signs.dns) return of_names(signs, *signs.dns);
  const std::string& said = signs.attempt.verdict.sentence;
  switch (signs.attempt.verdict.why) {
    case Why::ok: return judge_working(signs);
    case Why::refused: return of_refusal(signs);
    case Why::rejected_by_icmp: return of_rejection(signs);
    case Why::silent: return of_silence(signs);
    case Why::no_route:
      return local("no-route", said, "ip route get " + to_string(signs.target.addr));
    case Why::route_forbids:
      return local("route-forbids", said, "ip route get " + to_string(signs.target.addr));
    case Why::dead_neighbour: return of_dead_neighbour(signs);
    case Why::far_neighbour_dead:
      return {.why = "dead-neighbour",
              .place = Place::hop,
              .hop = hop_of(signs.by_echo, signs.attempt.message.value_or(ErrorMessage{})),
              .address = signs.attempt.message ? signs.attempt.message->offender : std::nullopt,
              .confidence = Confidence::confirmed,
              .sentence =
                  fmt::format("the host {} is not there: {}", to_string(signs.target.addr), said),
              .advice = "it is off, or has another address"};
    case Why::local_firewall: return local("local-firewall", said, "nft list ruleset");
    case Why::no_local_port:
      return local(
          "no-local-port", said,
          "tcpdx doctor tells who holds them; keep connections alive instead of opening new "
          "ones");
    case Why::reset_after_accept:
      return at_target(signs, "reset-after-accept", Confidence::confirmed,
                       fmt::format("{}: {}", target_of(signs), said),
                       "look at the program's log: its own rules, TLS expected, a full pool");
    case Why::closed_after_accept:
      return at_target(signs, "closed-after-accept", Confidence::confirmed,
                       fmt::format("{}: {}", target_of(signs), said),
                       "look at the program's log: its own rules, a limit");
    case Why::other: return local("other", said, "", Confidence::suspected);
  }
  std::unreachable();
}

}  // namespace tcpdx::probe
