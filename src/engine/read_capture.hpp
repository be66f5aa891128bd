// Captured packets on their way: source, decoder, tracker.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "base/time.hpp"
#include "capture/frame.hpp"
#include "track/tracker.hpp"
#include "wire/decode.hpp"

namespace tcpdx::engine {

struct ReadOptions {
  track::Options track;
  wire::DecodeOptions decode;
  // That follow connections, the calling one among them; 0: two where they help. With packet
  // reports always one. What is found is the same with any number, unless memory runs out: then
  // each thread gives up connections of its own.
  unsigned threads = 0;
  bool busy_sink = false;  // taking connections takes about as long as following them
  // Called now and then with how far reading has come; false ends it as if the stream had ended.
  std::function<bool(const capture::Progress&)> progress;
};

// What was in a capture besides its connections.
struct ReadTotals {
  uint64_t frames = 0;
  uint64_t octets = 0;  // on the wire
  uint64_t tcp = 0;     // segments
  uint64_t icmp_errors = 0;
  uint64_t fragments = 0;
  uint64_t other = 0;   // frames without TCP
  uint64_t broken = 0;  // frames whose headers cannot be, or were cut off
  std::optional<WallTime> first;
  std::optional<WallTime> last;
  std::map<uint16_t, uint64_t> unknown_link_types;  // LINKTYPE_ and how many frames
  track::Totals track;
  std::vector<capture::Damage> damage;
};

ReadTotals read_capture(capture::Source& source, const ReadOptions& options, track::Sink& sink);

}  // namespace tcpdx::engine
