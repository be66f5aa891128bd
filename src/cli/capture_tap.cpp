#include "cli/capture_tap.hpp"

#include <algorithm>

#include "base/time.hpp"

namespace tcpdx::cli {

size_t CaptureTap::read(std::span<capture::Frame> frames) {
  if (left_) frames = frames.first(std::min<uint64_t>(frames.size(), *left_));
  if (frames.empty() || !failure_.empty()) return 0;
  const size_t count = live_.read(frames);
  for (const capture::Frame& frame : frames.first(count)) {
    if (file_ != nullptr && failure_.empty()) note(write(frame));
  }
  frames_ += count;
  if (left_) *left_ -= count;
  return count;
}

// Interfaces are numbered by their first frames, and the file's too.
Result<void> CaptureTap::write(const capture::Frame& frame) {
  while (interfaces_ <= frame.interface) {
    auto added = file_->add_interface(
        {.name = live_.interface_name(interfaces_), .link_type = live_.link_type()});
    if (!added) return added;
    ++interfaces_;
  }
  return file_->write(frame);
}

void CaptureTap::flush() {
  if (file_ != nullptr && failure_.empty()) note(file_->flush());
}

void CaptureTap::finish() {
  if (file_ == nullptr || !failure_.empty()) return;
  // The kernel counts for all interfaces of "any" together.
  if (interfaces_ == 1) {
    const capture::LiveStats stats = live_.stats();
    const int64_t now = wall_now().time_since_epoch() / std::chrono::nanoseconds(1);
    note(file_->add_statistics(
        0, {.time_ns = now, .received = stats.received, .dropped = stats.dropped}));
  }
  flush();
}

void CaptureTap::note(const Result<void>& done) {
  if (!done) failure_ = done.error().sentence;
}

}  // namespace tcpdx::cli
