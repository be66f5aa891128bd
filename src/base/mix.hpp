// One multiplication that mixes all bits of two numbers, for hashes.
#pragma once

#include <cstdint>

namespace tcpdx {

// Both halves of the product, folded.
inline uint64_t mixed(uint64_t a, uint64_t b) {
  __extension__ using Wide = unsigned __int128;
  const Wide product = Wide{a} * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64U);
}

}  // namespace tcpdx
