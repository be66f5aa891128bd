// Runs several pings side by side until all are over or someone says stop.
#pragma once

#include <atomic>
#include <functional>
#include <vector>

#include "probe/ping.hpp"

namespace tcpdx::probe {

struct PingLoop {
  // Index of the ping, what became known.
  std::function<void(size_t, const ProbeReport&)> report;
  // A few times a second, for a line that is alive; may be empty.
  std::function<void()> tick;
  // True once nothing more is to be sent; what is under way is still waited for.
  std::function<bool()> stop;
};

void run(std::vector<Ping>& pings, const PingLoop& loop);

}  // namespace tcpdx::probe
