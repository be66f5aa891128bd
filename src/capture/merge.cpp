#include "capture/merge.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <tuple>
#include <utility>

namespace tcpdx::capture {
namespace {

struct Part {
  std::unique_ptr<Source> source;
  std::array<Frame, 256> batch{};
  size_t next = 0;
  size_t size = 0;
  std::vector<std::optional<uint16_t>> interfaces{};  // by the part's number, in the stream
};

// The next frame of a part.
struct Front {
  int64_t time_ns;
  size_t part;
};

// For a heap with the smallest in front.
bool later(const Front& a, const Front& b) {
  return std::tie(a.time_ns, a.part) > std::tie(b.time_ns, b.part);
}

class MergedSource final : public Source {
 public:
  explicit MergedSource(std::vector<std::unique_ptr<Source>> sources) {
    parts_.reserve(sources.size());
    used_up_.reserve(sources.size());
    for (std::unique_ptr<Source>& source : sources) {
      used_up_.push_back(parts_.size());
      parts_.push_back({.source = std::move(source)});
    }
  }

  size_t read(std::span<Frame> frames) override {
    refill();
    size_t count = 0;
    // A part that is used up must not be read on before the next call: frames point into it.
    while (count < frames.size() && used_up_.empty() && !fronts_.empty()) {
      std::ranges::pop_heap(fronts_, later);
      const size_t index = fronts_.back().part;
      fronts_.pop_back();
      frames[count++] = take(parts_[index]);
      if (parts_[index].next < parts_[index].size) {
        push(index);
      } else {
        used_up_.push_back(index);
      }
    }
    return count;
  }

  std::span<const Damage> damage() const override {
    damage_.clear();
    for (const Part& part : parts_) {
      const std::span<const Damage> some = part.source->damage();
      damage_.insert(damage_.end(), some.begin(), some.end());
    }
    return damage_;
  }

  Progress progress() const override {
    Progress sum;
    bool known = true;
    for (const Part& part : parts_) {
      const Progress one = part.source->progress();
      sum.done += one.done;
      sum.of += one.of;
      known = known && one.of > 0;
    }
    if (!known) sum.of = 0;
    return sum;
  }

 private:
  void refill() {
    for (const size_t index : used_up_) {
      Part& part = parts_[index];
      part.next = 0;
      part.size = part.source->read(part.batch);
      if (part.size > 0) push(index);
    }
    used_up_.clear();
  }

  void push(size_t index) {
    fronts_.push_back({parts_[index].batch[parts_[index].next].time_ns, index});
    std::ranges::push_heap(fronts_, later);
  }

  Frame take(Part& part) {
    Frame frame = part.batch[part.next++];
    frame.number = ++count_;
    if (frame.interface >= part.interfaces.size()) part.interfaces.resize(frame.interface + 1U);
    std::optional<uint16_t>& number = part.interfaces[frame.interface];
    if (!number) {
      number = interface_count_;
      if (interface_count_ < std::numeric_limits<uint16_t>::max()) ++interface_count_;
    }
    frame.interface = *number;
    return frame;
  }

  std::vector<Part> parts_;
  std::vector<Front> fronts_;    // a heap
  std::vector<size_t> used_up_;  // parts of which the next batch is to be read
  uint64_t count_ = 0;
  uint16_t interface_count_ = 0;
  mutable std::vector<Damage> damage_;  // of all parts, put together when asked for
};

}  // namespace

std::unique_ptr<Source> merge(std::vector<std::unique_ptr<Source>> parts) {
  return std::make_unique<MergedSource>(std::move(parts));
}

}  // namespace tcpdx::capture
