// What was sent and is not yet acknowledged, segment by segment: what SACK says of each, which are
// lost (RFC 6675 by counting, RFC 8985 by time) and what is still in the network.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/seq.hpp"
#include "base/time.hpp"
#include "tcp/rtt.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::tcp {

// A stretch of sequence space that went out as one segment; a FIN counts one.
struct SentSegment {
  Seq seq;
  uint32_t length = 0;
  Duration sent_at{};  // of the last sending
  // The scoreboard's own: neighbours in the order of sending, and a number of segments from here
  // on that are sacked.
  uint32_t sent_before = 0;
  uint32_t sent_after = 0;
  uint32_t run = 0;
  bool sacked = false;
  bool lost = false;           // to be sent again, and not sent again since
  bool retransmitted = false;  // at least once

  Seq end() const { return seq + length; }
};

// RFC 8985 6.2, RACK_sent_after(): by time, and by sequence number where the times are the same.
constexpr bool sent_after(Duration time1, Seq end1, Duration time2, Seq end2) {
  return time1 > time2 || (time1 == time2 && end1 > end2);
}

// What one acknowledgment changed.
struct AckedSegments {
  uint32_t acked = 0;   // octets newly covered by the cumulative acknowledgment
  uint32_t sacked = 0;  // octets newly covered by SACK blocks
  // Of the latest sent among the newly acknowledged or sacked segments that were sent only once
  // (Karn, RFC 6298 3). Where the cumulative acknowledgment covers one that was sent twice, those
  // beyond it may have waited for it over there: then only the sacked ones tell.
  std::optional<Duration> rtt;
  bool dsack = false;  // the first block reported a duplicate (RFC 2883)
};

class Scoreboard {
 public:
  // At most this many segments are kept; a sender with more of them waits. Only split() goes
  // beyond.
  explicit Scoreboard(size_t limit) : limit_(limit) {}

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ >= limit_; }
  size_t size() const { return count_; }
  size_t capacity() const { return ring_.size(); }
  // Oldest first; i < size().
  const SentSegment& operator[](size_t i) const { return ring_[(first_ + i) & (ring_.size() - 1)]; }
  // As for a new connection, but for the memory.
  void clear();

  // New data, in sequence order.
  void sent(Seq seq, uint32_t length, Duration now);
  // The segment that begins at seq went out again.
  void sent_again(Seq seq, Duration now);
  // The segment that begins at seq becomes two, the first of `length` octets, which must be fewer
  // than it has. Returns the first. For paths that became narrower; takes time.
  const SentSegment& split(Seq seq, uint32_t length);

  // Takes the acknowledgment number and the SACK blocks of one segment. snd_una is the value
  // before it; blocks outside of what was sent are ignored (RFC 2018 5, RFC 2883).
  AckedSegments acknowledge(Seq snd_una, Seq ack, std::span<const wire::SackBlock> blocks,
                            Duration now);

  // RFC 6675 4, IsLost(): DupThresh segments' worth of SACKed data above. Returns whether any
  // segment was newly marked. What was sent again is left to time: counting cannot tell whether
  // what arrived was sent before or after it.
  bool mark_lost_by_count(uint32_t mss, unsigned dup_thresh);
  // RFC 8985 6.2, RACK_detect_loss(). Returns whether any was newly marked; `wait` is how long from
  // now until all those that are doubtful now would be, nothing when no segment is doubtful.
  struct RackResult {
    bool newly_lost = false;
    std::optional<Duration> wait;
  };
  RackResult mark_lost_by_time(Duration now, const RttEstimator& rtt, bool in_recovery,
                               unsigned dup_thresh);
  // The first segment not sacked (RFC 6582: what duplicate or partial ACKs point at without SACK).
  bool mark_first_lost();
  // Retransmission timeout (RFC 6298 5.4): everything outstanding is taken for lost, and what SACK
  // said is forgotten, because a receiver may renege (RFC 2018 8).
  void mark_all_lost();

  // RFC 6675 SetPipe(): octets in the network: neither sacked, nor lost and not sent again.
  uint32_t pipe() const { return pipe_; }
  uint32_t sacked() const { return sacked_; }
  bool any_lost() const { return lost_ != 0; }
  // The lowest lost segment: what to send again next (RFC 6675 NextSeg() rule 1); null: none.
  const SentSegment* next_lost() const { return lost_ == 0 ? nullptr : &at(lowest_lost_); }

 private:
  // Segments are known by positions, which count on from the first one ever and wrap.
  SentSegment& at(uint32_t position) { return ring_[position & (ring_.size() - 1)]; }
  const SentSegment& at(uint32_t position) const { return ring_[position & (ring_.size() - 1)]; }
  uint32_t last() const { return first_ + count_; }  // one past
  bool below(uint32_t a, uint32_t b) const { return a - first_ < b - first_; }
  bool in_network(uint32_t position) const { return !at(position).sacked && !at(position).lost; }

  struct Delivery;  // what acknowledge() gathers
  uint32_t position_of(Seq seq) const;
  uint32_t next_unsacked(uint32_t position);
  void grow();
  void link(uint32_t position);
  void link_after(uint32_t before, uint32_t position);
  void unlink(uint32_t position);
  void mark_lost(uint32_t position);
  void unmark_lost(uint32_t position);
  void deliver(uint32_t position, Duration now, bool by_sack, Delivery& delivery);
  uint32_t take_ack(Seq ack, Duration now, Delivery& delivery);
  void trim_first(uint32_t octets);
  uint32_t take_block(const wire::SackBlock& block, Duration now, Delivery& delivery);
  uint32_t take_blocks(std::span<const wire::SackBlock> blocks, Duration now, Delivery& delivery);
  void update_rack(const Delivery& delivery, Duration now);
  void take_dsack(bool dsack, Seq una, Seq snd_nxt);
  uint32_t enough_sacked_from(uint32_t mss, unsigned dup_thresh) const;
  Duration reordering_window(const RttEstimator& rtt, bool in_recovery, unsigned dup_thresh) const;

  std::vector<SentSegment> ring_;  // capacity a power of two, grows up to the limit
  size_t limit_;
  uint32_t first_ = 0;
  uint32_t count_ = 0;
  uint32_t pipe_ = 0;
  uint32_t sacked_ = 0;
  uint32_t lost_ = 0;  // octets
  // Those in the network, chained in the order of sending (and of their ends where the times are
  // the same): RFC 8985 looks at few of them, whatever the window.
  uint32_t in_network_ = 0;
  uint32_t oldest_ = 0;
  uint32_t newest_ = 0;
  uint32_t lowest_lost_ = 0;      // while anything is lost
  uint32_t highest_sacked_ = 0;   // while anything is sacked
  uint32_t sacked_segments_ = 0;  // RACK.segs_sacked
  uint32_t counted_below_ = 0;    // mark_lost_by_count() has marked all that it may below here
  // RFC 8985 5.2 and 5.3. RACK.xmit_ts and RACK.end_seq are of the segment delivered that was sent
  // last; a RACK.rtt of 0 says that nothing was delivered yet.
  Duration rack_sent_{};
  Duration rack_rtt_{};
  Duration min_rtt_{};  // of those sent once; 0: none yet
  Seq rack_end_;
  Seq rack_fack_;
  std::optional<Seq> dsack_round_;
  uint8_t reorder_window_factor_ = 1;    // RACK.reo_wnd_mult
  uint8_t reorder_window_persists_ = 0;  // recoveries
  bool reordering_seen_ = false;
  bool was_in_recovery_ = false;
  bool newly_sacked_ = false;  // since mark_lost_by_count() looked
};

}  // namespace tcpdx::tcp
