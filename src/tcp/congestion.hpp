// Congestion control: how many octets may be in flight (RFC 5681, RFC 6582), with CUBIC (RFC 9438)
// as the other law of growth. All sizes are octets.
#pragma once

#include <algorithm>
#include <cstdint>

#include "base/time.hpp"

namespace tcpdx::tcp {

enum class CongestionLaw : uint8_t { new_reno, cubic };

// No window that a header can announce is larger (RFC 7323 2.2).
inline constexpr uint32_t kLargestWindow = 1U << 30;

class Congestion {
 public:
  Congestion() = default;
  // The window of a new connection (RFC 6928 or RFC 5681 3.1: the caller chooses).
  Congestion(CongestionLaw law, uint32_t initial_window) : cwnd_(initial_window), law_(law) {}

  uint32_t cwnd() const { return cwnd_; }
  uint32_t ssthresh() const { return ssthresh_; }
  bool slow_start() const { return cwnd_ < ssthresh_; }

  // New data was acknowledged outside of recovery. Growth only where the window was what limited
  // the sender (RFC 5681 3.1, RFC 9438 4.2; RFC 7661 tells why).
  void acknowledged(uint32_t octets, uint32_t mss, bool window_limited, Duration now,
                    Duration srtt);
  // Loss found without a timeout: entry into fast recovery (RFC 6675 5, RFC 9438 4.6). The window
  // is ssthresh then. Without SACK the caller takes the segments that duplicate ACKs stand for out
  // of its pipe, instead of inflating the window by them (RFC 5681 3.2, step 3).
  void enter_recovery(uint32_t flight, uint32_t mss);
  // The recovery point is acknowledged: the window is ssthresh, or less where little is in flight
  // (RFC 6582 3.2, step 3, the first of its two ways).
  void leave_recovery(uint32_t flight, uint32_t mss);
  // RFC 5681 3.1, equation 4; `first` is false when the same segment times out again, which must
  // not lower ssthresh once more.
  void timed_out(uint32_t flight, uint32_t mss, bool first);
  // After an idle time of a retransmission timeout (RFC 5681 4.1).
  void restart_after_idle(uint32_t restart_window);

 private:
  void grow(uint64_t octets) {
    cwnd_ = static_cast<uint32_t>(std::min<uint64_t>(cwnd_ + octets, kLargestWindow));
  }
  void grow_in_slow_start(uint32_t octets, uint32_t mss);
  void grow_as_reno(uint32_t octets, uint32_t mss);
  void grow_as_cubic(uint32_t octets, uint32_t mss, Duration now, Duration srtt);
  void start_epoch(uint32_t mss);
  void grow_reno_friendly(uint32_t octets, uint32_t mss);
  // W_cubic (RFC 9438 4.2, equation 1) `ahead_ms` from the present moment of the epoch.
  double w_cubic(uint32_t mss, double ahead_ms) const;
  void reduce(uint32_t flight, uint32_t mss);

  uint32_t cwnd_ = 0;
  uint32_t ssthresh_ = UINT32_MAX;
  // Reno: octets acknowledged since the window last grew. CUBIC: what the last division left.
  uint32_t counted_ = 0;
  // CUBIC, by the names of RFC 9438 4.1.2.
  uint32_t w_max_ = 0;  // 0: the next epoch begins at its plateau (4.8, and a first one)
  uint32_t cwnd_prior_ = 0;
  int32_t t_less_k_ms_ = 0;   // t - K: the moment of the epoch, seen from its plateau
  uint32_t advanced_ms_ = 0;  // when t was brought up to date
  CongestionLaw law_ = CongestionLaw::cubic;
  bool in_epoch_ : 1 = false;       // a congestion avoidance stage has begun
  bool paused_ : 1 = false;         // the time since advanced_ms_ was idle and does not count
  bool after_timeout_ : 1 = false;  // the slow start after a timeout
  double w_est_ = 0;                // a fraction of an octet counts with large windows
};

}  // namespace tcpdx::tcp
