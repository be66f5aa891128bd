// Objects of one kind in blocks, known by small numbers instead of pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <vector>

#include "base/pages.hpp"

namespace tcpdx::track {

// Numbers count from 1; 0 is none. Objects never move. A number is used again after free(), the one
// freed last first; until then T::next_free(), a member of T that is no other use, holds the one
// freed before it.
template <class T>
class Pool {
 public:
  uint32_t take() {
    ++used_;
    uint32_t index = free_;
    if (index != 0) {
      free_ = (*this)[index].next_free();
    } else {
      if ((made_ & kMask) == 0) blocks_.push_back(make_pages(kBlock * sizeof(T)));
      index = ++made_;
    }
    std::construct_at(&(*this)[index]);
    return index;
  }
  void free(uint32_t index) {
    --used_;
    (*this)[index].next_free() = free_;
    free_ = index;
  }
  T& operator[](uint32_t index) { return *at(index); }
  const T& operator[](uint32_t index) const { return *at(index); }
  uint32_t used() const { return used_; }
  // The largest number ever given; those in between may be free.
  uint32_t made() const { return made_; }
  size_t memory() const { return size_t{used_} * sizeof(T); }

 private:
  static constexpr unsigned kBits = 15;
  static constexpr uint32_t kBlock = 1U << kBits;
  static constexpr uint32_t kMask = kBlock - 1;
  static_assert(std::is_trivially_destructible_v<T>);

  T* at(uint32_t index) const {
    return reinterpret_cast<T*>(blocks_[(index - 1) >> kBits].get()) + ((index - 1) & kMask);
  }

  std::vector<Pages> blocks_;
  uint32_t free_ = 0;
  uint32_t made_ = 0;
  uint32_t used_ = 0;
};

}  // namespace tcpdx::track
