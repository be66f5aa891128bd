// The retransmission timeout, computed from measured round-trip times (RFC 6298).
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace tcpdx::tcp {

struct RtoLimits {
  Duration initial;  // before the first sample: RFC 6298 2.1
  Duration min;
  Duration max;
};

class RttEstimator {
 public:
  // Takes one sample; Karn's rule (RFC 6298 3) is the caller's: no sample of what was sent twice
  // unless a timestamp tells which sending it answers.
  void sample(Duration rtt);

  bool measured() const { return srtt_us_ != 0; }
  Duration srtt() const { return Duration{srtt_us_}; }
  Duration rttvar() const { return Duration{rttvar_us_}; }
  Duration min_rtt() const { return Duration{min_rtt_us_}; }
  // RTO = SRTT + max(G, 4 * RTTVAR), within the limits and doubled once for each back-off.
  Duration rto(const RtoLimits& limits, unsigned back_offs = 0) const;

 private:
  uint32_t srtt_us_ = 0;  // 0: no sample yet; a measured one is at least 1
  uint32_t rttvar_us_ = 0;
  uint32_t min_rtt_us_ = 0;
};

}  // namespace tcpdx::tcp
