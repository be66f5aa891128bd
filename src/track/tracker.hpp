// Follows every connection of a stream of packets: two RFC 9293 machines each, one per end, fed by
// what that end sent and by what it provably received. docs/architecture.md tells how it judges.
#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "track/report.hpp"
#include "wire/decode.hpp"

namespace tcpdx::track {

struct Options {
  // Octets that connections may take together. Beyond it the oldest half-open ones go first, then
  // those that are over, then the longest silent.
  uint64_t memory = uint64_t{1} << 30U;
  Vantage vantage = Vantage::unknown;  // unknown: estimated for each connection
  bool packet_reports = false;         // whether Sink::packet() is called
  // What the ends are assumed to have (Linux): docs/metrics.md.
  Duration time_wait = 60s;
  Duration fin_wait_2 = 60s;
  Duration syn_sent = 131s;
  Duration syn_received = 63s;
};

// Receives what the tracker finds.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  virtual ~Sink() = default;

  // Each connection once: when it is over for good, or at the end of the stream. In the order in
  // which they end, those of the stream's end by id.
  virtual void connection(Connection&& connection) = 0;
  // A connection got the next id, by the segment of that frame.
  virtual void opened(uint64_t frame) { static_cast<void>(frame); }
  virtual void packet(const PacketReport& report) { static_cast<void>(report); }
};

struct Totals {
  uint64_t segments = 0;
  uint64_t connections = 0;
  uint64_t half_open = 0;          // connections of a SYN alone, among them
  uint64_t dropped_half_open = 0;  // forgotten for lack of memory: not reported
  uint64_t dropped_early = 0;      // reported before their end for lack of memory
  uint64_t icmp_errors = 0;
  uint64_t icmp_unmatched = 0;
  uint64_t peak_memory = 0;  // octets
};

// What of the stream as a whole bears on single connections.
struct Stream {
  int64_t start_ns = 0;
  int64_t now_ns = std::numeric_limits<int64_t>::min();
  uint64_t segments = 0;  // before the batch
  uint64_t right_sums = 0;
  uint64_t wrong_sums = 0;

  void take(std::span<const Sighting> batch);  // the next batch, before it is tracked
  void take(int64_t time_ns) { now_ns = std::max(now_ns, time_ns); }

 private:
  uint64_t seen_ = 0;
};

// Some of the segments of a batch, by their places in it.
struct Share {
  std::span<const Sighting> batch;
  std::span<const uint32_t> places;
};

class Tracker {
 public:
  // `links` are the decoder's: Packet::link points into them.
  Tracker(const Options& options, const std::vector<wire::LinkPath>& links, Sink& sink);
  ~Tracker();
  Tracker(const Tracker&) = delete;
  Tracker& operator=(const Tracker&) = delete;

  // In the order of the capture. Fastest with 16 to 64 at once.
  void take(std::span<const Sighting> batch);
  void take(const wire::IcmpError& error, uint32_t link, uint64_t frame, int64_t time_ns);
  // The stream has ended: reports every connection that is left.
  void finish();

  // For one of several trackers that share a stream: its part of each batch, even if it has none.
  // All segments and errors of a connection must come to the same one (shard_key()).
  void take(const Share& share, const Stream& stream);
  // Reports at most so many of those that are left, in the order of their ids; false: that was all.
  bool finish_some(size_t count, const Stream& stream);
  // The segment in work; none where time alone ends connections.
  std::optional<uint64_t> frame() const;

  const Totals& totals() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The same for all that belongs to one connection, and for all connections of the same ends.
uint32_t shard_key(const wire::Packet& packet);
uint32_t shard_key(const wire::IcmpError& error, uint32_t link);

}  // namespace tcpdx::track
