#include "engine/shards.hpp"

#include <algorithm>
#include <array>
#include <condition_variable>
#include <exception>
#include <limits>
#include <mutex>
#include <thread>
#include <tuple>
#include <vector>

namespace tcpdx::engine {
namespace {

constexpr size_t kSegments = 2048;  // of a parcel
constexpr size_t kBatch = 64;       // at most, of a batch
constexpr size_t kRing = 8;         // parcels under way at once
constexpr size_t kLeft = 256;       // connections asked for at once at the end of the stream
// Of so many parts of the connections the calling thread, which also reads and decodes, has a few.
constexpr uint32_t kParts = 5;
constexpr uint32_t kOwnParts = 3;
constexpr uint64_t kLeastMemory = uint64_t{1} << 20U;
constexpr size_t kMaxOptions = 40;  // octets, RFC 9293 3.1

struct Error {
  wire::IcmpError error;
  uint32_t link = 0;
  uint64_t frame = 0;
  int64_t time_ns = 0;
  uint8_t shard = 0;
};

// A batch, or the error that stands behind it.
struct Item {
  size_t end = 0;  // of its segments; they begin where those of the item before end
  track::Stream stream;
  std::optional<size_t> error{};
};

struct Ended {
  size_t item = 0;
  uint64_t frame = 0;  // of the segment that ended it; the greatest where time did
  Connection connection;
};

// What a shard says of a parcel.
struct Report {
  std::vector<uint64_t> opened;  // frames
  std::vector<Ended> ended;

  void clear() {
    opened.clear();
    ended.clear();
  }
};

// A stretch of the stream on its way to all shards and back.
struct Parcel {
  std::vector<track::Sighting> segments = std::vector<track::Sighting>(kSegments);
  std::vector<uint8_t> shard = std::vector<uint8_t>(kSegments);
  // Of SYNs: the frames that they point into are gone when they are tracked.
  std::vector<std::array<std::byte, kMaxOptions>> options =
      std::vector<std::array<std::byte, kMaxOptions>>(kSegments);
  size_t used = 0;
  std::vector<Item> items;
  std::vector<Error> errors;
  std::vector<wire::LinkPath> new_links;
  std::vector<Report> reports;  // by shard

  void clear() {
    used = 0;
    items.clear();
    errors.clear();
    new_links.clear();
    for (Report& report : reports) report.clear();
  }
};

// One tracker and what it reports.
class Shard final : public track::Sink {
 public:
  Shard(const track::Options& options, uint8_t number)
      : number_(number), tracker_(options, links_, *this) {}

  void take(Parcel& parcel) {
    report_ = &parcel.reports[number_];
    links_.insert(links_.end(), parcel.new_links.begin(), parcel.new_links.end());
    size_t begin = 0;
    for (item_ = 0; item_ < parcel.items.size(); ++item_) {
      const Item& item = parcel.items[item_];
      if (item.error) {
        take(parcel.errors[*item.error]);
        continue;
      }
      places_.clear();
      for (size_t i = begin; i < item.end; ++i) {
        if (parcel.shard[i] == number_) places_.push_back(static_cast<uint32_t>(i - begin));
      }
      const auto batch = std::span(parcel.segments).subspan(begin, item.end - begin);
      tracker_.take({batch, places_}, item.stream);
      begin = item.end;
    }
  }
  bool finish_some(const track::Stream& stream, Report& into) {
    report_ = &into;
    return tracker_.finish_some(kLeft, stream);
  }
  const track::Totals& totals() const { return tracker_.totals(); }

  void opened(uint64_t frame) override { report_->opened.push_back(frame); }
  void connection(Connection&& connection) override {
    const uint64_t frame = tracker_.frame().value_or(std::numeric_limits<uint64_t>::max());
    report_->ended.push_back({item_, frame, std::move(connection)});
  }

 private:
  void take(const Error& one) {
    if (one.shard == number_) tracker_.take(one.error, one.link, one.frame, one.time_ns);
  }

  uint8_t number_;
  std::vector<wire::LinkPath> links_;  // of its own: those of the decoder grow meanwhile
  track::Tracker tracker_;
  std::vector<uint32_t> places_;
  Report* report_ = nullptr;
  size_t item_ = 0;
};

}  // namespace

class Shards::Impl {
 public:
  Impl(const track::Options& options, const std::vector<wire::LinkPath>& links, track::Sink& sink,
       unsigned threads, bool busy)
      : links_(links),
        sink_(sink),
        own_parts_(busy && threads > 1 ? 0 : kOwnParts),
        parts_(own_parts_ + kParts * (threads - 1)),
        ids_(threads) {
    for (unsigned i = 0; i < threads; ++i) {
      track::Options some = options;
      some.memory =
          std::max(options.memory / parts_ * (i == 0 ? own_parts_ : kParts), kLeastMemory);
      shards_.push_back(std::make_unique<Shard>(some, static_cast<uint8_t>(i)));
    }
    for (Parcel& parcel : ring_) parcel.reports.resize(threads);
    done_.resize(threads);
    workers_.reserve(threads);
    for (unsigned i = 1; i < threads; ++i) workers_.emplace_back([this, i] { work(i); });
  }
  ~Impl() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    published_changed_.notify_all();
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  track::Sighting& next() { return parcel().segments[parcel().used]; }

  void keep() {
    Parcel& into = parcel();
    track::Sighting& one = into.segments[into.used];
    wire::Packet& packet = one.packet;
    into.shard[into.used] = shard_of(track::shard_key(packet));
    packet.text = {};
    if (packet.flags.syn) {
      auto& options = into.options[into.used];
      const size_t size = std::min(packet.options.size(), options.size());
      std::ranges::copy(packet.options.first(size), options.begin());
      packet.options = std::span(options).first(size);
    } else {
      packet.options = {};
    }
    ++into.used;
  }

  void flush() {
    Parcel& into = parcel();
    const size_t begin = begin_;
    if (into.used == begin) return;
    stream_.take(std::span(into.segments).subspan(begin, into.used - begin));
    into.items.push_back({into.used, stream_});
    begin_ = into.used;
    if (into.used + kBatch > kSegments) dispatch();
  }

  void take(const Error& error) {
    Parcel& into = parcel();
    stream_.take(error.time_ns);
    into.items.push_back({into.used, stream_, into.errors.size()});
    into.errors.push_back(error);
    into.errors.back().error.quoted.options = {};  // in the frame, and nobody asks for it
    into.errors.back().shard = shard_of(track::shard_key(error.error, error.link));
    if (into.errors.size() == kSegments) dispatch();
  }

  void finish() {
    dispatch();
    while (merged_ < published_) merge_oldest();
    report_left();
  }

  track::Totals totals() const {
    track::Totals sum;
    for (const auto& shard : shards_) {
      const track::Totals& one = shard->totals();
      sum.segments += one.segments;
      sum.connections += one.connections;
      sum.half_open += one.half_open;
      sum.dropped_half_open += one.dropped_half_open;
      sum.dropped_early += one.dropped_early;
      sum.icmp_errors += one.icmp_errors;
      sum.icmp_unmatched += one.icmp_unmatched;
      sum.peak_memory += one.peak_memory;
    }
    return sum;
  }

 private:
  Parcel& parcel() { return ring_[published_ % kRing]; }

  uint8_t shard_of(uint32_t key) const {
    const auto part = static_cast<uint32_t>(uint64_t{key} * parts_ >> 32U);
    return static_cast<uint8_t>(part < own_parts_ ? 0 : 1 + (part - own_parts_) / kParts);
  }

  // Gives the parcel to all shards and takes the calling thread's part of it.
  void dispatch() {
    Parcel& full = parcel();
    if (full.items.empty()) return;
    full.new_links.assign(links_.begin() + static_cast<ptrdiff_t>(links_sent_), links_.end());
    links_sent_ = links_.size();
    {
      const std::lock_guard lock(mutex_);
      ++published_;
    }
    published_changed_.notify_all();
    shards_[0]->take(full);
    while (merged_ < published_ && (published_ - merged_ == kRing || oldest_is_done())) {
      merge_oldest();
    }
    parcel().clear();
    begin_ = 0;
  }

  void work(unsigned number) {
    for (uint64_t at = 0;; ++at) {
      {
        std::unique_lock lock(mutex_);
        published_changed_.wait(lock, [&] { return closing_ || published_ > at; });
        if (closing_) return;
      }
      std::exception_ptr failure;
      try {
        shards_[number]->take(ring_[at % kRing]);
      } catch (...) {
        failure = std::current_exception();
      }
      {
        const std::lock_guard lock(mutex_);
        done_[number] = at + 1;
        if (failure) failure_ = failure;
      }
      done_changed_.notify_one();
      if (failure) return;
    }
  }

  bool all_did(uint64_t parcels) const {
    return std::all_of(done_.begin() + 1, done_.end(),
                       [&](uint64_t one) { return one >= parcels; });
  }
  bool oldest_is_done() {
    const std::lock_guard lock(mutex_);
    return failure_ || all_did(merged_ + 1);
  }

  // Waits for the oldest parcel under way and passes on what was said of it.
  void merge_oldest() {
    {
      std::unique_lock lock(mutex_);
      done_changed_.wait(lock, [&] { return failure_ || all_did(merged_ + 1); });
      if (failure_) std::rethrow_exception(failure_);
    }
    Parcel& oldest = ring_[merged_++ % kRing];
    give_ids(oldest.reports);
    order_.clear();
    for (size_t shard = 0; shard < shards_.size(); ++shard) {
      for (Ended& one : oldest.reports[shard].ended) {
        one.connection.id = ids_[shard][one.connection.id - 1];
        order_.push_back(&one);
      }
    }
    std::ranges::sort(order_, {}, [](const Ended* one) {
      return std::tuple(one->item, one->frame, one->connection.id);
    });
    for (Ended* one : order_) sink_.connection(std::move(one->connection));
  }

  // Numbers are given in the order of the stream, whichever shard a connection is in.
  void give_ids(std::span<const Report> reports) {
    std::vector<size_t> at(reports.size());
    for (;;) {
      size_t first = reports.size();
      for (size_t i = 0; i < reports.size(); ++i) {
        if (at[i] == reports[i].opened.size()) continue;
        if (first == reports.size() ||
            reports[i].opened[at[i]] < reports[first].opened[at[first]]) {
          first = i;
        }
      }
      if (first == reports.size()) return;
      ++at[first];
      ids_[first].push_back(++last_id_);
    }
  }

  // Each shard has its own in the order of ids; a few at a time, because there may be millions.
  void report_left() {
    struct Line {
      Report some;
      size_t at = 0;
      bool more = true;
    };
    std::vector<Line> lines(shards_.size());
    for (;;) {
      Ended* first = nullptr;
      size_t owner = 0;
      for (size_t i = 0; i < lines.size(); ++i) {
        Line& line = lines[i];
        if (line.at == line.some.ended.size() && line.more) {
          line.some.clear();
          line.at = 0;
          line.more = shards_[i]->finish_some(stream_, line.some);
          for (Ended& one : line.some.ended) one.connection.id = ids_[i][one.connection.id - 1];
        }
        if (line.at == line.some.ended.size()) continue;
        Ended* const one = &line.some.ended[line.at];
        if (first == nullptr || one->connection.id < first->connection.id) {
          first = one;
          owner = i;
        }
      }
      if (first == nullptr) return;
      ++lines[owner].at;
      sink_.connection(std::move(first->connection));
    }
  }

  const std::vector<wire::LinkPath>& links_;
  size_t links_sent_ = 0;
  track::Sink& sink_;
  uint32_t own_parts_;
  uint32_t parts_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::array<Parcel, kRing> ring_;
  size_t begin_ = 0;  // of the batch in the parcel that is being filled
  track::Stream stream_;
  std::vector<std::vector<uint32_t>> ids_;  // by shard: the id of its first, second, ... connection
  uint32_t last_id_ = 0;
  uint64_t merged_ = 0;
  std::vector<Ended*> order_;

  std::mutex mutex_;
  std::condition_variable published_changed_;
  std::condition_variable done_changed_;
  uint64_t published_ = 0;      // parcels; only the calling thread changes it
  std::vector<uint64_t> done_;  // by shard
  std::exception_ptr failure_;
  bool closing_ = false;
  std::vector<std::jthread> workers_;  // the last: they end before what they use
};

Shards::Shards(const track::Options& options, const std::vector<wire::LinkPath>& links,
               track::Sink& sink, unsigned threads, bool busy)
    : impl_(std::make_unique<Impl>(options, links, sink, threads, busy)) {}
Shards::~Shards() = default;

track::Sighting& Shards::next() { return impl_->next(); }
void Shards::keep() { impl_->keep(); }
void Shards::flush() { impl_->flush(); }
void Shards::take(const wire::IcmpError& error, uint32_t link, uint64_t frame, int64_t time_ns) {
  impl_->take({error, link, frame, time_ns});
}
void Shards::finish() { impl_->finish(); }
track::Totals Shards::totals() const { return impl_->totals(); }

}  // namespace tcpdx::engine
