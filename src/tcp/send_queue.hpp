// Octets that the user sent and the other end has not acknowledged: a ring that grows up to a
// limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/seq.hpp"

namespace tcpdx::tcp {

class SendQueue {
 public:
  // Sequence number of the first octet that append() will get.
  void start(Seq first);

  // Takes what fits below the limit and says how much that was.
  size_t append(std::span<const std::byte> octets, size_t limit);
  // Everything before `una` is acknowledged.
  void acknowledge(Seq una);

  bool empty() const { return size_ == 0; }
  size_t size() const { return size_; }
  Seq begin() const { return begin_; }
  Seq end() const { return begin_ + static_cast<uint32_t>(size_); }

  // `length` octets from `seq` on, all of which must be in the queue. Where the ring wraps they
  // are put together in `scratch`, which must hold `length`.
  std::span<const std::byte> at(Seq seq, size_t length, std::span<std::byte> scratch) const;

  size_t capacity() const { return ring_.size(); }

 private:
  std::vector<std::byte> ring_;  // size a power of two
  size_t head_ = 0;
  size_t size_ = 0;
  Seq begin_;
};

}  // namespace tcpdx::tcp
