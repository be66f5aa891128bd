// See socket_watch.hpp.
#include "engine/socket_watch.hpp"

#include <chrono>
#include <utility>

#include "engine/threads.hpp"

namespace tcpdx::engine {

Result<SocketWatch> SocketWatch::open(const host::Options& host, const host::LookOptions& look) {
  Observation seen;
  auto machine = host::Machine::open(host, seen);
  if (!machine) return std::unexpected(machine.error());
  SocketWatch watch(std::move(*machine), {}, look);
  watch.look_.run = run_on_threads;
  if (auto done = watch.look_now(seen); !done) return std::unexpected(done.error());
  return watch;
}

Result<void> SocketWatch::look() {
  Observation seen;
  if (auto begun = machine_.begin_again(seen); !begun) return begun;
  return look_now(seen);
}

Result<void> SocketWatch::look_now(Observation& into) {
  const auto began = std::chrono::steady_clock::now();
  into.at = wall_now();
  if (auto done = machine_.look(look_, Duration::zero(), into); !done) return done;
  took_ = std::chrono::duration_cast<Duration>(std::chrono::steady_clock::now() - began);
  seen_ = std::move(into);
  return {};
}

Result<std::vector<uint32_t>> SocketWatch::refresh(std::span<const uint32_t> which) {
  seen_.at = wall_now();
  return machine_.refresh(which, look_.infos, seen_);
}

}  // namespace tcpdx::engine
