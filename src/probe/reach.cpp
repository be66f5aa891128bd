#include "probe/reach.hpp"

#include <algorithm>
#include <array>

namespace tcpdx::probe {
namespace {

// From that time on so many distances may be asked, and more for each router that has answered by
// then: those that answer within 30 ms are about a sixth of a way of 25 hops and 100 ms.
struct Stage {
  Duration at{};
  unsigned distances = 0;
  unsigned per_router = 0;
};
constexpr std::array<Stage, 4> kStages{{
    {.at = 0ms, .distances = 1},                    // the target may be the next host
    {.at = 3ms, .distances = 4},                    // it is not on this link
    {.at = 30ms, .distances = 4, .per_router = 6},  // it is far away, or answers no echoes
    {.at = 250ms, .distances = 255},                // no echo is waited for any more
}};
constexpr Duration kLastStage = kStages.back().at;
constexpr int kRoundTrips = 3;   // of the echo's; a SYN may have left when it came back
constexpr unsigned kMargin = 5;  // so much shorter the echo's way back may be

}  // namespace

void Reach::allow(unsigned distances) {
  allowed_ = std::min(std::max(allowed_, distances), distance_.value_or(farthest_));
}

void Reach::tell_distance(unsigned hops, Duration now) {
  if (hops <= last_router_) return;
  distance_ = std::min(hops, farthest_);
  overdue_ = std::max(kLastStage, kRoundTrips * now);
  allow(*distance_);
}

void Reach::tell_router(unsigned ttl) {
  last_router_ = std::max(last_router_, ttl);
  if (distance_ && ttl >= *distance_) distance_.reset();
  allow(last_router_ + 1);
}

void Reach::turn(Duration now) {
  for (; stage_ < kStages.size() && now >= kStages[stage_].at; ++stage_) {
    allow(kStages[stage_].distances + kStages[stage_].per_router * last_router_);
  }
  if (!distance_ || now < overdue_) return;
  farthest_ = std::min(farthest_, *distance_ + kMargin);
  distance_.reset();
  allow(farthest_);
}

std::optional<Duration> Reach::next() const {
  if (allowed_ >= farthest_) return std::nullopt;
  if (distance_ && allowed_ >= *distance_) return overdue_;
  if (stage_ == kStages.size()) return std::nullopt;
  return kStages[stage_].at;
}

}  // namespace tcpdx::probe
