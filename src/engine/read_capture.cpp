#include "engine/read_capture.hpp"

#include <algorithm>
#include <array>
#include <thread>

#include "engine/shards.hpp"

namespace tcpdx::engine {
namespace {

constexpr size_t kBatch = 64;
// Frames between two questions whether to go on.
constexpr uint64_t kProgressEvery = 16384;

// A small file is read before a second thread has begun.
constexpr uint64_t kWorthThreads = uint64_t{4} << 20U;
constexpr unsigned kMostThreads = 64;

// One tracker.
class Alone {
 public:
  Alone(const track::Options& options, const std::vector<wire::LinkPath>& links, track::Sink& sink)
      : tracker_(options, links, sink) {}

  track::Sighting& next() { return batch_[filled_]; }
  void keep() { ++filled_; }
  void flush() {
    if (filled_ > 0) tracker_.take(std::span(batch_).first(filled_));
    filled_ = 0;
  }
  void take(const wire::IcmpError& error, uint32_t link, uint64_t frame, int64_t time_ns) {
    tracker_.take(error, link, frame, time_ns);
  }
  void finish() { tracker_.finish(); }
  const track::Totals& totals() const { return tracker_.totals(); }

 private:
  track::Tracker tracker_;
  std::array<track::Sighting, kBatch> batch_;
  size_t filled_ = 0;
};

// `Follower` is Alone or Shards.
template <class Follower>
class Reading {
 public:
  Reading(capture::Source& source, const ReadOptions& options, auto&&... follower)
      : source_(source),
        options_(options),
        decoder_(options.decode),
        follower_(options.track, decoder_.links(), follower...) {}

  ReadTotals run() {
    std::array<capture::Frame, kBatch> frames;
    while (go_on()) {
      const size_t count = source_.read(frames);
      if (count == 0) break;
      for (const capture::Frame& frame : std::span(frames).first(count)) take(frame);
      follower_.flush();
    }
    follower_.finish();
    totals_.track = follower_.totals();
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
    track::Sighting& sighting = follower_.next();
    const wire::Found found = decoder_.decode(frame.link_type, frame.data, frame.original_size,
                                              frame.time_ns, sighting.packet);
    switch (found) {
      case wire::Found::tcp:
        ++totals_.tcp;
        sighting.frame = frame.number;
        sighting.time_ns = frame.time_ns;
        sighting.interface = frame.interface;
        follower_.keep();
        // What was put together lives only until the next decode().
        if (sighting.packet.reassembled) follower_.flush();
        return;
      case wire::Found::icmp_error:
        ++totals_.icmp_errors;
        follower_.flush();
        follower_.take(decoder_.icmp_error(), decoder_.icmp_link(), frame.number, frame.time_ns);
        return;
      case wire::Found::fragment: ++totals_.fragments; return;
      case wire::Found::broken: ++totals_.broken; return;
      case wire::Found::other:
        ++totals_.other;
        if (!wire::known_link_type(frame.link_type)) ++totals_.unknown_link_types[frame.link_type];
        return;
    }
  }

  capture::Source& source_;
  const ReadOptions& options_;
  wire::Decoder decoder_;
  Follower follower_;
  ReadTotals totals_;
  int64_t first_ns_ = 0;
  int64_t last_ns_ = 0;
  uint64_t next_question_ = kProgressEvery;
};

unsigned threads_of(const capture::Source& source, const ReadOptions& options) {
  if (options.track.packet_reports) return 1;
  if (options.threads != 0) return std::min(options.threads, kMostThreads);
  const uint64_t size = source.progress().of;  // 0: not known
  const bool worth = size == 0 || size >= kWorthThreads;
  return worth && std::thread::hardware_concurrency() > 1 ? 2 : 1;
}

}  // namespace

ReadTotals read_capture(capture::Source& source, const ReadOptions& options, track::Sink& sink) {
  const unsigned threads = threads_of(source, options);
  if (threads == 1) return Reading<Alone>(source, options, sink).run();
  return Reading<Shards>(source, options, sink, threads, options.busy_sink).run();
}

}  // namespace tcpdx::engine
