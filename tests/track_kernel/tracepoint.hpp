// The tracepoint sock:inet_sock_set_state through perf_event_open(2).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "tcp/state.hpp"
#include "track_kernel/watch.hpp"

namespace tcpdx::track_kernel {

// A socket came to a state.
struct SetState {
  int64_t time_ns = 0;
  Ends ends;
  tcp::State to{};
};

class Tracepoint {
 public:
  // Of sockets with one of `ports` ports from `first` on at either end.
  static Result<std::unique_ptr<Tracepoint>> open(uint16_t first, uint16_t ports);
  ~Tracepoint();
  Tracepoint(const Tracepoint&) = delete;
  Tracepoint& operator=(const Tracepoint&) = delete;

  // Takes what has come; call often.
  void drain();
  // In the order of time.
  std::vector<SetState> events() const;
  uint64_t lost() const { return lost_; }

 private:
  struct Ring;
  Tracepoint() = default;
  void take(std::span<const std::byte> record);

  std::vector<std::unique_ptr<Ring>> rings_;
  std::vector<SetState> events_;
  int64_t to_wall_ns_ = 0;
  uint64_t lost_ = 0;
};

}  // namespace tcpdx::track_kernel
