// What the queues of both directions share: copying into and out of a ring whose size is a power of
// two, and making it larger.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

namespace tcpdx::tcp {

// The first memory that a queue takes: a request or a short answer fits, and ten thousand
// connections that talk little stay cheap.
inline constexpr size_t kSmallestRing = 2048;

// `position` may lie beyond the ring's end: it is taken around the circle.
inline size_t ring_index(std::span<const std::byte> ring, size_t position) {
  return position & (ring.size() - 1);
}

// std::ranges::copy of std::byte is a loop over single octets in g++ 12. An empty span's data() may
// be null, which memcpy() must not get.
inline void copy_octets(std::span<const std::byte> from, std::byte* to) {
  if (!from.empty()) std::memcpy(to, from.data(), from.size());
}

inline void ring_put(std::span<std::byte> ring, size_t position,
                     std::span<const std::byte> octets) {
  const size_t index = ring_index(ring, position);
  const size_t before_end = std::min(octets.size(), ring.size() - index);
  copy_octets(octets.first(before_end), ring.data() + index);
  copy_octets(octets.subspan(before_end), ring.data());
}

inline void ring_get(std::span<const std::byte> ring, size_t position, std::span<std::byte> out) {
  const size_t index = ring_index(ring, position);
  const size_t before_end = std::min(out.size(), ring.size() - index);
  copy_octets(ring.subspan(index, before_end), out.data());
  copy_octets(ring.first(out.size() - before_end), out.data() + before_end);
}

// Makes room for `needed` octets. The `used` ones from `head` on move to the front; the new head.
inline size_t ring_reserve(std::vector<std::byte>& ring, size_t head, size_t used, size_t needed) {
  if (needed <= ring.size()) return head;
  std::vector<std::byte> larger(std::bit_ceil(std::max(needed, kSmallestRing)));
  if (used != 0) ring_get(ring, head, std::span(larger).first(used));
  ring = std::move(larger);
  return 0;
}

}  // namespace tcpdx::tcp
