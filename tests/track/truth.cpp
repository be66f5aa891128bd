#include "track/truth.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "wire/decode.hpp"

namespace tcpdx::truth {
namespace {

using sim::Recording;
using sim::Side;
using tcp::State;

constexpr uint16_t kRawIp = 101;  // LINKTYPE_RAW

class Kept final : public track::Sink {
 public:
  void connection(Connection&& connection) override {
    connections.push_back(std::move(connection));
  }
  std::vector<Connection> connections;
};

// The record that a segment belongs to, and which party a side is in it.
struct Place {
  const Connection* connection = nullptr;
  Party client{};
};

std::optional<Place> place_of(const Recording& recording, const Tracked& tracked, size_t glimpse) {
  const sim::Segment& segment = recording.segments[tracked.glimpses[glimpse].segment];
  const sim::Conversation& ends = recording.conversations[segment.conversation];
  const uint64_t frame = glimpse + 1;
  std::optional<Place> found;
  for (const Connection& one : tracked.connections) {
    if (one.first_frame > frame) continue;
    if (found && found->connection->first_frame > one.first_frame) continue;
    if (one.originator == ends.client && one.responder == ends.server) {
      found = Place{&one, Party::originator};
    } else if (one.originator == ends.server && one.responder == ends.client) {
      found = Place{&one, Party::responder};
    }
  }
  return found;
}

Party party_of(const Place& place, Side side) {
  return side == Side::client ? place.client : other(place.client);
}

// What the timeline says of an end just after a frame.
std::optional<State> state_at(const Connection& connection, Party party, uint64_t frame,
                              Duration at) {
  std::optional<State> state;
  for (const StateChange& change : connection.timeline) {
    const bool reached = change.frame == 0 ? change.at <= at : change.frame <= frame;
    if (change.side == party && reached) state = change.to;
  }
  return state;
}

// The true states right after the segment was taken (or sent) by the side.
std::optional<State> true_state(const Recording& recording, const sim::Glimpse& glimpse,
                                Side side) {
  const sim::Segment& segment = recording.segments[glimpse.segment];
  if (segment.from == side && !segment.injected) return segment.states.of(side);
  for (const sim::Arrival& arrival : segment.arrivals) {
    if (arrival.order == glimpse.order && arrival.states) return arrival.states->of(side);
  }
  return std::nullopt;
}

// When the side's first FIN of the conversation was sent, as an order; nothing: never.
std::optional<uint64_t> first_fin(const Recording& recording, size_t conversation, Side side) {
  for (const sim::Segment& segment : recording.segments) {
    if (segment.conversation == conversation && segment.from == side && !segment.injected &&
        segment.header.flags.fin) {
      return segment.order;
    }
  }
  return std::nullopt;
}

// The side had closed and yet its FIN waited behind data when the other side's FIN came: it went
// to CLOSING where all that is seen looks like CLOSE-WAIT and LAST-ACK.
bool closed_behind_data(const Recording& recording, size_t conversation, Side side) {
  const auto fin = first_fin(recording, conversation, side);
  return std::ranges::any_of(recording.moves, [&](const sim::Move& move) {
    return move.conversation == conversation && move.side == side && move.to == State::closing &&
           (!fin || move.order < *fin);
  });
}

// What a user's call did before any segment told of it: a CLOSE moves at once, its FIN may have to
// wait; the RST of an abort is on its way. And a listener's end that is gone: its record was
// CLOSED, while the listener itself stays in LISTEN.
bool looks_alike(State truth, State tracked, bool fin_sent, bool aborting) {
  if (truth == tracked || aborting) return true;
  if (truth == State::listen && tracked == State::closed) return true;
  if (fin_sent) return false;
  return (truth == State::fin_wait_1 && tracked == State::established) ||
         (truth == State::closing && tracked == State::close_wait) ||
         (truth == State::last_ack && tracked == State::close_wait);
}

bool aborting(const Recording& recording, size_t conversation, Side side, uint64_t order) {
  for (const sim::Move& move : recording.moves) {
    if (move.conversation != conversation || move.side != side) continue;
    if (move.on != tcp::Event::abort) continue;
    const bool told = std::ranges::any_of(recording.segments, [&](const sim::Segment& segment) {
      return segment.conversation == conversation && segment.from == side &&
             segment.header.flags.rst && segment.order > move.order && segment.order <= order;
    });
    return !told;
  }
  return false;
}

// A SYN cookie keeps the half-open connection in the SYN-ACK: the server has no record of it, and
// nothing that it sends tells.
bool by_cookie(const Recording& recording, size_t conversation, uint64_t order) {
  return std::ranges::any_of(recording.segments, [&](const sim::Segment& segment) {
    return segment.conversation == conversation && segment.from == Side::server &&
           segment.header.flags.syn && segment.states.server == State::listen &&
           segment.order <= order;
  });
}

bool agrees(const Recording& recording, const sim::Glimpse& glimpse, Side side, State truth,
            State tracked) {
  if (truth == tracked) return true;
  const size_t conversation = recording.segments[glimpse.segment].conversation;
  const auto fin = first_fin(recording, conversation, side);
  if (truth == State::listen && tracked == State::syn_received && side == Side::server &&
      by_cookie(recording, conversation, glimpse.order)) {
    return true;
  }
  return looks_alike(
      truth, tracked, fin && *fin <= glimpse.order,
      truth == State::closed && aborting(recording, conversation, side, glimpse.order));
}

std::string describe(const Recording& recording, const Tracked& tracked, size_t glimpse) {
  const sim::Segment& segment = recording.segments[tracked.glimpses[glimpse].segment];
  return fmt::format("frame {} {} {} seq {} ack {} length {}", glimpse + 1, to_string(segment.from),
                     wire::to_string(segment.header.flags), segment.seq,
                     segment.ack ? std::to_string(*segment.ack) : "-", segment.length);
}

std::string_view name(std::optional<State> state) {
  return state ? to_string(*state) : std::string_view("?");
}

void compare_moments(const Recording& recording, const Tracked& tracked, Side side, Score& score) {
  for (size_t i = 0; i < tracked.glimpses.size(); ++i) {
    const sim::Glimpse& glimpse = tracked.glimpses[i];
    const sim::Segment& segment = recording.segments[glimpse.segment];
    if (glimpse.flipped_bit) continue;  // whose it is cannot be told
    const auto place = place_of(recording, tracked, i);
    const auto truth = true_state(recording, glimpse, side);
    if (!place || !truth) continue;
    ++score.moments;
    const Duration at =
        glimpse.at -
        (std::chrono::duration_cast<Duration>(place->connection->start.time_since_epoch()) -
         sim::kEpoch);
    const auto state = state_at(*place->connection, party_of(*place, side), i + 1, at);
    if (!state) {
      ++score.unknown;
    } else if (agrees(recording, glimpse, side, *truth, *state)) {
      ++score.right;
    } else if (closed_behind_data(recording, segment.conversation, side)) {
      ++score.undecidable;
    } else if (!score.first_wrong) {
      score.first_wrong =
          fmt::format("{} {}: truly {}, tracked {}", describe(recording, tracked, i),
                      to_string(side), name(truth), name(state));
    }
  }
}

// One frame may prove that an end went through several states.
bool left_again(const Connection& connection, const StateChange& change) {
  return std::ranges::any_of(connection.timeline, [&](const StateChange& later) {
    return &later > &change && later.side == change.side && later.frame == change.frame;
  });
}
bool was_in(const Recording& recording, const sim::Glimpse& glimpse, Side side, State state) {
  const size_t conversation = recording.segments[glimpse.segment].conversation;
  return std::ranges::any_of(recording.moves, [&](const sim::Move& move) {
    return move.conversation == conversation && move.side == side && move.to == state &&
           move.order <= glimpse.order;
  });
}

// Each change that is marked as seen must be true of the moment at which its frame was sent.
void compare_proofs(const Recording& recording, const Tracked& tracked, std::optional<Side> only,
                    Score& score) {
  for (const Connection& connection : tracked.connections) {
    for (const StateChange& change : connection.timeline) {
      if (change.certainty != Certainty::seen || change.frame == 0) continue;
      const size_t i = change.frame - 1;
      const sim::Glimpse& glimpse = tracked.glimpses[i];
      const sim::Segment& segment = recording.segments[glimpse.segment];
      const sim::Conversation& ends = recording.conversations[segment.conversation];
      const Side side = connection.end(change.side) == ends.client ? Side::client : Side::server;
      if (only && side != *only) continue;
      if (segment.injected || glimpse.flipped_bit) continue;  // a forgery proves what it says
      // The host may have begun anew; this was its connection of before.
      const auto place = place_of(recording, tracked, i);
      if (place && place->connection != &connection) continue;
      ++score.proofs;
      const auto truth = true_state(recording, glimpse, side);
      if (truth && agrees(recording, glimpse, side, *truth, change.to)) continue;
      if (left_again(connection, change) && was_in(recording, glimpse, side, change.to)) continue;
      score.wrong_proofs.push_back(
          fmt::format("{} {}: truly {}, tracked {} ({})", describe(recording, tracked, i),
                      to_string(side), name(truth), to_string(change.to), to_string(change.cause)));
    }
  }
}

}  // namespace

Score& Score::operator+=(const Score& other) {
  moments += other.moments;
  right += other.right;
  undecidable += other.undecidable;
  unknown += other.unknown;
  proofs += other.proofs;
  wrong_proofs.insert(wrong_proofs.end(), other.wrong_proofs.begin(), other.wrong_proofs.end());
  if (!first_wrong) first_wrong = other.first_wrong;
  return *this;
}

Tracked track_from(const Recording& recording, sim::Vantage vantage,
                   const track::Options& options) {
  Tracked tracked;
  tracked.glimpses = seen_from(recording, vantage);
  wire::Decoder decoder;
  Kept kept;
  track::Tracker tracker(options, decoder.links(), kept);
  std::vector<std::vector<std::byte>> datagrams;
  std::vector<track::Sighting> batch;
  for (size_t i = 0; i < tracked.glimpses.size(); ++i) {
    const auto& octets = datagrams.emplace_back(datagram_of(recording, tracked.glimpses[i]));
    track::Sighting sighting;
    sighting.frame = i + 1;
    sighting.time_ns = std::chrono::nanoseconds(sim::kEpoch + tracked.glimpses[i].at).count();
    const auto found = decoder.decode(kRawIp, octets, static_cast<uint32_t>(octets.size()),
                                      sighting.time_ns, sighting.packet);
    if (found == wire::Found::tcp) batch.push_back(sighting);
    if (batch.size() == 64) {
      tracker.take(batch);
      batch.clear();
    }
  }
  tracker.take(batch);
  tracker.finish();
  tracked.connections = std::move(kept.connections);
  tracked.totals = tracker.totals();
  return tracked;
}

Score compare(const Recording& recording, const Tracked& tracked, sim::Vantage vantage) {
  Score score;
  std::optional<Side> end;
  if (vantage == sim::Vantage::client) end = Side::client;
  if (vantage == sim::Vantage::server) end = Side::server;
  if (end) compare_moments(recording, tracked, *end, score);
  compare_proofs(recording, tracked, end, score);
  return score;
}

std::string ladder(const Recording& recording, const Tracked& tracked) {
  std::string text;
  for (size_t i = 0; i < tracked.glimpses.size(); ++i) {
    const sim::Glimpse& glimpse = tracked.glimpses[i];
    text += fmt::format("{:>10} {:<60}", glimpse.at.count(), describe(recording, tracked, i));
    const auto place = place_of(recording, tracked, i);
    for (const Side side : {Side::client, Side::server}) {
      const auto truth = true_state(recording, glimpse, side);
      const auto state =
          place ? state_at(*place->connection, party_of(*place, side), i + 1, Duration::max())
                : std::nullopt;
      text += fmt::format(" {:>12}/{:<12}", name(truth), name(state));
    }
    text += glimpse.flipped_bit ? " damaged\n" : "\n";
  }
  for (const Connection& one : tracked.connections) {
    text += fmt::format("connection {} from frame {}:\n", one.id, one.first_frame);
    for (const StateChange& change : one.timeline) {
      text +=
          fmt::format("  {:>10} frame {:>4} {:<10} {:>12} -> {:<12} {:<8} {}\n", change.at.count(),
                      change.frame, to_string(change.side), name(change.from), to_string(change.to),
                      to_string(change.certainty), to_string(change.cause));
    }
  }
  return text;
}

}  // namespace tcpdx::truth
