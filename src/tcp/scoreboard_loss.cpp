// Which segments are lost: by counting what SACK reports above them (RFC 6675), by the time that
// has passed since (RFC 8985), or because a timer or a duplicate acknowledgment says so.
#include <algorithm>

#include "tcp/scoreboard.hpp"

namespace tcpdx::tcp {

// The highest segment below which all that is not sacked is lost by RFC 6675 4, IsLost(); first_
// where there is none. The walk down ends where nothing more is sacked.
uint32_t Scoreboard::enough_sacked_from(uint32_t mss, unsigned dup_thresh) const {
  uint64_t octets = 0;
  unsigned stretches = 0;
  bool above_sacked = false;
  uint32_t seen = 0;
  for (uint32_t p = highest_sacked_; p != first_; --p) {
    const SentSegment& segment = at(p);
    if (segment.sacked) {
      ++seen;
      octets += segment.length;
      if (!above_sacked) ++stretches;
      if (stretches >= dup_thresh || octets > uint64_t{dup_thresh - 1} * mss) return p;
    }
    if (seen == sacked_segments_) break;
    above_sacked = segment.sacked;
  }
  return first_;
}

bool Scoreboard::mark_lost_by_count(uint32_t mss, unsigned dup_thresh) {
  if (!newly_sacked_ || sacked_segments_ == 0) return false;
  newly_sacked_ = false;
  const uint32_t from = enough_sacked_from(mss, dup_thresh);
  if (!below(counted_below_, from)) return false;
  bool newly_lost = false;
  for (uint32_t p = next_unsacked(counted_below_); below(p, from); p = next_unsacked(p + 1)) {
    if (at(p).lost || at(p).retransmitted) continue;
    mark_lost(p);
    newly_lost = true;
  }
  counted_below_ = from;
  return newly_lost;
}

// RFC 8985 6.2, step 4.
Duration Scoreboard::reordering_window(const RttEstimator& rtt, bool in_recovery,
                                       unsigned dup_thresh) const {
  if (!reordering_seen_ && (in_recovery || sacked_segments_ >= dup_thresh)) return Duration{};
  return std::min(reorder_window_factor_ * rtt.min_rtt() / 4, rtt.srtt());
}

// RFC 8985 6.2, step 5. In order of sending, so that the first one sent after the segment last
// delivered ends it: with nothing out of order that is the very first.
Scoreboard::RackResult Scoreboard::mark_lost_by_time(Duration now, const RttEstimator& rtt,
                                                     bool in_recovery, unsigned dup_thresh) {
  if (was_in_recovery_ && !in_recovery && reorder_window_persists_ > 0) {
    if (--reorder_window_persists_ == 0) reorder_window_factor_ = 1;
  }
  was_in_recovery_ = in_recovery;
  RackResult result;
  if (rack_rtt_ == Duration{}) return result;
  const Duration patience = rack_rtt_ + reordering_window(rtt, in_recovery, dup_thresh);
  uint32_t p = oldest_;
  for (uint32_t left = in_network_; left > 0; --left) {
    const SentSegment& segment = at(p);
    if (!sent_after(rack_sent_, rack_end_, segment.sent_at, segment.end())) break;
    const uint32_t next = segment.sent_after;
    const Duration remaining = segment.sent_at + patience - now;
    if (remaining <= Duration{}) {
      mark_lost(p);
      result.newly_lost = true;
    } else {
      result.wait = remaining;  // each later one's is longer
    }
    p = next;
  }
  return result;
}

bool Scoreboard::mark_first_lost() {
  const uint32_t position = next_unsacked(first_);
  if (position == last() || at(position).lost) return false;
  mark_lost(position);
  return true;
}

void Scoreboard::mark_all_lost() {
  if (empty()) return;
  lost_ = 0;
  for (uint32_t p = first_; p != last(); ++p) {
    at(p).sacked = false;
    at(p).lost = true;
    lost_ += at(p).length;
  }
  pipe_ = 0;
  in_network_ = 0;
  sacked_ = 0;
  sacked_segments_ = 0;
  newly_sacked_ = false;
  lowest_lost_ = first_;
  counted_below_ = first_;
  // What was sacked may yet be acknowledged: that is no reordering.
  rack_fack_ = at(first_).seq;
}

}  // namespace tcpdx::tcp
