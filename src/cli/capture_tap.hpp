// Between a live interface and whoever takes its frames: counts them, ends at a number, and keeps
// them in a file.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "capture/live.hpp"
#include "capture/pcapng_writer.hpp"

namespace tcpdx::cli {

class CaptureTap : public capture::Source {
 public:
  // `file` may be null. At most `limit` frames, all where it is absent.
  CaptureTap(capture::Live& live, capture::PcapngWriter* file, std::optional<uint64_t> limit)
      : live_(live), file_(file), left_(limit) {}

  size_t read(std::span<capture::Frame> frames) override;
  std::span<const capture::Damage> damage() const override { return {}; }
  capture::Progress progress() const override { return {}; }

  // Hands what was written to the file over to the system.
  void flush();
  // The file's last words: what the kernel counted.
  void finish();
  // Why the stream ended although nobody asked for it, in a sentence; else empty.
  const std::string& failure() const { return failure_.empty() ? live_.failure() : failure_; }
  uint64_t frames() const { return frames_; }

 private:
  Result<void> write(const capture::Frame& frame);
  void note(const Result<void>& done);

  capture::Live& live_;
  capture::PcapngWriter* file_;
  std::optional<uint64_t> left_;
  uint64_t frames_ = 0;
  uint16_t interfaces_ = 0;  // that the file knows
  std::string failure_;
};

}  // namespace tcpdx::cli
