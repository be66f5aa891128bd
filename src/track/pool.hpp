// Objects of one kind in blocks, known by small numbers instead of pointers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace tcpdx::track {

// Numbers count from 1; 0 is none. Objects never move. A number is used again after free().
template <class T>
class Pool {
 public:
  uint32_t take() {
    ++used_;
    if (!free_.empty()) {
      const uint32_t index = free_.back();
      free_.pop_back();
      (*this)[index] = T{};
      return index;
    }
    if ((made_ & kMask) == 0) blocks_.push_back(std::make_unique<T[]>(kBlock));
    return ++made_;
  }
  void free(uint32_t index) {
    --used_;
    free_.push_back(index);
  }
  T& operator[](uint32_t index) { return blocks_[(index - 1) >> kBits][(index - 1) & kMask]; }
  const T& operator[](uint32_t index) const {
    return blocks_[(index - 1) >> kBits][(index - 1) & kMask];
  }
  uint32_t used() const { return used_; }
  // The largest number ever given; those in between may be free.
  uint32_t made() const { return made_; }
  size_t memory() const { return size_t{used_} * sizeof(T); }

 private:
  static constexpr unsigned kBits = 10;
  static constexpr uint32_t kBlock = 1U << kBits;
  static constexpr uint32_t kMask = kBlock - 1;

  std::vector<std::unique_ptr<T[]>> blocks_;
  std::vector<uint32_t> free_;
  uint32_t made_ = 0;
  uint32_t used_ = 0;
};

}  // namespace tcpdx::track
