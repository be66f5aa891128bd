#include "engine/observe.hpp"

#include <algorithm>
#include <thread>

#include "base/stopwatch.hpp"
#include "engine/ask_network.hpp"
#include "engine/closer_look.hpp"
#include "engine/event_watch.hpp"
#include "engine/threads.hpp"
#include "host/program_check.hpp"

namespace tcpdx::engine {
namespace {

// Listeners and counters cost almost nothing, so short looks still get a dozen samples; long ones
// are bounded in memory.
constexpr Duration kShortestStep = 250ms;
constexpr int64_t kMostSamples = 240;
constexpr Duration kNap = 50ms;
constexpr int64_t kRestPerWork = 10;  // at least this many times the time a sample took

Duration step_of(Duration window) { return std::max(kShortestStep, window / kMostSamples); }

bool stopped(const ObserveOptions& options) {
  return options.stop != nullptr && options.stop->load(std::memory_order_relaxed);
}

// Sleeps until `until`, in naps, so that events are read, progress is shown and an interrupt ends
// it early.
void wait_until(const ObserveOptions& options, const Stopwatch& watch, Duration until,
                EventWatch& events, Observation& into) {
  while (!stopped(options)) {
    const Duration now = watch.elapsed();
    events.poll(now, into);
    if (options.progress) options.progress(now);
    if (now >= until) return;
    std::this_thread::sleep_for(std::min(kNap, until - now));
  }
}

Result<void> look_and_sample(const ObserveOptions& options, host::Machine& machine, Duration at,
                             Observation& into) {
  host::LookOptions how = options.look;
  how.run = run_on_threads;
  if (auto done = machine.look(how, at, into); !done) return done;
  machine.sample_softnet(into);
  machine.sample_neighbour_tables(at, into);
  machine.watch_neighbours(at, into);
  return machine.sample(at, into);
}

Result<void> watch_window(const ObserveOptions& options, host::Machine& machine,
                          const Stopwatch& watch, EventWatch& events, Observation& into) {
  Duration step = step_of(options.window);
  for (Duration next = step; next < options.window; next += step) {
    wait_until(options, watch, next, events, into);
    if (stopped(options)) break;
    const Duration began = watch.elapsed();
    if (auto done = machine.sample(began, into); !done) return done;
    machine.watch_neighbours(began, into);
    // A machine with hundreds of namespaces is sampled less often, never all the time.
    step = std::max(step, (watch.elapsed() - began) * kRestPerWork);
    next = std::max(next, began);
  }
  wait_until(options, watch, options.window, events, into);
  into.window = watch.elapsed();
  events.poll(into.window, into);
  auto done = look_and_sample(options, machine, into.window, into);
  events.finish(into);
  return done;
}

void look_closer(const ObserveOptions& options, host::Machine& machine, Observation& into) {
  if (options.look.owners) host::check_programs(options.host.proc, into);
  if (options.ask_firewalls) ask_firewalls(machine, options.host.proc, into);
  if (options.sweep_hidden) sweep_hidden_ports(machine, options.host.proc, into);
}

}  // namespace

Result<Observation> observe(const ObserveOptions& options) {
  Observation seen;
  auto machine = host::Machine::open(options.host, seen);
  if (!machine) return std::unexpected(machine.error());
  const bool watches = options.window > Duration{};
  EventWatch events = watches && options.watch_events ? EventWatch(seen) : EventWatch();
  const Stopwatch watch;
  seen.at = wall_now();
  if (auto done = look_and_sample(options, *machine, Duration{}, seen); !done) {
    return std::unexpected(done.error());
  }
  if (watches && !stopped(options)) {
    if (auto done = watch_window(options, *machine, watch, events, seen); !done) {
      return std::unexpected(done.error());
    }
  }
  machine->find_routes(seen);
  look_closer(options, *machine, seen);
  if (options.ask_network) {
    if (options.asking) options.asking();
    ask_network(*machine, {.proc = options.host.proc, .stop = [&] { return stopped(options); }},
                seen);
  }
  return seen;
}

}  // namespace tcpdx::engine
