#include "sim/recording.hpp"

#include <algorithm>
#include <tuple>

#include "capture/pcap_writer.hpp"
#include "sim/datagram.hpp"

namespace tcpdx::sim {
namespace {

// What a sender's network card and what a receiver's sees: all that was sent, all that arrived.
void see_at(const Recording& recording, Side place, std::vector<Glimpse>& seen) {
  for (size_t i = 0; i < recording.segments.size(); ++i) {
    const Segment& segment = recording.segments[i];
    // What a third party sends in a host's name does not pass that host.
    if (segment.from == place && !segment.injected) {
      seen.push_back({segment.at, segment.order, i, {}});
    }
    if (segment.from == place) continue;
    for (const Arrival& arrival : segment.arrivals) {
      seen.push_back({arrival.at, arrival.order, i, arrival.flipped_bit});
    }
  }
}

void see_in_the_middle(const Recording& recording, bool after_loss, std::vector<Glimpse>& seen) {
  for (size_t i = 0; i < recording.segments.size(); ++i) {
    const Segment& segment = recording.segments[i];
    if (!after_loss) {
      seen.push_back({segment.middle, segment.order, i, {}});
      continue;
    }
    for (const Arrival& arrival : segment.arrivals) {
      seen.push_back({arrival.middle, segment.order, i, arrival.flipped_bit});
    }
  }
}

}  // namespace

std::string_view to_string(Side side) { return side == Side::client ? "client" : "server"; }

States states_at(const Recording& recording, size_t conversation, Time at) {
  States states = recording.conversations.at(conversation).start;
  for (const Move& move : recording.moves) {
    if (move.at > at) break;
    if (move.conversation == conversation) states.of(move.side) = move.to;
  }
  return states;
}

std::vector<Glimpse> seen_from(const Recording& recording, Vantage vantage) {
  std::vector<Glimpse> seen;
  switch (vantage) {
    case Vantage::client: see_at(recording, Side::client, seen); break;
    case Vantage::before_loss: see_in_the_middle(recording, false, seen); break;
    case Vantage::after_loss: see_in_the_middle(recording, true, seen); break;
    case Vantage::server: see_at(recording, Side::server, seen); break;
  }
  std::ranges::sort(seen, {}, [](const Glimpse& one) { return std::tuple(one.at, one.order); });
  return seen;
}

std::vector<std::byte> datagram_of(const Recording& recording, const Glimpse& glimpse) {
  std::vector<std::byte> datagram = recording.segments[glimpse.segment].datagram;
  if (glimpse.flipped_bit) flip_bit(datagram, *glimpse.flipped_bit);
  return datagram;
}

void write_capture(std::ostream& out, const Recording& recording, Vantage vantage) {
  capture::PcapWriter writer(out);
  for (const Glimpse& glimpse : seen_from(recording, vantage)) {
    writer.write(kEpoch + glimpse.at, datagram_of(recording, glimpse));
  }
}

}  // namespace tcpdx::sim
