#include "engine/probe_choice.hpp"

#include <algorithm>
#include <map>
#include <tuple>

namespace tcpdx::engine {
namespace {

// How much a connection speaks for asking its destination.
constexpr unsigned kHangs = 4;
constexpr unsigned kMoves = 3;
constexpr unsigned kQueues = 2;
constexpr unsigned kVaries = 1;

// As bufferbloat-rtt-inflation and path-instability have them.
constexpr uint32_t kTimesLeast = 5;
constexpr uint32_t kAboveLeastUs = 100'000;
constexpr uint32_t kShortRttUs = 20'000;

unsigned by_round_trips(const TcpInfo& info) {
  const auto least = known_value(info, "min_rtt_us");
  const bool grown = least && *least != 0 && info.rtt_us / kTimesLeast >= *least &&
                     info.rtt_us - *least >= kAboveLeastUs;
  if (grown) return kQueues;
  return info.rtt_us > kShortRttUs && info.rttvar_us > info.rtt_us / 2 ? kVaries : 0;
}

// SYNs of others, who may not be who they say, are never a reason to ask anybody.
unsigned trouble_of(const Look& look, const Socket& socket) {
  if (socket.state == tcp::State::listen || socket.state == tcp::State::syn_received ||
      socket.state == tcp::State::time_wait) {
    return 0;
  }
  if (socket.timer.kind == TimerKind::retransmit && socket.timer.retransmits > 0) return kHangs;
  const TcpInfo* info = info_of(look, socket);
  return info == nullptr || socket.state == tcp::State::syn_sent ? 0 : by_round_trips(*info);
}

}  // namespace

std::vector<ProbePlace> worth_asking(const Observation& seen) {
  std::map<ProbePlace, unsigned> trouble;
  for (const Socket& socket : seen.now().sockets) {
    const IpAddress address = socket.remote.addr.unmapped();
    if (address.is_loopback() || address.is_any()) continue;
    if (const unsigned one = trouble_of(seen.now(), socket); one > 0) {
      trouble[{socket.netns, address}] += one;
    }
  }
  for (const NeighbourSighting& one : seen.neighbour_moves) {
    trouble[{one.netns, one.address}] += kMoves;
  }
  std::vector<std::pair<unsigned, ProbePlace>> ranked;
  ranked.reserve(trouble.size());
  for (const auto& [place, how_much] : trouble) ranked.emplace_back(how_much, place);
  std::ranges::sort(ranked, [](const auto& a, const auto& b) {
    return std::tie(b.first, a.second) < std::tie(a.first, b.second);
  });
  std::vector<ProbePlace> places;
  places.reserve(ranked.size());
  for (const auto& [how_much, place] : ranked) places.push_back(place);
  return places;
}

}  // namespace tcpdx::engine
