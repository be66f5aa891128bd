// Several trackers that share a stream by connections, each on a thread of its own but the first.
// What they report is what one tracker would, in the same order and with the same ids.
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "track/tracker.hpp"

namespace tcpdx::engine {

class Shards {
 public:
  // `busy`: the sink takes as long as tracking; the calling thread, which feeds it, then tracks
  // little. The budget of memory is divided as the connections are.
  Shards(const track::Options& options, const std::vector<wire::LinkPath>& links, track::Sink& sink,
         unsigned threads, bool busy);
  ~Shards();
  Shards(const Shards&) = delete;
  Shards& operator=(const Shards&) = delete;

  // Where the next segments of the batch go: one behind the other.
  track::Sighting& next();
  void keep();  // the one that next() gave
  // The batch ends here. What its segments point to need not stay.
  void flush();
  void take(const wire::IcmpError& error, uint32_t link, uint64_t frame, int64_t time_ns);
  void finish();
  track::Totals totals() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tcpdx::engine
