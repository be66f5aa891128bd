#include "sim/recording.hpp"

#include <algorithm>
#include <tuple>

#include "capture/pcap_writer.hpp"
#include "sim/datagram.hpp"

namespace tcpdx::sim {
namespace {

// Virtual time 0 in capture files: 2026-01-01T00:00:00Z, so that equal runs give equal files.
constexpr Duration kEpoch = 1767225600s;

struct Sighting {
  Time at{};
  uint64_t order = 0;
  const Segment* segment = nullptr;
  std::optional<size_t> flipped_bit;
};

// What a sender's network card and what a receiver's sees: all that was sent, all that arrived.
void see_at(const Recording& recording, Side place, std::vector<Sighting>& seen) {
  for (const Segment& segment : recording.segments) {
    // What a third party sends in a host's name does not pass that host.
    if (segment.from == place && !segment.injected) {
      seen.push_back({segment.at, segment.order, &segment, {}});
    }
    if (segment.from == place) continue;
    for (const Arrival& arrival : segment.arrivals) {
      seen.push_back({arrival.at, arrival.order, &segment, arrival.flipped_bit});
    }
  }
}

void see_in_the_middle(const Recording& recording, bool after_loss, std::vector<Sighting>& seen) {
  for (const Segment& segment : recording.segments) {
    if (!after_loss) {
      seen.push_back({segment.middle, segment.order, &segment, {}});
      continue;
    }
    for (const Arrival& arrival : segment.arrivals) {
      seen.push_back({arrival.middle, segment.order, &segment, arrival.flipped_bit});
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

void write_capture(std::ostream& out, const Recording& recording, Vantage vantage) {
  std::vector<Sighting> seen;
  switch (vantage) {
    case Vantage::client: see_at(recording, Side::client, seen); break;
    case Vantage::before_loss: see_in_the_middle(recording, false, seen); break;
    case Vantage::after_loss: see_in_the_middle(recording, true, seen); break;
    case Vantage::server: see_at(recording, Side::server, seen); break;
  }
  std::ranges::sort(seen, {}, [](const Sighting& s) { return std::tuple(s.at, s.order); });
  capture::PcapWriter writer(out);
  for (const Sighting& sighting : seen) {
    if (sighting.flipped_bit) {
      std::vector<std::byte> damaged = sighting.segment->datagram;
      flip_bit(damaged, *sighting.flipped_bit);
      writer.write(kEpoch + sighting.at, damaged);
    } else {
      writer.write(kEpoch + sighting.at, sighting.segment->datagram);
    }
  }
}

}  // namespace tcpdx::sim
