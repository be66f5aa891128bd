// Works a filter's postfix steps out, whatever its tests are asked of.
#pragma once

#include <cstdint>

#include "model/filter.hpp"

namespace tcpdx {

// A stack of truths in one word. Each open parenthesis holds at most one truth on it, and a value
// pushes at most three more (`tcp src and dst port 80`).
class Truths {
 public:
  void push(bool truth) { bits_ = (bits_ << 1) | (truth ? 1U : 0U); }
  bool pop() {
    const bool top = (bits_ & 1) != 0;
    bits_ >>= 1;
    return top;
  }

 private:
  static_assert(kFilterDepth + 4 <= 64);
  uint64_t bits_ = 0;
};

// `passes` answers one FilterTest.
template <class Passes>
bool holds(const Filter& filter, Passes passes) {
  if (filter.steps.empty()) return true;
  Truths truths;
  for (const Filter::Step& step : filter.steps) {
    if (step.op == Filter::Op::test) {
      truths.push(passes(filter.tests[step.test]));
      continue;
    }
    const bool right = truths.pop();
    if (step.op == Filter::Op::not_) truths.push(!right);
    if (step.op == Filter::Op::and_) truths.push(truths.pop() && right);
    if (step.op == Filter::Op::or_) truths.push(truths.pop() || right);
  }
  return truths.pop();
}

// IPv4-mapped addresses count as IPv4 ones.
inline bool is_host(const IpAddress& address, const FilterTest& test) {
  return address.unmapped() == test.address;
}

inline bool in_net(const IpAddress& address, const FilterTest& test) {
  const IpAddress plain = address.unmapped();
  return plain.family == test.address.family && plain.prefix(test.prefix_bits) == test.address;
}

inline bool has_port(uint16_t port, const FilterTest& test) {
  return test.low <= port && port <= test.high;
}

}  // namespace tcpdx
