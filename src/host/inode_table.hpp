// The inodes of a look's sockets: asked for every descriptor of the machine.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/socket.hpp"

namespace tcpdx::host {

// An open-addressing hash table from inodes, which are not 0, to values. Two slots for three at
// most, so that a search ends after a step or two.
template <class Value>
class InodeTable {
 public:
  explicit InodeTable(size_t count) : slots_(count + count / 2 + 8) {}

  // The value of an inode, which is added where it is not there. At most `count` different ones.
  Value& operator[](uint32_t inode) {
    Slot& slot = slots_[place(inode)];
    slot.inode = inode;
    return slot.value;
  }
  const Value* find(uint32_t inode) const {
    const Slot& slot = slots_[place(inode)];
    return inode != 0 && slot.inode == inode ? &slot.value : nullptr;
  }

 private:
  struct Slot {
    uint32_t inode = 0;
    [[no_unique_address]] Value value{};
  };

  // Its slot, or the free one where it would stand.
  size_t place(uint32_t inode) const {
    // Fibonacci hashing; the upper half of the product maps onto any number of slots.
    const uint32_t hash = inode * 2654435769U;
    size_t slot = static_cast<size_t>(uint64_t{hash} * slots_.size() >> 32);
    while (slots_[slot].inode != 0 && slots_[slot].inode != inode) {
      slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    }
    return slot;
  }

  std::vector<Slot> slots_;
};

// How many of the sockets have one.
inline size_t inodes_in(std::span<const Socket> sockets) {
  const auto open = std::ranges::count_if(sockets, [](const Socket& s) { return s.inode != 0; });
  return static_cast<size_t>(open);
}

// Inodes alone: 6 bytes for each.
class InodeSet {
 public:
  explicit InodeSet(size_t count) : table_(count) {}
  explicit InodeSet(std::span<const Socket> sockets) : table_(inodes_in(sockets)) {
    for (const Socket& socket : sockets) {
      if (socket.inode != 0) insert(socket.inode);
    }
  }
  void insert(uint32_t inode) { table_[inode]; }
  bool contains(uint32_t inode) const { return table_.find(inode) != nullptr; }

 private:
  struct Nothing {};
  InodeTable<Nothing> table_;
};

}  // namespace tcpdx::host
