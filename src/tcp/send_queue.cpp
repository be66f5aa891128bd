// The ring of octets that wait to be sent or acknowledged.
#include "tcp/send_queue.hpp"

#include <algorithm>
#include <cassert>

#include "tcp/ring.hpp"

namespace tcpdx::tcp {

void SendQueue::start(Seq first) {
  begin_ = first;
  head_ = 0;
  size_ = 0;
}

size_t SendQueue::append(std::span<const std::byte> octets, size_t limit) {
  const size_t room = limit > size_ ? limit - size_ : 0;
  const size_t taken = std::min(octets.size(), room);
  if (taken == 0) return 0;
  head_ = ring_reserve(ring_, head_, size_, size_ + taken);
  ring_put(ring_, head_ + size_, octets.first(taken));
  size_ += taken;
  return taken;
}

void SendQueue::acknowledge(Seq una) {
  if (una <= begin_) return;
  // One beyond the last octet is the acknowledgment of a FIN, which is not kept here.
  const size_t gone = std::min<size_t>(octets(begin_, una), size_);
  begin_ += static_cast<uint32_t>(gone);
  size_ -= gone;
  head_ = size_ == 0 ? 0 : ring_index(ring_, head_ + gone);
}

std::span<const std::byte> SendQueue::at(Seq seq, size_t length,
                                         std::span<std::byte> scratch) const {
  if (length == 0) return {};
  const size_t offset = octets(begin_, seq);
  assert(offset + length <= size_);
  const size_t index = ring_index(ring_, head_ + offset);
  if (index + length <= ring_.size()) return std::span(ring_).subspan(index, length);
  assert(length <= scratch.size());
  ring_get(ring_, index, scratch.first(length));
  return scratch.first(length);
}

}  // namespace tcpdx::tcp
