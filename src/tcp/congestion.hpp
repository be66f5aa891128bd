// Congestion control: how many octets may be in flight (RFC 5681, RFC 6582), with CUBIC (RFC 9438)
// as the other law of growth. All sizes are octets.
#pragma once

#include <cstdint>

#include "base/time.hpp"

namespace tcpdx::tcp {

enum class CongestionLaw : uint8_t { new_reno, cubic };

class Congestion {
 public:
  Congestion() = default;
  // The window of a new connection (RFC 6928 or RFC 5681 3.1: the caller chooses).
  Congestion(CongestionLaw law, uint32_t initial_window);

  uint32_t cwnd() const { return cwnd_; }
  uint32_t ssthresh() const { return ssthresh_; }
  bool slow_start() const { return cwnd_ < ssthresh_; }

  // New data was acknowledged outside of recovery. Growth only where the window was what limited
  // the sender (RFC 5681 3.1, RFC 9438 4.2; RFC 7661 tells why).
  void acknowledged(uint32_t octets, uint32_t mss, bool window_limited, Duration now,
                    Duration srtt);
  // Loss found without a timeout: entry into fast recovery (RFC 5681 3.2, RFC 6675 5, RFC
  // 9438 4.6).
  void enter_recovery(uint32_t flight, uint32_t mss, Duration now);
  // Without SACK a duplicate ACK stands for a segment that has left, and a partial ACK deflates
  // (RFC 6582 3.2).
  void inflate(uint32_t octets) { cwnd_ += octets; }
  void partial_ack(uint32_t acknowledged, uint32_t mss);
  // The recovery point is acknowledged: the window is ssthresh, or less where little is in flight.
  void leave_recovery(uint32_t flight, uint32_t mss);
  // RFC 5681 3.1, equation 4; `first` is false when the same segment times out again, which must
  // not lower ssthresh once more.
  void timed_out(uint32_t flight, uint32_t mss, bool first, Duration now);
  // After an idle time of a retransmission timeout (RFC 5681 4.1).
  void restart_after_idle(uint32_t restart_window);

 private:
  void grow_as_cubic(uint32_t octets, uint32_t mss, Duration now, Duration srtt);
  uint32_t reduced(uint32_t flight, uint32_t mss, Duration now);

  uint32_t cwnd_ = 0;
  uint32_t ssthresh_ = UINT32_MAX;
  uint32_t counted_ = 0;  // octets acknowledged since the last step of congestion avoidance
  CongestionLaw law_ = CongestionLaw::cubic;
  // CUBIC (RFC 9438 4.1): what its names stand for there.
  uint32_t w_max_ = 0;
  uint32_t w_est_ = 0;
  uint32_t k_ms_ = 0;
  uint32_t epoch_ms_ = 0;  // start of the congestion avoidance stage; 0: none yet
};

}  // namespace tcpdx::tcp
