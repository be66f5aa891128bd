// The walk on real sockets and the machine's clock; see path.hpp.
#include <poll.h>

#include <algorithm>
#include <ctime>
#include <utility>

#include "base/stopwatch.hpp"
#include "probe/flows.hpp"
#include "probe/path.hpp"

namespace tcpdx::probe {
namespace {

constexpr Duration kEchoPatience = 1s;
constexpr Duration kSlice = 100ms;  // how long a stop may go unnoticed
constexpr size_t kEchoSize = 8;     // octets of text: the probe's number

// Sizes go by echoes, or by UDP where this user may send none: a TCP SYN has one size only.
PathMtu measure_mtu(const PathResult& path, AskOptions ask, const std::function<bool()>& stop) {
  Method method = Method::icmp;
  if (path.method == Method::udp || !open_asker(Method::icmp, ask)) method = Method::udp;
  Duration longest{};
  for (const PathHop& hop : path.hops) {
    if (const auto rtt = hop.rtt()) longest = std::max(longest, rtt->max);
  }
  if (ask.target.port == 0) ask.target.port = kTraceroutePort;
  return measure_path_mtu(interface_mtu(ask), static_cast<unsigned>(path.hops.size()),
                          size_asker(method, ask, patience(longest), stop));
}

void wait(std::span<const PathWalk> walks, Duration now, int wake) {
  std::vector<pollfd> polls;
  if (wake >= 0) polls.push_back({.fd = wake, .events = POLLIN, .revents = 0});
  Duration until = now + kSlice;
  for (const PathWalk& walk : walks) {
    if (walk.over()) continue;
    walk.add_polls(polls);
    until = std::min(until, walk.next());
  }
  const auto left = std::max<int64_t>(0, (until - now).count());
  const timespec timeout{.tv_sec = left / 1'000'000, .tv_nsec = left % 1'000'000 * 1000};
  ::ppoll(polls.data(), polls.size(), &timeout, nullptr);
}

Result<std::unique_ptr<Asker>> open_echo(AskOptions ask) {
  ask.size = kEchoSize;
  return open_asker(Method::icmp, ask);
}

}  // namespace

std::optional<uint8_t> distance_by_echo(const PathOptions& options) {
  const auto asker = open_echo(options.ask);
  if (!asker || !(*asker)->send(0, 0)) return std::nullopt;
  const Stopwatch watch;
  while (watch.elapsed() < kEchoPatience) {
    std::vector<Heard> heard;
    (*asker)->hear(heard);
    for (const Heard& one : heard) {
      if (one.what != Heard::What::answer || !one.ttl) return std::nullopt;
      return static_cast<uint8_t>(guess_hops(*one.ttl).hops + 1);
    }
    std::vector<pollfd> polls;
    (*asker)->add_polls(polls);
    ::poll(polls.data(), polls.size(), static_cast<int>(milliseconds(kSlice)));
  }
  return std::nullopt;
}

void run_walks(std::span<PathWalk> walks, const WalkLoop& loop) {
  const Stopwatch watch;
  const auto turn_all = [&] {
    for (PathWalk& walk : walks) {
      if (!walk.over()) walk.turn(watch.elapsed());
    }
    if (loop.turned) loop.turned(watch.elapsed());
    return !std::ranges::all_of(walks, &PathWalk::over);
  };
  while (!(loop.stop && loop.stop()) && turn_all()) wait(walks, watch.elapsed(), loop.wake);
}

Result<PathWalk> open_walk(const PathOptions& options) {
  PathOptions used = options;
  const bool to_port = options.ask.target.port != 0;
  Method method = options.method.value_or(to_port ? Method::tcp : Method::icmp);
  if (method == Method::udp && !to_port) used.ask.target.port = kTraceroutePort;
  auto asker = open_asker(method, used.ask);
  if (!asker && !options.method && method == Method::icmp) {
    method = Method::udp;
    used.ask.target.port = kTraceroutePort;
    asker = open_asker(method, used.ask);
  }
  if (!asker) return std::unexpected(asker.error());
  std::unique_ptr<Asker> echo;
  if (method == Method::tcp && used.max_ttl > 0) {
    echo = open_echo(used.ask).value_or(nullptr);
  }
  return PathWalk(std::move(*asker), method, used, std::move(echo));
}

Result<PathResult> find_path(const PathOptions& options, const std::function<bool()>& stop) {
  if (options.flows > 1) return find_flows(options, stop);
  auto walk = open_walk(options);
  if (!walk) return std::unexpected(walk.error());
  const Stopwatch watch;
  run_walks(std::span(&*walk, 1), {.stop = stop, .turned = {}});
  PathResult result = walk->result(watch.elapsed());
  if (options.mtu && !result.hops.empty()) result.mtu = measure_mtu(result, options.ask, stop);
  result.duration = watch.elapsed();
  return result;
}

}  // namespace tcpdx::probe
