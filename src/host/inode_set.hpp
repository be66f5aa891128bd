// The inodes of a look's sockets: asked once for every descriptor of the machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace tcpdx::host {

// An open-addressing hash table of numbers that are not 0. Two slots for three at most, so that a
// search ends after a step or two; 6 bytes per number.
class InodeSet {
 public:
  explicit InodeSet(size_t count) : slots_(count + count / 2 + 8) {}

  // At most `count` different ones.
  void insert(uint32_t inode) { slots_[find(inode)] = inode; }
  bool contains(uint32_t inode) const { return inode != 0 && slots_[find(inode)] == inode; }

 private:
  // Its slot, or the free one where it would stand.
  size_t find(uint32_t inode) const {
    // Fibonacci hashing; the upper half of the product maps onto any number of slots.
    const uint32_t hash = inode * 2654435769U;
    size_t slot = static_cast<size_t>(uint64_t{hash} * slots_.size() >> 32);
    while (slots_[slot] != 0 && slots_[slot] != inode) {
      slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    }
    return slot;
  }

  std::vector<uint32_t> slots_;
};

}  // namespace tcpdx::host
