// The tracepoint sock:inet_sock_set_state, recorded by an instance of the kernel's own tracer
// (Documentation/trace/ftrace.rst). perf_event_open(2) is not used: some kernels lose events of
// softirqs that come while a processor idles, and tell nobody.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "tcp/state.hpp"
#include "track_kernel/watch.hpp"

namespace tcpdx::track_kernel {

// A socket came from a state to another.
struct SetState {
  int64_t time_ns = 0;
  Ends ends;
  tcp::State from{};
  tcp::State to{};
};

class Tracepoint {
 public:
  // Of sockets with one of `ports` ports from `first` on at either end.
  static Result<std::unique_ptr<Tracepoint>> open(uint16_t first, uint16_t ports);
  ~Tracepoint();
  Tracepoint(const Tracepoint&) = delete;
  Tracepoint& operator=(const Tracepoint&) = delete;

  // Records no more, and reads what was recorded.
  void stop();
  // After stop(), in the order of time.
  const std::vector<SetState>& events() const { return events_; }
  // After stop(): whether the record is not all that happened.
  bool lost() const { return lost_; }

 private:
  explicit Tracepoint(std::string folder);
  void take(std::string_view line);

  std::string folder_;
  std::vector<SetState> events_;
  int64_t to_wall_ns_ = 0;
  bool lost_ = false;
};

}  // namespace tcpdx::track_kernel
