// TCP sequence numbers: 32 bits that wrap (RFC 9293 section 3.4). The only comparisons are those
// around the circle; two numbers half the circle or more apart have no order.
#pragma once

#include <cstdint>

namespace tcpdx {

struct Seq {
  uint32_t raw = 0;

  friend constexpr bool operator==(Seq, Seq) = default;
  friend constexpr Seq operator+(Seq a, uint32_t n) { return {a.raw + n}; }
  friend constexpr Seq operator-(Seq a, uint32_t n) { return {a.raw - n}; }
  constexpr Seq& operator+=(uint32_t n) {
    raw += n;
    return *this;
  }
  // How far a lies beyond b; negative when it lies before.
  friend constexpr int32_t operator-(Seq a, Seq b) { return static_cast<int32_t>(a.raw - b.raw); }
  friend constexpr bool operator<(Seq a, Seq b) { return a - b < 0; }
  friend constexpr bool operator<=(Seq a, Seq b) { return a - b <= 0; }
  friend constexpr bool operator>(Seq a, Seq b) { return a - b > 0; }
  friend constexpr bool operator>=(Seq a, Seq b) { return a - b >= 0; }
};

constexpr Seq later(Seq a, Seq b) { return a < b ? b : a; }
constexpr Seq earlier(Seq a, Seq b) { return a < b ? a : b; }
// Octets from `from` to `to`, which must not lie before it.
constexpr uint32_t octets(Seq from, Seq to) { return to.raw - from.raw; }

}  // namespace tcpdx
