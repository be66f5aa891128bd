#include "track_kernel/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "wire/decode.hpp"

namespace tcpdx::track_kernel {
namespace {

using tcp::State;

constexpr uint16_t kEthernet = 1;  // LINKTYPE_ETHERNET
// How far the kernel's times of a state and of a packet may lie apart: the packet may wait for
// another processor in between.
constexpr int64_t kSlackNs = 5'000'000;

class Kept final : public track::Sink {
 public:
  void connection(Connection&& connection) override {
    connections.push_back(std::move(connection));
  }
  std::vector<Connection> connections;
};

// A change of the end, with the moment on the wall clock.
struct Change {
  StateChange what;
  int64_t time_ns = 0;
};

std::vector<Change> changes_of(const std::vector<Connection>& tracked, const Ends& ends) {
  std::vector<Change> all;
  for (const Connection& one : tracked) {
    for (const Party party : {Party::originator, Party::responder}) {
      if (one.end(party) != ends.local || one.end(other(party)) != ends.remote) continue;
      const int64_t start = std::chrono::nanoseconds(one.start.time_since_epoch()).count();
      for (const StateChange& change : one.timeline) {
        if (change.side != party) continue;
        // An end that never had a connection says RST: CLOSED as before.
        if (all.empty() && change.to == State::closed) continue;
        all.push_back({change, start + std::chrono::nanoseconds(change.at).count()});
      }
    }
  }
  return all;
}

// The longest sequence that is in both, by the usual table.
size_t common(const std::vector<State>& a, const std::vector<State>& b) {
  std::vector<std::vector<size_t>> table(a.size() + 1, std::vector<size_t>(b.size() + 1, 0));
  for (size_t i = 1; i <= a.size(); ++i) {
    for (size_t j = 1; j <= b.size(); ++j) {
      table[i][j] = a[i - 1] == b[j - 1] ? table[i - 1][j - 1] + 1
                                         : std::max(table[i - 1][j], table[i][j - 1]);
    }
  }
  return table[a.size()][b.size()];
}

std::string beside(const std::vector<Change>& changes, const std::vector<Moment>& truth,
                   const Ends& ends) {
  const int64_t zero = std::min(truth.empty() ? INT64_MAX : truth.front().time_ns,
                                changes.empty() ? INT64_MAX : changes.front().time_ns);
  std::string text = fmt::format("{} -> {}\n", to_string(ends.local), to_string(ends.remote));
  for (size_t i = 0; i < std::max(changes.size(), truth.size()); ++i) {
    if (i < truth.size()) {
      text += fmt::format("  {:>10} us {:<12}", (truth[i].time_ns - zero) / 1000,
                          to_string(truth[i].state));
    } else {
      text += std::string(28, ' ');
    }
    if (i < changes.size()) {
      const StateChange& what = changes[i].what;
      text += fmt::format(" | {:>10} us frame {:>4} {:<12} {:<8} {}",
                          (changes[i].time_ns - zero) / 1000, what.frame, to_string(what.to),
                          to_string(what.certainty), to_string(what.cause));
    }
    text += '\n';
  }
  return text;
}

// Whether the end was in the state at some time between the frames beside the proof's.
bool was_in(const std::vector<Moment>& truth, State state, int64_t from, int64_t to) {
  for (size_t i = 0; i < truth.size(); ++i) {
    if (truth[i].state != state) continue;
    const int64_t left = i + 1 < truth.size() ? truth[i + 1].time_ns : INT64_MAX;
    if (truth[i].earliest_ns <= to && left >= from) return true;
  }
  return false;
}

// The program closed while data waited, and the other end's FIN came before the own one could go:
// CLOSING, where all that is seen is an open end that takes a FIN and sends its own later
// (CLOSE-WAIT, LAST-ACK). docs/deviations.md.
bool closed_behind_data(const Tracked& tracked, const Ends& ends,
                        const std::vector<Moment>& truth) {
  const auto closing = std::ranges::find(truth, State::closing, &Moment::state);
  if (closing == truth.end()) return false;
  const auto fin = tracked.first_fins.find(ends);
  return fin == tracked.first_fins.end() || closing->time_ns < fin->second;
}

}  // namespace

Score& Score::operator+=(const Score& other) {
  changes += other.changes;
  right += other.right;
  undecidable += other.undecidable;
  proofs += other.proofs;
  wrong.insert(wrong.end(), other.wrong.begin(), other.wrong.end());
  differences.insert(differences.end(), other.differences.begin(), other.differences.end());
  return *this;
}

Tracked track(const std::vector<Seen>& seen, Vantage vantage) {
  Tracked tracked;
  track::Options options;
  options.vantage = vantage;
  wire::Decoder decoder;
  Kept kept;
  track::Tracker tracker(options, decoder.links(), kept);
  for (const Seen& one : seen) {
    tracked.frame_times.push_back(one.time_ns);
    track::Sighting sighting;
    sighting.frame = tracked.frame_times.size();
    sighting.time_ns = one.time_ns;
    const auto found =
        decoder.decode(kEthernet, one.octets, static_cast<uint32_t>(one.octets.size()), one.time_ns,
                       sighting.packet);
    if (found == wire::Found::tcp) {
      tracker.take({&sighting, 1});
      const wire::Packet& packet = sighting.packet;
      const Ends ends{{packet.source, packet.source_port},
                      {packet.destination, packet.destination_port}};
      if (packet.flags.fin) tracked.first_fins.try_emplace(ends, one.time_ns);
    }
    if (found == wire::Found::icmp_error) {
      tracker.take(decoder.icmp_error(), decoder.icmp_link(), sighting.frame, sighting.time_ns);
    }
  }
  tracker.finish();
  tracked.connections = std::move(kept.connections);
  return tracked;
}

Score compare(const Tracked& tracked, const Ends& ends, const std::vector<Moment>& truth) {
  Score score;
  const std::vector<Change> changes = changes_of(tracked.connections, ends);
  std::vector<State> claimed;
  std::vector<State> proven;
  std::vector<State> real;
  real.reserve(truth.size());
  for (const Moment& moment : truth) real.push_back(moment.state);
  for (const Change& change : changes) {
    claimed.push_back(change.what.to);
    if (change.what.certainty != Certainty::seen || change.what.frame == 0) continue;
    proven.push_back(change.what.to);
    const size_t frame = change.what.frame - 1;
    const int64_t from = frame == 0 ? 0 : tracked.frame_times[frame - 1] - kSlackNs;
    const int64_t to = frame + 1 == tracked.frame_times.size()
                           ? INT64_MAX
                           : tracked.frame_times[frame + 1] + kSlackNs;
    if (!was_in(truth, change.what.to, from, to)) {
      score.wrong.push_back(fmt::format("frame {}: {} is said to be seen\n{}", change.what.frame,
                                        to_string(change.what.to), beside(changes, truth, ends)));
    }
  }
  if (common(proven, real) != proven.size()) {
    score.wrong.push_back("the order of what is said to be seen:\n" + beside(changes, truth, ends));
  }
  score.proofs = proven.size();
  if (closed_behind_data(tracked, ends, truth)) {
    score.undecidable = 1;
    return score;
  }
  score.changes = std::max(claimed.size(), real.size());
  score.right = common(claimed, real);
  if (score.right != score.changes) score.differences.push_back(beside(changes, truth, ends));
  return score;
}

}  // namespace tcpdx::track_kernel
