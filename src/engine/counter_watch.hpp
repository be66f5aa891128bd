// Reads the counters of every network namespace again and again.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.hpp"
#include "host/machine.hpp"
#include "model/counter_reading.hpp"
#include "model/observation.hpp"

namespace tcpdx::engine {

// Holds a descriptor of each namespace, which keeps the namespace alive. So those that have ended
// are let go, and new ones found, every kRescan.
class CounterWatch {
 public:
  static constexpr Duration kRescan = 10s;

  static Result<CounterWatch> open(host::Options options);

  // The counters of each namespace that can be entered, ours first. Each is dated by itself: where
  // there are hundreds, they are not read at one moment.
  std::vector<CounterReading> read();

  // What could not be seen when the namespaces were last looked for.
  const std::vector<Missing>& missing() const { return seen_->missing; }
  const std::vector<Namespace>& namespaces() const { return seen_->namespaces; }

 private:
  using Clock = std::chrono::steady_clock;

  CounterWatch(host::Options options, std::unique_ptr<Observation> seen, host::Machine machine);
  void rescan();
  CounterReading reading_of(uint16_t netns, Counters counters) const;

  host::Options options_;
  std::unique_ptr<Observation> seen_;
  host::Machine machine_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point scanned_ = start_;
};

}  // namespace tcpdx::engine
