#include "faults/syn_sent.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "faults/age.hpp"

namespace tcpdx::faults {
namespace {

using Key = std::pair<uint16_t, SocketAddress>;

Key key_of(const Socket& s) { return {s.netns, {s.remote.addr.unmapped(), s.remote.port}}; }

const Route* route_to(const Facts& facts, const Key& key) {
  const auto at = std::ranges::find_if(facts.seen.routes, [&](const Route& r) {
    return r.netns == key.first && r.destination.unmapped() == key.second.addr.unmapped();
  });
  return at == facts.seen.routes.end() ? nullptr : &*at;
}

// Whether the socket shows that the destination completed a handshake of late. One that was
// connected before the window shows nothing: the peer may have died since. In a single look it is
// held against the age of the attempts.
bool shows_success(const Facts& facts, const Socket& s, const Attempts& attempts) {
  if (facts.before != nullptr) {
    const Socket* was = facts.earlier(s);
    return was == nullptr || was->state == tcp::State::syn_sent;
  }
  const auto heard = facts.known(s, "last_ack_recv_ms");
  return !heard || std::chrono::milliseconds(*heard) <= longest_wait(facts, attempts);
}

}  // namespace

Duration longest_wait(const Facts& facts, const Attempts& attempts) {
  Duration longest = oldest(facts, attempts.now).at_least;
  for (const Socket* s : attempts.gone) {
    const Age age = age_from_kernel(*s, facts.info(*s), facts.seen.namespaces[s->netns].sysctls);
    longest = std::max(longest, age.at_least);
  }
  return longest;
}

std::string callers(const Facts& facts, const Attempts& attempts) {
  std::set<uint32_t> programs;
  for (const Sockets* some : {&attempts.now, &attempts.gone}) {
    for (const Socket* s : *some) programs.insert(facts.owner_index(*s));
  }
  std::string one = owner_name(facts, *attempts.example);
  if (programs.size() < 2) return one;
  return fmt::format("{} programs, one of them {}", grouped(programs.size()), one);
}

std::vector<Attempts> attempts_by_destination(const Facts& facts) {
  std::map<Key, Attempts> found;
  for (const Socket* s : facts.in(tcp::State::syn_sent)) {
    Attempts& attempts = found[key_of(*s)];
    if (attempts.example == nullptr) attempts.example = s;
    attempts.now.push_back(s);
  }
  std::set<const Socket*> still_there;  // of the first look
  if (!facts.earlier_in(tcp::State::syn_sent).empty()) {
    for (const Socket& s : facts.now.sockets) still_there.insert(facts.earlier(s));
  }
  for (const Socket* s : facts.earlier_in(tcp::State::syn_sent)) {
    Attempts& attempts = found[key_of(*s)];
    if (!still_there.contains(s)) attempts.gone.push_back(s);
    if (attempts.example == nullptr) attempts.example = s;
  }
  for (const Socket& s : facts.now.sockets) {
    if (s.state == tcp::State::syn_sent || s.state == tcp::State::listen) continue;
    const auto at = found.find(key_of(s));
    if (at != found.end() && shows_success(facts, s, at->second)) ++at->second.succeeded;
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
      (*route->neighbour == NeighbourState::incomplete && (repeated || !attempts.gone.empty()));
  if (!dead) return "";
  return fmt::format("{} {} on {} does not answer (neighbour entry {})",
                     route->gateway ? "the gateway" : "the neighbour",
                     to_string(route->gateway.value_or(route->destination)), route->interface,
                     to_string(*route->neighbour));
}

}  // namespace tcpdx::faults
