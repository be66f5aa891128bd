// Time that has passed, by a clock that nobody sets.
#pragma once

#include <chrono>

#include "base/time.hpp"

namespace tcpdx {

class Stopwatch {
 public:
  Duration elapsed() const {
    return std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - start_);
  }

 private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

}  // namespace tcpdx
