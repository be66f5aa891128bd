// Octets that arrived: those in order wait for the user, those beyond a gap wait for what is
// missing (RFC 9293 SHLD-31). One ring holds both; its SACK blocks tell the sender (RFC 2018).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/seq.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::tcp {

// More gaps than this at once: the segment that would open another is not kept.
inline constexpr size_t kMaxGaps = 64;

class ReceiveQueue {
 public:
  // Sequence number of the first octet, that after the SYN.
  void start(Seq first);

  // Stores of `text`, which begins at `seq`, what lies within [rcv_nxt(), rcv_nxt() + room(limit)).
  // Returns how far rcv_nxt() moved: 0 for text beyond a gap. Parts that are already there are
  // kept as they came first, and the first of them is reported as by duplicate().
  uint32_t store(Seq seq, std::span<const std::byte> text, size_t limit);

  Seq rcv_nxt() const { return begin_ + static_cast<uint32_t>(in_order_); }
  size_t in_order() const { return in_order_; }     // octets that the user may read
  bool has_gaps() const { return !gaps_.empty(); }  // octets wait beyond rcv_nxt()
  // The number behind the highest octet beyond a gap.
  std::optional<Seq> right_edge() const {
    return gaps_.empty() ? std::nullopt : std::optional(gaps_.back().right);
  }
  bool empty() const { return in_order_ == 0 && gaps_.empty(); }
  // Octets from rcv_nxt() on that could be stored if the queue may hold `limit`.
  size_t room(size_t limit) const { return limit > in_order_ ? limit - in_order_ : 0; }

  // Copies to `out` and drops what was copied.
  size_t read(std::span<std::byte> out);

  // A segment brought these again: reported once as the first block (RFC 2883 4).
  void duplicate(Seq left, Seq right);
  // The blocks for the next ACK, the one that changed last first (RFC 2018 4), at most `most`.
  // A duplicate to report is taken out by this call.
  uint8_t sack_blocks(std::array<wire::SackBlock, wire::kMaxSackBlocks>& out, size_t most);
  bool has_sack_blocks() const { return !gaps_.empty() || duplicate_.has_value(); }

  size_t capacity() const { return ring_.size(); }

 private:
  struct Range {
    Seq left;
    Seq right;
    uint32_t changed = 0;  // higher: later; no two are equal
  };
  uint32_t store_beside_gaps(Seq seq, std::span<const std::byte> text);
  void fill_holes(Seq seq, std::span<const std::byte> text, std::span<const Range> there);
  void put(Seq seq, std::span<const std::byte> text);

  std::vector<std::byte> ring_;  // size a power of two
  size_t head_ = 0;              // index of begin_
  size_t in_order_ = 0;
  Seq begin_;
  // Stretches beyond rcv_nxt(), in order, not touching; at most kMaxGaps. No memory until the
  // first.
  std::vector<Range> gaps_;
  uint32_t changes_ = 0;
  std::optional<wire::SackBlock> duplicate_;
};

}  // namespace tcpdx::tcp
