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
  bool sacked = false;
  bool lost = false;           // to be sent again, and not sent again since
  bool retransmitted = false;  // at least once

  Seq end() const { return seq + length; }
};

// What one acknowledgment changed.
struct AckedSegments {
  uint32_t acked = 0;   // octets newly covered by the cumulative acknowledgment
  uint32_t sacked = 0;  // octets newly covered by SACK blocks
  // Of the latest sent among the newly acknowledged or sacked segments that were sent only once
  // (Karn, RFC 6298 3).
  std::optional<Duration> rtt;
  bool dsack = false;  // the first block reported a duplicate (RFC 2883)
};

class Scoreboard {
 public:
  // At most this many segments are kept; a sender with more of them waits.
  explicit Scoreboard(size_t limit);

  bool empty() const { return count_ == 0; }
  bool full() const { return count_ == limit_; }
  size_t size() const { return count_; }
  // Oldest first; i < size().
  const SentSegment& operator[](size_t i) const { return ring_[(first_ + i) & (ring_.size() - 1)]; }
  void clear();

  // New data, in sequence order.
  void sent(Seq seq, uint32_t length, Duration now);
  // The segment that begins at seq, or what of it remains from seq on, went out again.
  void sent_again(Seq seq, Duration now);

  // Takes the acknowledgment number and the SACK blocks of one segment. snd_una is the value
  // before it; blocks outside of what was sent are ignored (RFC 2018 5, RFC 2883).
  AckedSegments acknowledge(Seq snd_una, Seq ack, std::span<const wire::SackBlock> blocks,
                            Duration now);

  // RFC 6675 4, IsLost(): DupThresh segments' worth of SACKed data above. Returns whether any
  // segment was newly marked.
  bool mark_lost_by_count(uint32_t mss, unsigned dup_thresh);
  // RFC 8985 6.2, RACK_detect_loss(). Returns whether any was newly marked; `wait` is how long from
  // now until the next could be, nothing when no segment is doubtful.
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
  const SentSegment* next_lost() const;

 private:
  SentSegment& at(size_t i) { return ring_[(first_ + i) & (ring_.size() - 1)]; }

  std::vector<SentSegment> ring_;  // capacity a power of two, grows up to the limit
  size_t first_ = 0;
  size_t count_ = 0;
  size_t limit_;
  uint32_t pipe_ = 0;
  uint32_t sacked_ = 0;
  uint32_t lost_ = 0;  // octets
  // RFC 8985 5: of the segment delivered that was sent last.
  Duration rack_sent_{};
  Seq rack_end_;
  Duration rack_rtt_{};
  bool reordering_seen_ = false;
  uint8_t reorder_window_factor_ = 1;
};

}  // namespace tcpdx::tcp
