#include "probe/ping_loop.hpp"

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "base/stopwatch.hpp"

namespace tcpdx::probe {
namespace {

constexpr Duration kTick = 100ms;  // how long a stop may go unnoticed, and how often a line lives

void wait(const std::vector<Ping>& pings, Duration now) {
  std::vector<pollfd> polls;
  Duration until = now + kTick;
  for (const Ping& ping : pings) {
    if (ping.over()) continue;
    ping.add_polls(polls);
    until = std::min(until, ping.next());
  }
  const auto left = std::max<int64_t>(0, (until - now).count());
  const timespec timeout{.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
  ::ppoll(polls.data(), polls.size(), &timeout, nullptr);
}

}  // namespace

void run(std::vector<Ping>& pings, const PingLoop& loop) {
  const Stopwatch watch;
  Duration ticked{};
  std::vector<ProbeReport> reports;
  while (!std::ranges::all_of(pings, &Ping::over)) {
    if (loop.stop && loop.stop()) std::ranges::for_each(pings, &Ping::stop);
    for (size_t i = 0; i < pings.size(); ++i) {
      reports.clear();
      pings[i].turn(watch.elapsed(), reports);
      for (const ProbeReport& report : reports) loop.report(i, report);
    }
    if (loop.tick && watch.elapsed() - ticked >= kTick) {
      ticked = watch.elapsed();
      loop.tick();
    }
    wait(pings, watch.elapsed());
  }
}

}  // namespace tcpdx::probe
