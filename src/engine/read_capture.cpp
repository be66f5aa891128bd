#include "engine/read_capture.hpp"

#include <array>

namespace tcpdx::engine {
namespace {

constexpr size_t kBatch = 64;
// Frames between two questions whether to go on.
constexpr uint64_t kProgressEvery = 16384;

class Reading {
 public:
  Reading(capture::Source& source, const ReadOptions& options, track::Sink& sink)
      : source_(source),
        options_(options),
        decoder_(options.decode),
        tracker_(options.track, decoder_.links(), sink) {}

  ReadTotals run() {
    std::array<capture::Frame, kBatch> frames;
    while (go_on()) {
      const size_t count = source_.read(frames);
      if (count == 0) break;
      for (const capture::Frame& frame : std::span(frames).first(count)) take(frame);
      flush();
    }
    tracker_.finish();
    totals_.track = tracker_.totals();
    const auto damage = source_.damage();
    totals_.damage.assign(damage.begin(), damage.end());
    if (totals_.frames > 0) {
      totals_.first = WallTime(Duration(first_ns_ / 1000));
      totals_.last = WallTime(Duration(last_ns_ / 1000));
    }
    return std::move(totals_);
  }

 private:
  bool go_on() {
    if (!options_.progress || totals_.frames < next_question_) return true;
    next_question_ = totals_.frames + kProgressEvery;
    return options_.progress(source_.progress());
  }

  void take(const capture::Frame& frame) {
    if (totals_.frames++ == 0) first_ns_ = last_ns_ = frame.time_ns;
    first_ns_ = std::min(first_ns_, frame.time_ns);
    last_ns_ = std::max(last_ns_, frame.time_ns);
    totals_.octets += frame.original_size;
    track::Sighting& sighting = batch_[filled_];
    const wire::Found found = decoder_.decode(frame.link_type, frame.data, frame.original_size,
                                              frame.time_ns, sighting.packet);
    switch (found) {
      case wire::Found::tcp:
        ++totals_.tcp;
        sighting.frame = frame.number;
        sighting.time_ns = frame.time_ns;
        sighting.interface = frame.interface;
        ++filled_;
        // What was put together lives only until the next decode().
        if (sighting.packet.reassembled) flush();
        return;
      case wire::Found::icmp_error:
        ++totals_.icmp_errors;
        flush();
        tracker_.take(decoder_.icmp_error(), decoder_.icmp_link(), frame.number, frame.time_ns);
        return;
      case wire::Found::fragment: ++totals_.fragments; return;
      case wire::Found::broken: ++totals_.broken; return;
      case wire::Found::other:
        ++totals_.other;
        if (!wire::known_link_type(frame.link_type)) ++totals_.unknown_link_types[frame.link_type];
        return;
    }
  }

  void flush() {
    if (filled_ > 0) tracker_.take(std::span(batch_).first(filled_));
    filled_ = 0;
  }

  capture::Source& source_;
  const ReadOptions& options_;
  wire::Decoder decoder_;
  track::Tracker tracker_;
  std::array<track::Sighting, kBatch> batch_;
  size_t filled_ = 0;
  ReadTotals totals_;
  int64_t first_ns_ = 0;
  int64_t last_ns_ = 0;
  uint64_t next_question_ = kProgressEvery;
};

}  // namespace

ReadTotals read_capture(capture::Source& source, const ReadOptions& options, track::Sink& sink) {
  return Reading(source, options, sink).run();
}

}  // namespace tcpdx::engine
