// When the time of each connection that is over will have passed: what comes behind it is new.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <tuple>
#include <vector>

namespace tcpdx::track {

struct Expiry {
  int64_t at_ns = 0;
  uint32_t id = 0;     // of the connection
  uint32_t index = 0;  // of its record

  bool operator>(const Expiry& other) const {
    return std::tie(at_ns, id) > std::tie(other.at_ns, other.id);
  }
};

// Nearly all come in the order of their times and wait in a line; the others in a heap.
class Expiries {
 public:
  void add(const Expiry& one) {
    if (line_.empty() || one.at_ns >= line_.back().at_ns) {
      line_.push_back(one);
    } else {
      heap_.push_back(one);
      std::ranges::push_heap(heap_, std::greater{});
    }
  }
  // Takes out one whose time has come.
  bool take(int64_t now_ns, Expiry& one) {
    if (!heap_.empty() && heap_.front().at_ns <= now_ns) {
      std::ranges::pop_heap(heap_, std::greater{});
      one = heap_.back();
      heap_.pop_back();
      return true;
    }
    if (line_.empty() || line_.front().at_ns > now_ns) return false;
    one = line_.front();
    line_.pop_front();
    return true;
  }
  // The one that is `ahead` behind the first in line; null where the line is shorter.
  const Expiry* upcoming(size_t ahead) const {
    return ahead < line_.size() ? &line_[ahead] : nullptr;
  }

 private:
  std::deque<Expiry> line_;
  std::vector<Expiry> heap_;
};

}  // namespace tcpdx::track
