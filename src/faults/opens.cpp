#include "faults/opens.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <tuple>

#include "base/text.hpp"

namespace tcpdx::faults {
namespace {

constexpr Duration kRace = 250ms;  // after which RFC 8305 (5) tries another address beside

using Key = std::tuple<uint16_t, SocketAddress, uint32_t>;
using Found = std::map<Key, Opens>;

SocketAddress unmapped(const SocketAddress& end) { return {end.addr.unmapped(), end.port}; }

Opens& at(Found& found, uint16_t netns, const SocketAddress& remote, uint32_t process) {
  Opens& opens = found[{netns, unmapped(remote), process}];
  opens.netns = netns;
  opens.process = process;
  opens.destination = unmapped(remote);
  return opens;
}

void add_events(const Facts& facts, Found& found) {
  for (const TcpEvent* event : facts.events(EventKind::connect)) {
    if (event->netns == kNoNetns || !is_failure(*event)) continue;
    Opens& opens = at(found, event->netns, event->remote, event->process);
    opens.failed.push_back(event);
    ++opens.failures;
  }
  for (const ConnectTally& tally : facts.seen.events.connects) {
    if (tally.netns == kNoNetns) continue;
    Opens& opens = at(found, tally.netns, tally.remote, tally.process);
    opens.failures = std::max(opens.failures, tally.failed);
    opens.succeeded = opens.judged = tally.succeeded;
    opens.repeated = tally.repeated;
  }
}

// A connection that this side opened within the window: no program listens on its port.
bool opened_here(const Facts& facts, const std::set<std::pair<uint16_t, uint16_t>>& served,
                 const Socket& s) {
  if (s.state == tcp::State::listen || s.state == tcp::State::syn_sent ||
      s.state == tcp::State::syn_received || s.state == tcp::State::closed) {
    return false;
  }
  if (served.contains({s.netns, s.local.port})) return false;
  const Socket* was = facts.earlier(s);
  return was == nullptr || was->state == tcp::State::syn_sent;
}

// Only a SYN takes no octets (tcp_output.c counts `bytes_retrans` by the length of the segment); a
// FIN neither, so the ends that have sent one say nothing.
std::optional<unsigned> syn_repeats(const Facts& facts, const Socket& s) {
  if (s.state != tcp::State::established && s.state != tcp::State::close_wait) return std::nullopt;
  const auto repeats = facts.known(s, "total_retrans");
  const auto bytes = facts.known(s, "bytes_retrans");
  if (!repeats || !bytes || *bytes > 0) return std::nullopt;
  return static_cast<unsigned>(*repeats);
}

void add_success(const Facts& facts, const Socket& s, Opens& opens) {
  ++opens.succeeded;
  const auto repeats = syn_repeats(facts, s);
  if (!repeats) return;
  ++opens.judged;
  opens.repeated += *repeats > 0;
  opens.most_repeats = std::max(opens.most_repeats, *repeats);
}

// What the looks show of successes, unless the kernel's events counted them: they see also those
// that came and went in between.
void add_looks(const Facts& facts, Found& found) {
  for (const Socket* s : facts.in(tcp::State::syn_sent)) {
    at(found, s->netns, s->remote, facts.owner_index(*s)).waiting.push_back(s);
  }
  if (facts.before == nullptr || !facts.seen.events.connects.empty()) return;
  std::set<std::pair<uint16_t, uint16_t>> served;
  for (const Listener& one : facts.listeners()) {
    served.emplace(one.socket->netns, one.socket->local.port);
  }
  for (const Socket& s : facts.now.sockets) {
    if (!opened_here(facts, served, s)) continue;
    add_success(facts, s, at(found, s.netns, s.remote, facts.owner_index(s)));
  }
}

void join(Opens& into, const Opens& one) {
  into.programs += one.process != kNoIndex && into.process != kNoIndex ? 1 : 0;
  if (into.process == kNoIndex) into.process = one.process;
  into.failed.insert(into.failed.end(), one.failed.begin(), one.failed.end());
  into.failures += one.failures;
  into.succeeded += one.succeeded;
  into.judged += one.judged;
  into.repeated += one.repeated;
  into.most_repeats = std::max(into.most_repeats, one.most_repeats);
  into.waiting.insert(into.waiting.end(), one.waiting.begin(), one.waiting.end());
}

}  // namespace

// The kernel's own tallies count by the same rule (tally_connect() of bpf/connects.bpf.h).
bool is_failure(const TcpEvent& connect) {
  switch (connect.error) {
    case 0:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EINTR: return false;
    case ECANCELED: return connect.duration > kRace;
    default: return true;
  }
}

std::vector<Opens> opens_by_program(const Facts& facts) {
  Found found;
  add_events(facts, found);
  add_looks(facts, found);
  std::vector<Opens> list;
  list.reserve(found.size());
  for (auto& [key, opens] : found) list.push_back(std::move(opens));
  return list;
}

std::vector<Opens> opens_by_destination(const Facts& facts) {
  std::vector<Opens> list;
  for (Opens& one : opens_by_program(facts)) {
    if (!list.empty() && list.back().netns == one.netns &&
        list.back().destination == one.destination) {
      join(list.back(), one);
    } else {
      list.push_back(std::move(one));
    }
  }
  for (Opens& opens : list) std::ranges::sort(opens.failed, {}, &TcpEvent::at);
  return list;
}

uint64_t unplaced(const Facts& facts, const std::vector<Opens>& all) {
  uint64_t placed = 0;
  for (const TcpEvent* event : facts.events(EventKind::connect)) placed += !is_failure(*event);
  for (const Opens& opens : all) placed += opens.succeeded + opens.failures;
  const uint64_t counted = facts.count_of(EventKind::connect);
  return counted - std::min(counted, placed);
}

std::string callers(const Facts& facts, const Opens& opens) {
  std::string one = opens.process == kNoIndex ? "a program that cannot be seen"
                                              : describe(facts.seen.processes[opens.process]);
  if (opens.programs < 2) return one;
  return fmt::format("{} programs, one of them {}", grouped(opens.programs), one);
}

}  // namespace tcpdx::faults
