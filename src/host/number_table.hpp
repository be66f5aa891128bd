// Small tables of numbers, inodes and cookies, that are asked for each of hundreds of thousands of
// sockets and descriptors.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "model/socket.hpp"

namespace tcpdx::host {

// An open-addressing hash table from numbers, which are not 0, to values. Two slots for three at
// most, so that a search ends after a step or two.
template <class Number, class Value>
class NumberTable {
 public:
  explicit NumberTable(size_t most) : slots_(most + most / 2 + 8) {}

  // The value of a number, which is added where it is not there. At most `most` different ones.
  Value& operator[](Number number) {
    Slot& slot = slots_[place(number)];
    slot.number = number;
    return slot.value;
  }
  // Whether it was not there before.
  bool insert(Number number) {
    Slot& slot = slots_[place(number)];
    if (slot.number == number) return false;
    slot.number = number;
    return true;
  }
  const Value* find(Number number) const {
    const Slot& slot = slots_[place(number)];
    return number != 0 && slot.number == number ? &slot.value : nullptr;
  }

 private:
  struct Slot {
    Number number = 0;
    [[no_unique_address]] Value value{};
  };

  // Its slot, or the free one where it would stand.
  size_t place(Number number) const {
    // Fibonacci hashing; the upper half of the product maps onto any number of slots.
    const uint64_t hash = (uint64_t{number} * 0x9E3779B97F4A7C15U) >> 32;
    size_t slot = static_cast<size_t>(hash * slots_.size() >> 32);
    while (slots_[slot].number != 0 && slots_[slot].number != number) {
      slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    }
    return slot;
  }

  std::vector<Slot> slots_;
};

struct NoValue {};
template <class Number>
using NumberSet = NumberTable<Number, NoValue>;
using InodeSet = NumberSet<uint32_t>;

// How many of the sockets have an inode.
inline size_t inodes_in(std::span<const Socket> sockets) {
  const auto open = std::ranges::count_if(sockets, [](const Socket& s) { return s.inode != 0; });
  return static_cast<size_t>(open);
}

}  // namespace tcpdx::host
