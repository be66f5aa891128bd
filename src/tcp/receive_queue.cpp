// Reassembly: text goes straight to its place in the ring; stretches beyond a gap are remembered by
// their edges and merged as they meet.
#include "tcp/receive_queue.hpp"

#include <algorithm>

#include "tcp/ring.hpp"

namespace tcpdx::tcp {

void ReceiveQueue::start(Seq first) {
  begin_ = first;
  head_ = 0;
  in_order_ = 0;
  gaps_.clear();
  changes_ = 0;
  duplicate_.reset();
}

uint32_t ReceiveQueue::store(Seq seq, std::span<const std::byte> text, size_t limit) {
  const Seq next = rcv_nxt();
  if (seq < next) {
    const size_t old = std::min<size_t>(octets(seq, next), text.size());
    if (old != 0) duplicate(seq, seq + static_cast<uint32_t>(old));
    text = text.subspan(old);
    seq += static_cast<uint32_t>(old);
  }
  const size_t ahead = octets(next, seq);
  if (ahead >= room(limit)) return 0;
  text = text.first(std::min(text.size(), room(limit) - ahead));
  if (text.empty()) return 0;

  if (seq == next && gaps_.empty()) {  // by far the most
    put(seq, text);
    in_order_ += text.size();
    return static_cast<uint32_t>(text.size());
  }
  return store_beside_gaps(seq, text);
}

// `seq` is not before rcv_nxt(), and text beyond a gap is there or will be.
uint32_t ReceiveQueue::store_beside_gaps(Seq seq, std::span<const std::byte> text) {
  const Seq end = seq + static_cast<uint32_t>(text.size());
  // Those from `first` up to `last` overlap the text or touch it.
  const auto first =
      std::ranges::partition_point(gaps_, [&](const Range& range) { return range.right < seq; });
  const auto last = std::partition_point(first, gaps_.end(),
                                         [&](const Range& range) { return range.left <= end; });
  const bool in_order = seq == rcv_nxt();
  if (first == last && !in_order && gaps_.size() == kMaxGaps) return 0;

  fill_holes(seq, text, std::span(first, last));
  Range merged{seq, end, ++changes_};
  if (first != last) {
    merged.left = earlier(seq, first->left);
    merged.right = later(end, std::prev(last)->right);
  }
  if (in_order) {
    gaps_.erase(first, last);
    if (gaps_.empty()) changes_ = 0;
    const uint32_t moved = octets(seq, merged.right);
    in_order_ += moved;
    return moved;
  }
  if (first == last) {
    gaps_.insert(first, merged);
  } else {
    *first = merged;
    gaps_.erase(std::next(first), last);
  }
  return 0;
}

// Puts those parts of the text in place that none of `there` has, and reports the first that one
// of them has already (RFC 2883 4.2: one duplicate for a segment).
void ReceiveQueue::fill_holes(Seq seq, std::span<const std::byte> text,
                              std::span<const Range> there) {
  const Seq end = seq + static_cast<uint32_t>(text.size());
  std::optional<wire::SackBlock> repeated;
  Seq from = seq;
  for (const Range& range : there) {
    if (from < range.left) {
      put(from, text.subspan(octets(seq, from), octets(from, earlier(range.left, end))));
    }
    const wire::SackBlock both{later(seq, range.left), earlier(end, range.right)};
    if (!repeated && both.left < both.right) repeated = both;
    from = later(from, range.right);
  }
  if (from < end) put(from, text.subspan(octets(seq, from)));
  const bool reported_below = duplicate_ && duplicate_->right == seq;
  if (repeated && !reported_below) duplicate_ = repeated;
}

void ReceiveQueue::put(Seq seq, std::span<const std::byte> text) {
  const size_t offset = octets(begin_, seq);
  const size_t used = gaps_.empty() ? in_order_ : octets(begin_, gaps_.back().right);
  head_ = ring_reserve(ring_, head_, used, offset + text.size());
  ring_put(ring_, head_ + offset, text);
}

size_t ReceiveQueue::read(std::span<std::byte> out) {
  const size_t count = std::min(out.size(), in_order_);
  if (count == 0) return 0;
  ring_get(ring_, head_, out.first(count));
  begin_ += static_cast<uint32_t>(count);
  in_order_ -= count;
  head_ = empty() ? 0 : ring_index(ring_, head_ + count);
  return count;
}

void ReceiveQueue::duplicate(Seq left, Seq right) { duplicate_ = {left, right}; }

uint8_t ReceiveQueue::sack_blocks(std::array<wire::SackBlock, wire::kMaxSackBlocks>& out,
                                  size_t most) {
  most = std::min(most, out.size());
  uint8_t count = 0;
  if (duplicate_ && most != 0) {
    out[count++] = *duplicate_;
    duplicate_.reset();
  }
  uint32_t before = UINT32_MAX;  // the change that the block written last stands for
  while (count < most) {
    const Range* latest = nullptr;
    for (const Range& range : gaps_) {
      if (range.changed < before && (latest == nullptr || range.changed > latest->changed)) {
        latest = &range;
      }
    }
    if (latest == nullptr) break;
    out[count++] = {latest->left, latest->right};
    before = latest->changed;
  }
  return count;
}

}  // namespace tcpdx::tcp
