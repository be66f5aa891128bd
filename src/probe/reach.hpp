// How far SYNs may go before it is known where the target is: each one that goes farther than the
// target opens a connection there, so no more go than the answer in time needs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "base/time.hpp"

namespace tcpdx::probe {

// Times are since the walk began. Three things let SYNs go on: an echo's answer, which tells the
// distance; a router that answers, because the target is behind it; and time that passes, because
// whoever waited for an echo from far away would need two round trips instead of one. An echo's way
// back may be shorter than the way there: a router that answers from there on disproves it, and
// where the SYNs' answers are overdue a few more go.
class Reach {
 public:
  explicit Reach(unsigned farthest) : farthest_(farthest) {}

  // What an echo's answer tells that came `now`; it was sent when the walk began.
  void tell_distance(unsigned hops, Duration now);
  void tell_router(unsigned ttl);
  // Lets more go where it is time.
  void turn(Duration now);

  bool allows(unsigned ttl) const { return ttl <= allowed_; }
  // When more may go though nothing arrives; nothing: not by time.
  std::optional<Duration> next() const;

 private:
  void allow(unsigned distances);

  unsigned farthest_;
  unsigned allowed_ = 0;
  unsigned last_router_ = 0;
  size_t stage_ = 0;  // the next one
  std::optional<unsigned> distance_;
  Duration overdue_{};  // when a SYN as far as `distance_` should have been answered
};

}  // namespace tcpdx::probe
