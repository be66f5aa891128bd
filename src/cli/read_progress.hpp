// How far the reading of a long capture has come, on a terminal; and whether Ctrl-C ended it.
#pragma once

#include <chrono>

#include "capture/frame.hpp"
#include "cli/io.hpp"

namespace tcpdx::cli {

class ReadProgress {
 public:
  explicit ReadProgress(Io& io);

  // False when reading is to end: after Ctrl-C, or when nobody reads the output any more.
  bool show(const capture::Progress& now);
  void clear();
  bool stopped() const { return stopped_; }

 private:
  using Clock = std::chrono::steady_clock;

  Io& io_;
  Clock::time_point next_;  // when the line is written again
  bool shown_ = false;
  bool stopped_ = false;
};

}  // namespace tcpdx::cli
