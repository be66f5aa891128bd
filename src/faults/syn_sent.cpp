#include "faults/syn_sent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace tcpdx::faults {
namespace {

using Key = std::pair<uint16_t, Endpoint>;

Key key_of(const Socket& s) { return {s.netns, s.remote}; }

const Route* route_to(const Facts& facts, const Key& key) {
  const auto at = std::ranges::find_if(facts.seen.routes, [&](const Route& r) {
    return r.netns == key.first && r.destination.unmapped() == key.second.addr.unmapped();
  });
  return at == facts.seen.routes.end() ? nullptr : &*at;
}

}  // namespace

std::vector<Attempts> attempts_by_destination(const Facts& facts) {
  std::map<Key, Attempts> found;
  for (const Socket* s : facts.in(tcp::State::syn_sent)) {
    found[key_of(*s)].example = s;
    found[key_of(*s)].now.push_back(s);
  }
  for (const Socket* s : facts.earlier_in(tcp::State::syn_sent)) {
    Attempts& attempts = found[key_of(*s)];
    const bool still = std::ranges::any_of(attempts.now, [&](const Socket* n) {
      return n->cookie == s->cookie && n->local == s->local;
    });
    if (!still) ++attempts.gone;
    if (attempts.example == nullptr) attempts.example = s;
  }
  for (const Socket& s : facts.now.sockets) {
    if (s.state == tcp::State::syn_sent || s.state == tcp::State::listen) continue;
    if (const auto at = found.find(key_of(s)); at != found.end()) ++at->second.succeeded;
  }
  std::vector<Attempts> list;
  for (auto& [key, attempts] : found) {
    attempts.netns = key.first;
    attempts.destination = key.second;
    attempts.route = route_to(facts, key);
    list.push_back(std::move(attempts));
  }
  return list;
}

std::string unreachable_reason(const Attempts& attempts) {
  const Route* route = attempts.route;
  if (route == nullptr) return "";
  if (route->error != 0) {
    return fmt::format("the routing table refuses it ({})", errno_text(route->error));
  }
  if (!route->neighbour) return "";
  const bool repeated =
      std::ranges::any_of(attempts.now, [](const Socket* s) { return s->timer.retransmits > 0; });
  const bool dead =
      *route->neighbour == NeighbourState::failed ||
      (*route->neighbour == NeighbourState::incomplete && (repeated || attempts.gone > 0));
  if (!dead) return "";
  return fmt::format("{} {} on {} does not answer (neighbour entry {})",
                     route->gateway ? "the gateway" : "the neighbour",
                     to_string(route->gateway.value_or(route->destination)), route->interface,
                     to_string(*route->neighbour));
}

}  // namespace tcpdx::faults
