// The ring of segments that were sent, and what acknowledgments and SACK blocks do to it.
#include "tcp/scoreboard.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace tcpdx::tcp {

namespace {

constexpr size_t kFirstCapacity = 8;
// RFC 8985 6.2, step 4: recoveries that a widened window for reordering lasts.
constexpr uint8_t kPersistence = 16;

// RFC 2883 4: the first block lies below the acknowledgment number, or within the second block.
bool reports_duplicate(std::span<const wire::SackBlock> blocks, Seq ack) {
  if (blocks.empty() || blocks[0].left >= blocks[0].right) return false;
  if (blocks[0].right <= ack) return true;
  return blocks.size() > 1 && blocks[1].left <= blocks[0].left &&
         blocks[0].right <= blocks[1].right;
}

}  // namespace

struct Scoreboard::Delivery {
  // The latest sent, by time and then by end.
  struct Latest {
    bool any = false;
    Duration sent_at{};
    Seq end;

    void take(const Latest& other) {
      if (!any || sent_after(other.sent_at, other.end, sent_at, end)) *this = other;
    }
    void take(const SentSegment& segment) { take({true, segment.sent_at, segment.end()}); }
  };
  Latest proven;  // what was certainly delivered by its last sending (RFC 8985 6.2, step 2)
  Latest acked;   // sent once, covered by the cumulative acknowledgment
  Latest sacked;  // sent once, covered by a block
  bool acked_twice_sent = false;
};

void Scoreboard::clear() {
  std::vector<SentSegment> memory = std::move(ring_);
  *this = Scoreboard(limit_);
  ring_ = std::move(memory);
}

void Scoreboard::grow() {
  std::vector<SentSegment> ring(std::max(kFirstCapacity, 2 * ring_.size()));
  for (uint32_t p = first_; p != last(); ++p) ring[p & (ring.size() - 1)] = at(p);
  ring_ = std::move(ring);
}

// The first segment that ends beyond seq, which must lie within what is outstanding.
uint32_t Scoreboard::position_of(Seq seq) const {
  uint32_t low = first_;
  for (uint32_t left = count_; left > 0;) {
    const uint32_t half = left / 2;
    if (at(low + half).end() <= seq) {
      low += half + 1;
      left -= half + 1;
    } else {
      left = half;
    }
  }
  return low;
}

// Runs of sacked segments are jumped over; the jumps are lengthened on the way, so that blocks
// which repeat what is known cost little.
uint32_t Scoreboard::next_unsacked(uint32_t position) {
  uint32_t to = position;
  while (to != last() && at(to).sacked) to += at(to).run;
  while (position != to) position += std::exchange(at(position).run, to - position);
  return to;
}

void Scoreboard::link_after(uint32_t before, uint32_t position) {
  SentSegment& segment = at(position);
  segment.sent_before = before;
  segment.sent_after = at(before).sent_after;
  if (before == newest_) {
    newest_ = position;
  } else {
    at(segment.sent_after).sent_before = position;
  }
  at(before).sent_after = position;
}

// The times never go back, so the place is at the end, or a few before it among those that were
// sent at the same time.
void Scoreboard::link(uint32_t position) {
  SentSegment& segment = at(position);
  uint32_t before = newest_;
  uint32_t left = in_network_;
  for (; left > 0; --left, before = at(before).sent_before) {
    if (sent_after(segment.sent_at, segment.end(), at(before).sent_at, at(before).end())) break;
  }
  if (left > 0) {
    link_after(before, position);
  } else {
    if (in_network_ == 0)
      newest_ = position;
    else
      at(oldest_).sent_before = position;
    segment.sent_after = oldest_;
    oldest_ = position;
  }
  ++in_network_;
  pipe_ += segment.length;
}

void Scoreboard::unlink(uint32_t position) {
  const SentSegment& segment = at(position);
  if (position == oldest_) {
    oldest_ = segment.sent_after;
  } else {
    at(segment.sent_before).sent_after = segment.sent_after;
  }
  if (position == newest_) {
    newest_ = segment.sent_before;
  } else {
    at(segment.sent_after).sent_before = segment.sent_before;
  }
  --in_network_;
  pipe_ -= segment.length;
}

void Scoreboard::mark_lost(uint32_t position) {
  unlink(position);
  if (lost_ == 0 || below(position, lowest_lost_)) lowest_lost_ = position;
  at(position).lost = true;
  lost_ += at(position).length;
}

void Scoreboard::unmark_lost(uint32_t position) {
  at(position).lost = false;
  lost_ -= at(position).length;
  if (lost_ == 0 || position != lowest_lost_) return;
  do {
    lowest_lost_ = next_unsacked(lowest_lost_ + 1);
  } while (!at(lowest_lost_).lost);
}

void Scoreboard::sent(Seq seq, uint32_t length, Duration now) {
  if (count_ == ring_.size()) grow();
  if (count_ == 0) rack_fack_ = seq;
  const uint32_t position = last();
  at(position) = {.seq = seq, .length = length, .sent_at = now};
  ++count_;
  link(position);
}

void Scoreboard::sent_again(Seq seq, Duration now) {
  const uint32_t position =
      lost_ != 0 && at(lowest_lost_).seq == seq ? lowest_lost_ : position_of(seq);
  SentSegment& segment = at(position);
  segment.retransmitted = true;
  if (segment.sacked) return;  // a tail probe; its delivery tells nothing new
  if (segment.lost) {
    unmark_lost(position);
  } else {
    unlink(position);
  }
  segment.sent_at = now;
  link(position);
}

// What stands behind the segment moves up by one place, and all that names a place with it.
const SentSegment& Scoreboard::split(Seq seq, uint32_t length) {
  if (count_ == ring_.size()) grow();
  const uint32_t position = position_of(seq);
  const auto moved = [&](uint32_t p) { return p + (below(position, p) ? 1 : 0); };
  for (uint32_t p = last(); p != position; --p) at(p) = at(p - 1);
  ++count_;
  for (uint32_t p = first_; p != last(); ++p) {
    SentSegment& segment = at(p);
    segment.sent_before = moved(segment.sent_before);
    segment.sent_after = moved(segment.sent_after);
    segment.run = 1;
  }
  for (uint32_t* p : {&oldest_, &newest_, &lowest_lost_, &counted_below_}) *p = moved(*p);
  SentSegment& one = at(position);
  SentSegment& rest = at(position + 1);
  one.length = length;
  rest.seq += length;
  rest.length -= length;
  if (one.sacked) ++sacked_segments_;
  if (!below(highest_sacked_, position)) ++highest_sacked_;
  if (in_network(position)) {
    link_after(position, position + 1);
    ++in_network_;
  }
  return one;
}

// Of a segment that no block covered before.
void Scoreboard::deliver(uint32_t position, Duration now, bool by_sack, Delivery& delivery) {
  if (at(position).lost) {
    unmark_lost(position);
  } else {
    unlink(position);
  }
  const SentSegment& segment = at(position);
  // RFC 8985 6.2, step 3.
  if (segment.end() > rack_fack_) {
    rack_fack_ = segment.end();
  } else if (segment.end() < rack_fack_ && !segment.retransmitted) {
    reordering_seen_ = true;
  }
  if (!segment.retransmitted) (by_sack ? delivery.sacked : delivery.acked).take(segment);
  // Step 2: an answer faster than any before it is of an earlier sending.
  if (!segment.retransmitted || now - segment.sent_at >= min_rtt_) delivery.proven.take(segment);
}

void Scoreboard::trim_first(uint32_t octets) {
  SentSegment& segment = at(first_);
  segment.seq += octets;
  segment.length -= octets;
  (segment.sacked ? sacked_ : segment.lost ? lost_ : pipe_) -= octets;
}

uint32_t Scoreboard::take_ack(Seq ack, Duration now, Delivery& delivery) {
  uint32_t acked = 0;
  for (; count_ != 0 && at(first_).end() <= ack; ++first_, --count_) {
    const SentSegment& segment = at(first_);
    acked += segment.length;
    delivery.acked_twice_sent |= segment.retransmitted;
    if (segment.sacked) {
      sacked_ -= segment.length;
      --sacked_segments_;
    } else {
      deliver(first_, now, false, delivery);
    }
    if (counted_below_ == first_) ++counted_below_;
  }
  if (count_ != 0 && at(first_).seq < ack) {
    const uint32_t part = octets(at(first_).seq, ack);
    trim_first(part);
    acked += part;
  }
  return acked;
}

// Segments count as sacked that lie wholly within a block (RFC 2018 5).
uint32_t Scoreboard::take_block(const wire::SackBlock& block, Duration now, Delivery& delivery) {
  uint32_t sacked = 0;
  uint32_t p = position_of(block.left);
  if (at(p).seq < block.left) ++p;
  for (p = next_unsacked(p); p != last() && at(p).end() <= block.right; p = next_unsacked(p + 1)) {
    deliver(p, now, true, delivery);
    SentSegment& segment = at(p);
    segment.sacked = true;
    segment.run = 1;
    sacked += segment.length;
    if (sacked_segments_ == 0 || below(highest_sacked_, p)) highest_sacked_ = p;
    ++sacked_segments_;
  }
  sacked_ += sacked;
  newly_sacked_ |= sacked != 0;
  return sacked;
}

// A block beyond what was sent says nothing, nor one that reaches down to what the cumulative
// acknowledgment asks for. In ascending order, so that none seems to arrive out of order which
// only stands behind another in the same header.
uint32_t Scoreboard::take_blocks(std::span<const wire::SackBlock> blocks, Duration now,
                                 Delivery& delivery) {
  if (count_ == 0) return 0;
  std::array<wire::SackBlock, wire::kMaxSackBlocks> valid;
  size_t count = 0;
  for (const auto& block : blocks.first(std::min(blocks.size(), valid.size()))) {
    if (block.left <= at(first_).seq || block.right > at(last() - 1).end()) continue;
    if (block.left < block.right) valid[count++] = block;
  }
  const auto ascending = std::span(valid).first(count);
  std::ranges::sort(ascending, {}, [&](const auto& b) { return octets(at(first_).seq, b.left); });
  uint32_t sacked = 0;
  for (const auto& block : ascending) sacked += take_block(block, now, delivery);
  return sacked;
}

// RFC 8985 6.2, step 2: of the segments that one acknowledgment delivers, the one sent last has
// the last word.
void Scoreboard::update_rack(const Delivery& delivery, Duration now) {
  const auto& proven = delivery.proven;
  if (!proven.any) return;
  rack_rtt_ = std::max(now - proven.sent_at, Duration{1});
  if (!sent_after(proven.sent_at, proven.end, rack_sent_, rack_end_)) return;
  rack_sent_ = proven.sent_at;
  rack_end_ = proven.end;
}

// RFC 8985 6.2, step 4: the window for reordering grows once in a round trip that reports
// duplicates.
void Scoreboard::take_dsack(bool dsack, Seq una, Seq snd_nxt) {
  if (dsack_round_ && una >= *dsack_round_) dsack_round_.reset();
  if (!dsack || dsack_round_) return;
  dsack_round_ = snd_nxt;
  if (reorder_window_factor_ < UINT8_MAX) ++reorder_window_factor_;
  reorder_window_persists_ = kPersistence;
}

AckedSegments Scoreboard::acknowledge(Seq snd_una, Seq ack, std::span<const wire::SackBlock> blocks,
                                      Duration now) {
  const Seq snd_nxt = empty() ? later(snd_una, ack) : at(last() - 1).end();
  AckedSegments result;
  Delivery delivery;
  result.acked = take_ack(ack, now, delivery);
  result.sacked = take_blocks(blocks, now, delivery);
  result.dsack = reports_duplicate(blocks, ack);
  update_rack(delivery, now);
  take_dsack(result.dsack, later(snd_una, ack), snd_nxt);
  auto once = delivery.sacked;
  if (delivery.acked.any && !delivery.acked_twice_sent) once.take(delivery.acked);
  if (once.any) {
    result.rtt = now - once.sent_at;
    const Duration rtt = std::max(*result.rtt, Duration{1});
    min_rtt_ = min_rtt_ == Duration{} ? rtt : std::min(min_rtt_, rtt);
  }
  return result;
}

}  // namespace tcpdx::tcp
