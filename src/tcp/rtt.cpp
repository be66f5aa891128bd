// RFC 6298 2 in whole microseconds, rounded to the nearest.
#include "tcp/rtt.hpp"

#include <algorithm>
#include <cstdlib>

namespace tcpdx::tcp {

namespace {

// G of RFC 6298 2.3: the granularity that timers are kept with.
constexpr Duration kGranularity = 1ms;
// Beyond any timeout; keeps all sums within 32 bits.
constexpr Duration kLongest = 10min;

}  // namespace

void RttEstimator::sample(Duration rtt) {
  const int64_t r = std::clamp(rtt, Duration{1}, kLongest).count();
  if (!measured()) {
    srtt_us_ = static_cast<uint32_t>(r);
    rttvar_us_ = static_cast<uint32_t>((r + 1) / 2);
    min_rtt_us_ = srtt_us_;
    return;
  }
  // RTTVAR first: it wants the SRTT of before (RFC 6298 2.3).
  const int64_t error = std::abs(int64_t{srtt_us_} - r);
  rttvar_us_ = static_cast<uint32_t>((3 * int64_t{rttvar_us_} + error + 2) / 4);
  srtt_us_ = static_cast<uint32_t>((7 * int64_t{srtt_us_} + r + 4) / 8);
  min_rtt_us_ = std::min(min_rtt_us_, static_cast<uint32_t>(r));
}

Duration RttEstimator::rto(const RtoLimits& limits, unsigned back_offs) const {
  const Duration computed = srtt() + std::max(kGranularity, 4 * rttvar());
  Duration rto = std::clamp(measured() ? computed : limits.initial, limits.min, limits.max);
  for (; back_offs > 0 && rto < limits.max; --back_offs) rto *= 2;
  return std::min(rto, limits.max);
}

}  // namespace tcpdx::tcp
