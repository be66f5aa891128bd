#include "engine/counter_watch.hpp"

#include <utility>

namespace tcpdx::engine {

Result<CounterWatch> CounterWatch::open(host::Options options) {
  options.counters_only = true;
  auto seen = std::make_unique<Observation>();
  auto machine = host::Machine::open(options, *seen);
  if (!machine) return std::unexpected(machine.error());
  return CounterWatch(std::move(options), std::move(seen), std::move(*machine));
}

CounterWatch::CounterWatch(host::Options options, std::unique_ptr<Observation> seen,
                           host::Machine machine)
    : options_(std::move(options)), seen_(std::move(seen)), machine_(std::move(machine)) {}

// The new descriptors are opened before the old ones are closed: no inode number that is still
// known here can come to mean another namespace in between.
void CounterWatch::rescan() {
  auto seen = std::make_unique<Observation>();
  auto machine = host::Machine::open(options_, *seen);
  if (!machine) return;
  machine_ = std::move(*machine);
  seen_ = std::move(seen);
}

CounterReading CounterWatch::reading_of(uint16_t netns, Counters counters) const {
  const Namespace& space = seen_->namespaces[netns];
  CounterReading reading;
  reading.netns = space.inode;
  reading.name = space.name;
  reading.wall = wall_now();
  reading.at = std::chrono::duration_cast<Duration>(Clock::now() - start_);
  reading.memory_limit = space.sysctls.number("net.ipv4.tcp_mem", 2);
  reading.orphan_limit = space.sysctls.number("net.ipv4.tcp_max_orphans");
  // Only the initial namespace has that setting; what is of the whole machine belongs there.
  if (reading.orphan_limit && !seen_->softnet.empty()) {
    const Softnet& sum = seen_->softnet.back();
    counters.set("softnet.processed", sum.processed);
    counters.set("softnet.dropped", sum.dropped);
    counters.set("softnet.squeezed", sum.squeezed);
    counters.sort();
  }
  reading.counters = std::move(counters);
  return reading;
}

std::vector<CounterReading> CounterWatch::read() {
  if (const auto now = Clock::now(); now - scanned_ >= kRescan) {
    rescan();
    scanned_ = now;
  }
  seen_->softnet.clear();
  machine_.sample_softnet(*seen_);
  std::vector<CounterReading> readings;
  const auto count = static_cast<uint16_t>(seen_->namespaces.size());  // host keeps to 16 bits
  for (uint16_t netns = 0; netns < count; ++netns) {
    auto counters = machine_.counters(netns, *seen_);
    if (counters) readings.push_back(reading_of(netns, std::move(*counters)));
  }
  return readings;
}

}  // namespace tcpdx::engine
