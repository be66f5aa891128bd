#include "faults/live_paths.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "faults/capture_build.hpp"

namespace tcpdx::faults {
namespace {

// Slow start is over after so many microseconds of sending, or segments.
constexpr uint64_t kSettledTime = 1'000'000;
constexpr uint64_t kSettledSegments = 1000;

IpAddress network(const IpAddress& address) {
  const IpAddress plain = address.unmapped();
  return plain.prefix(network_bits(plain.family));
}

uint64_t grown(uint64_t then, uint64_t now) { return now > then ? now - then : 0; }

Sending difference(const TcpInfo& then, const TcpInfo& now) {
  Sending sent;
  sent.repeats = grown(then.total_retrans, now.total_retrans);
  sent.needless = grown(then.dsack_dups, now.dsack_dups);
  // tcpi_data_segs_out counts repeats as well.
  sent.segments = grown(sent.repeats, grown(then.data_segs_out, now.data_segs_out));
  return sent;
}

bool is_settled(const TcpInfo* then) {
  return then != nullptr &&
         (then->data_segs_out >= kSettledSegments ||
          known_value(*then, "busy_time_us").value_or(kSettledTime) >= kSettledTime);
}

void add(const Facts& facts, const Socket& s, LivePath& path) {
  const TcpInfo* now = facts.info(s);
  if (now == nullptr || !known_value(*now, "data_segs_out")) return;
  const Socket* was = facts.earlier(s);
  const TcpInfo* then = was != nullptr ? facts.info(*was) : nullptr;
  const Sending sent = difference(then != nullptr ? *then : TcpInfo{}, *now);
  if (!is_settled(then) || (sent.repeats > 0 && then->bytes_acked == now->bytes_acked)) {
    path.left_out += sent;
    return;
  }
  ++path.flows;
  path.sent += sent;
  path.reorderings += grown(then->reord_seen, now->reord_seen);
  if (path.worst == nullptr || sent.repeats > path.worst_repeats) {
    path.worst = &s;
    path.worst_repeats = sent.repeats;
  }
}

}  // namespace

Sending& Sending::operator+=(const Sending& other) {
  segments += other.segments;
  repeats += other.repeats;
  needless += other.needless;
  return *this;
}

std::vector<LivePath> live_paths(const Facts& facts) {
  std::map<std::pair<uint16_t, IpAddress>, LivePath> paths;
  if (facts.before == nullptr) return {};
  for (const auto state : {tcp::State::established, tcp::State::close_wait}) {
    for (const Socket* s : facts.in(state)) {
      LivePath& path = paths[{s->netns, network(s->remote.addr)}];
      path.netns = s->netns;
      path.to = s->remote.addr.unmapped();
      add(facts, *s, path);
    }
  }
  std::vector<LivePath> found;
  found.reserve(paths.size());
  for (auto& [place, path] : paths) found.push_back(path);
  return found;
}

Sending sent_elsewhere(const Facts& facts, size_t netns, const std::vector<LivePath>& paths) {
  const auto rise = [&](std::string_view name) { return facts.rise(netns, name).value_or(0); };
  Sending known;
  for (const LivePath& path : paths) {
    if (path.netns != netns) continue;
    known += path.left_out;
    if (path.sent.segments >= kLeastDataPackets) known += path.sent;
  }
  const uint64_t repeats = grown(rise("TcpExt.TCPSynRetrans"), rise("Tcp.RetransSegs"));
  return {.segments = grown(known.segments, rise("TcpExt.TCPOrigDataSent")),
          .repeats = grown(known.repeats, repeats),
          .needless = grown(known.needless, rise("TcpExt.TCPDSACKRecvSegs"))};
}

bool keeps_repeating(const Facts& facts, size_t netns) {
  return keeps_rising(facts, netns, "Tcp.RetransSegs");
}

std::string network_of(const LivePath& path) { return network_name(path.to); }

MostRepeated most_repeated(const Facts& facts, size_t netns) {
  std::map<IpAddress, uint64_t> repeats;
  MostRepeated most;
  for (const TcpEvent* event : facts.events(EventKind::retransmit)) {
    const bool of_handshake =
        event->retransmit == RetransmitKind::syn || event->retransmit == RetransmitKind::syn_ack;
    if (event->netns != netns || of_handshake) continue;
    ++most.of;
    ++repeats[network(event->remote.addr)];
  }
  const auto at =
      std::ranges::max_element(repeats, {}, [](const auto& entry) { return entry.second; });
  if (at == repeats.end() || at->second * 2 < most.of) return {};
  most.network = network_name(at->first);
  most.repeats = at->second;
  return most;
}

}  // namespace tcpdx::faults
