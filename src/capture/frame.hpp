// Captured frames, and where they come from: files in any of the usual formats, or a live
// interface.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace tcpdx::capture {

// One frame as it was captured. LINKTYPE_ values: https://www.tcpdump.org/linktypes.html.
struct Frame {
  uint64_t number = 0;         // in its stream, from 1
  int64_t time_ns = 0;         // since 1970-01-01T00:00:00Z
  uint32_t original_size = 0;  // octets on the wire; more than data.size() where the capture cut
  uint16_t link_type = 0;      // LINKTYPE_*
  uint16_t interface = 0;      // counted over all files and sections of the stream
  std::span<const std::byte> data;
};

// Something in a capture file that cannot be as it is.
struct Damage {
  std::string file;
  uint64_t frame = 0;   // the frame that is damaged or missing; in its stream
  uint64_t offset = 0;  // octets from the beginning of the (uncompressed) file
  std::string what;     // a sentence without these places
};

// How far reading has come, in octets of the files; of 0 is not known (a pipe).
struct Progress {
  uint64_t done = 0;
  uint64_t of = 0;
};

class Source {
 public:
  Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  virtual ~Source() = default;

  // Fills the first of `frames` and returns how many: at least one, but at the end 0. What they
  // point to lives until the next call.
  virtual size_t read(std::span<Frame> frames) = 0;
  // What was damaged so far; reading goes on behind it where the format allows.
  virtual std::span<const Damage> damage() const = 0;
  virtual Progress progress() const = 0;
};

}  // namespace tcpdx::capture
