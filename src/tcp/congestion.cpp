// The laws of congestion control as RFC 5681, RFC 3465, RFC 6582 and RFC 9438 state them.
#include "tcp/congestion.hpp"

#include <cmath>

namespace tcpdx::tcp {

namespace {

// RFC 9438 4.1.1 and 4.6.
constexpr double kC = 0.4;  // segments per cubic second
constexpr uint32_t kBetaTenths = 7;
constexpr double kBeta = kBetaTenths / 10.0;
constexpr double kAlpha = 3 * (1 - kBeta) / (1 + kBeta);
// After a day any window is at its largest; keeps t within its 32 bits.
constexpr int64_t kLongestEpochMs = 86'400'000;
// RFC 3465 2.2 and 2.3: segments that one ACK may add in slow start.
constexpr uint64_t kSlowStartLimit = 2;
constexpr uint64_t kSlowStartLimitAfterTimeout = 1;

uint32_t clock_ms(Duration now) { return static_cast<uint32_t>(milliseconds(now)); }

}  // namespace

void Congestion::acknowledged(uint32_t octets, uint32_t mss, bool window_limited, Duration now,
                              Duration srtt) {
  if (!window_limited) {
    // RFC 9438 5.8: time in which the application was the limit is no part of t.
    advanced_ms_ = clock_ms(now);
    paused_ = false;
  } else if (slow_start()) {
    grow_in_slow_start(octets, mss);
  } else if (law_ == CongestionLaw::new_reno) {
    grow_as_reno(octets, mss);
  } else {
    grow_as_cubic(octets, mss, now, srtt);
  }
}

void Congestion::grow_in_slow_start(uint32_t octets, uint32_t mss) {
  const uint64_t segments = after_timeout_ ? kSlowStartLimitAfterTimeout : kSlowStartLimit;
  grow(std::min<uint64_t>(octets, segments * mss));
  counted_ = 0;
  if (!slow_start()) after_timeout_ = false;
}

// RFC 5681 3.1: one segment for each window of octets acknowledged.
void Congestion::grow_as_reno(uint32_t octets, uint32_t mss) {
  const uint64_t counted = uint64_t{counted_} + octets;
  if (counted < cwnd_) {
    counted_ = static_cast<uint32_t>(counted);
    return;
  }
  // One acknowledgment never covers more than was in flight, so at most one step is due; what is
  // beyond it counts for the next (RFC 3465 2.1), up to a window.
  counted_ = static_cast<uint32_t>(std::min<uint64_t>(counted - cwnd_, cwnd_));
  grow(mss);
}

void Congestion::grow_as_cubic(uint32_t octets, uint32_t mss, Duration now, Duration srtt) {
  const uint32_t now_ms = clock_ms(now);
  if (!in_epoch_) {
    start_epoch(mss);
  } else if (!paused_) {
    const int64_t t_less_k = int64_t{t_less_k_ms_} + (now_ms - advanced_ms_);
    t_less_k_ms_ = static_cast<int32_t>(std::min(t_less_k, kLongestEpochMs));
  }
  paused_ = false;
  advanced_ms_ = now_ms;
  // RFC 9438 4.3, figure 4: alpha is 1 once the window is back where it was.
  const double alpha = w_est_ < cwnd_prior_ ? kAlpha : 1.0;
  w_est_ += alpha * octets * mss / cwnd_;
  if (w_cubic(mss, 0) < w_est_) {
    if (w_est_ > cwnd_) grow(static_cast<uint64_t>(w_est_) - cwnd_);
    counted_ = 0;
    return;
  }
  // RFC 9438 4.2: the target a round-trip time ahead, within [cwnd, 1.5 cwnd] (4.4, 4.5).
  const double ahead = w_cubic(mss, seconds(srtt) * 1000);
  const double target = std::clamp(ahead, 1.0 * cwnd_, 1.5 * cwnd_);
  const uint64_t distance = static_cast<uint64_t>(target) - cwnd_;
  const uint64_t product = distance * octets + counted_;
  counted_ = static_cast<uint32_t>(product % cwnd_);
  grow(product / cwnd_);
}

// RFC 9438 4.2, equation 2; the plateau is where the window is after a timeout (4.8), after slow
// start without loss (4.10), and where the window is beyond W_max already.
void Congestion::start_epoch(uint32_t mss) {
  double k_ms = 0;
  if (w_max_ > cwnd_) {
    k_ms = 1000 * std::cbrt((w_max_ - cwnd_) / (kC * mss));
  } else {
    w_max_ = cwnd_;
  }
  t_less_k_ms_ = -static_cast<int32_t>(std::lround(k_ms));
  w_est_ = cwnd_;
  counted_ = 0;
  in_epoch_ = true;
}

double Congestion::w_cubic(uint32_t mss, double ahead_ms) const {
  const double t = (t_less_k_ms_ + ahead_ms) / 1000;
  return kC * t * t * t * mss + w_max_;
}

// RFC 5681 3.1, equation 4, and RFC 9438 4.6 with fast convergence (4.7).
void Congestion::reduce(uint32_t flight, uint32_t mss) {
  const bool cubic = law_ == CongestionLaw::cubic;
  const uint64_t share = cubic ? uint64_t{flight} * kBetaTenths / 10 : flight / 2;
  cwnd_prior_ = cwnd_;
  w_max_ = cwnd_ < w_max_ ? static_cast<uint32_t>(std::lround(cwnd_ * (1 + kBeta) / 2)) : cwnd_;
  ssthresh_ = static_cast<uint32_t>(std::max<uint64_t>(share, uint64_t{2} * mss));
  counted_ = 0;
  in_epoch_ = false;
}

void Congestion::enter_recovery(uint32_t flight, uint32_t mss) {
  reduce(flight, mss);
  cwnd_ = ssthresh_;
  after_timeout_ = false;
}

void Congestion::leave_recovery(uint32_t flight, uint32_t mss) {
  cwnd_ = std::min(ssthresh_, std::max(flight, mss) + mss);
}

void Congestion::timed_out(uint32_t flight, uint32_t mss, bool first) {
  if (first) reduce(flight, mss);
  w_max_ = 0;  // RFC 9438 4.8: K is 0 in the next stage
  in_epoch_ = false;
  after_timeout_ = true;
  counted_ = 0;
  cwnd_ = mss;  // the loss window
}

void Congestion::restart_after_idle(uint32_t restart_window) {
  paused_ = true;
  if (restart_window >= cwnd_) return;
  cwnd_ = restart_window;
  counted_ = 0;
  in_epoch_ = false;  // slow start comes first, and then another stage
}

}  // namespace tcpdx::tcp
