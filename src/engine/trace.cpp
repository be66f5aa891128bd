#include "engine/trace.hpp"

#include <time.h>

#include <algorithm>
#include <iterator>
#include <thread>
#include <utility>

#include "base/order.hpp"
#include "engine/threads.hpp"
#include "engine/trace_deaths.hpp"
#include "engine/trace_joins.hpp"
#include "engine/trace_story.hpp"
#include "host/events.hpp"
#include "host/lookups.hpp"
#include "host/machine.hpp"

namespace tcpdx::engine {

namespace {

using tcp::State;

// An event waits this long before it is told, so that it stands in the order of time among those
// of other processors, and that the program that takes an accepted socket is known.
constexpr Nanoseconds kWait = std::chrono::milliseconds(100);
constexpr auto kNap = std::chrono::milliseconds(50);
constexpr Nanoseconds kStep = std::chrono::seconds(1);  // between two looks
constexpr int64_t kRestPerWork = 50;                    // looks take at most 2 % of a processor
constexpr size_t kMostAtRest = 20'000;                  // with more to tell there is no nap
constexpr size_t kMostWaiting = 500'000;
constexpr size_t kToldAtOnce = 1024;     // then the ring buffer is emptied again
constexpr uint32_t kBuffer = 1U << 24U;  // 150,000 records: what comes in a second or more

Nanoseconds monotonic_now() {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  return std::chrono::seconds(now.tv_sec) + std::chrono::nanoseconds(now.tv_nsec);
}

bool asked(const TraceOptions& options, EventKind kind) {
  return !options.lives && std::ranges::find(options.kinds, kind) != options.kinds.end();
}

// Changes of state are always followed: they tell whose a socket is.
host::EventOptions event_options(const TraceOptions& options, const Observation& seen) {
  host::EventOptions wanted;
  wanted.kinds = {EventKind::state};
  for (const EventKind kind : options.kinds) {
    if (kind != EventKind::state && !options.lives) wanted.kinds.push_back(kind);
  }
  wanted.lives = options.lives;
  wanted.accepts = true;
  wanted.buffer = kBuffer;
  const EventBounds bounds = bounds_of(options.filter, host::kMostPorts, host::kMostNets);
  wanted.ports = bounds.ports;
  for (const EventBounds::Net& net : bounds.nets) wanted.nets.push_back({net.address, net.bits});
  if (host::sees_all_processes()) return wanted;
  for (const Namespace& space : seen.namespaces) {
    wanted.namespaces.push_back(static_cast<uint32_t>(space.inode));
  }
  return wanted;
}

class Tracer {
 public:
  Tracer(const TraceOptions& options, TraceSink& sink, host::Machine machine, host::Events events,
         host::Lookups lookups, Observation seen)
      : options_(options),
        sink_(sink),
        machine_(std::move(machine)),
        events_(std::move(events)),
        lookups_(std::move(lookups)),
        seen_(std::move(seen)),
        story_(wall_at_zero(), {[this](TraceEvent&& event) { give(event); },
                                [this](TraceLife&& life) { give(life); }}) {}

  Result<void> run();

 private:
  struct Waiting {
    host::KernelEvent event;
    std::string reason;
  };

  static WallTime wall_at_zero() {
    return wall_now() - std::chrono::floor<Duration>(monotonic_now());
  }

  void give(const TraceEvent& event);
  void give(const TraceLife& life);
  Result<void> first_look();
  void read();
  void tell_until(Nanoseconds until);
  void tell_lost();
  void look(Nanoseconds now);
  void sample(Nanoseconds now);
  void look_at_windows(Nanoseconds now);
  void look_at_half_opens(Nanoseconds now);
  void find_local_ports();
  std::optional<State> ask(const host::SocketName& name);

  const TraceOptions& options_;
  TraceSink& sink_;
  host::Machine machine_;
  host::Events events_;
  host::Lookups lookups_;
  Observation seen_;
  TraceStory story_;
  TellJoined tell_ = [this](TraceEvent&& event, Nanoseconds at) {
    story_.tell_joined(std::move(event), at);
  };
  TimeWaits time_waits_{tell_};
  HalfOpens half_opens_{tell_};
  ZeroWindows zero_windows_{tell_};
  Spurious spurious_{tell_};
  std::vector<Waiting> arrived_;  // read
  std::vector<Waiting> waiting_;  // until they are old enough to be told
  Nanoseconds next_look_{};
  uint64_t lost_ = 0;
  bool strange_netns_ = false;  // one that has come since we looked for them
};

void Tracer::give(const TraceEvent& event) {
  if (asked(options_, event.kind) && matches(options_.filter, event)) sink_.event(event);
}

void Tracer::give(const TraceLife& life) {
  if (options_.lives && matches(options_.filter, life)) sink_.life(life);
}

Result<void> Tracer::first_look() {
  host::LookOptions how;
  how.infos = false;
  how.run = run_on_threads;
  if (auto looked = machine_.look(how, {}, seen_); !looked) return looked;
  story_.seed(seen_, seen_.now(), monotonic_now());
  seen_.looks.clear();
  return machine_.sample({}, seen_);
}

void Tracer::read() {
  if (arrived_.size() + waiting_.size() > kMostWaiting) return;  // rather lose than grow
  events_.poll([&](host::KernelEvent&& event) {
    story_.learn(event);
    if (event.only_user) return;
    strange_netns_ = strange_netns_ || !lookups_.names().contains(event.netns);
    std::string reason = events_.reason(event.kind, event.reason);
    arrived_.push_back({std::move(event), std::move(reason)});
  });
}

void Tracer::tell_lost() {
  const uint64_t lost = events_.lost();
  if (lost > lost_) sink_.lost(lost - lost_);
  lost_ = lost;
}

// While events are told new ones come; they are read before the ring buffer is full.
void Tracer::tell_until(Nanoseconds until) {
  waiting_.insert(waiting_.end(), std::make_move_iterator(arrived_.begin()),
                  std::make_move_iterator(arrived_.end()));
  arrived_.clear();
  sort_keeping_order(waiting_, {}, [](const Waiting& one) { return one.event.at; });
  const auto end =
      std::ranges::find_if(waiting_, [&](const Waiting& one) { return one.event.at > until; });
  size_t told = 0;
  for (auto one = waiting_.begin(); one != end; ++one) {
    half_opens_.see(one->event);
    story_.tell(one->event, one->reason);
    time_waits_.see(one->event);
    spurious_.see(one->event);
    if (++told % kToldAtOnce == 0) read();
  }
  waiting_.erase(waiting_.begin(), end);
}

std::optional<State> Tracer::ask(const host::SocketName& name) {
  switch (lookups_.is_there(name)) {
    case host::Lookups::Answer::unknown: return std::nullopt;
    case host::Lookups::Answer::gone: return State::closed;
    case host::Lookups::Answer::there: break;
  }
  const auto found = lookups_.find(name);
  return found ? found->socket.state : State::closed;
}

void Tracer::look_at_half_opens(Nanoseconds now) {
  std::vector<host::SocketName> all;
  lookups_.each({State::syn_received}, false,
                [&](uint64_t netns, const host::DiagMessage& message) {
                  const Socket& socket = message.socket;
                  if (socket.state != State::syn_received) return;
                  all.push_back({netns, socket.local, socket.remote, socket.cookie});
                });
  half_opens_.look(all, now);
}

void Tracer::look_at_windows(Nanoseconds now) {
  zero_windows_.begin();
  lookups_.each({State::established, State::close_wait, State::fin_wait_1, State::fin_wait_2,
                 State::last_ack, State::closing},
                true, [&](uint64_t netns, const host::DiagMessage& message) {
                  zero_windows_.see(netns, message, now);
                });
  zero_windows_.end();
}

// Listeners and counters cost almost nothing; what they tell decides whether more is looked at.
void Tracer::sample(Nanoseconds now) {
  if (!machine_.sample({}, seen_) || seen_.samples.size() < 2) return;
  const Sample& before = seen_.samples.front();
  const Sample& after = seen_.samples.back();
  if (asked(options_, EventKind::accept_drop)) {
    for (TraceEvent& event : accept_drops(seen_, before, after)) tell_(std::move(event), now);
  }
  const uint64_t closed =
      rise(before, after, "TcpExt.TCPToZeroWindowAdv") + rise(before, after, "TcpExt.TCPWinProbe");
  if (asked(options_, EventKind::zero_window) && (closed > 0 || !zero_windows_.none())) {
    look_at_windows(now);
  }
  seen_.samples.erase(seen_.samples.begin());
}

void Tracer::look(Nanoseconds now) {
  if (now < next_look_) return;
  tell_lost();
  if (std::exchange(strange_netns_, false)) {
    lookups_.refresh();
    story_.set_names(lookups_.names());
  }
  time_waits_.look(now, [this](const host::SocketName& name) { return ask(name); });
  if (!options_.lives) {
    sample(now);
    look_at_half_opens(now);
    spurious_.look(now, [this](const host::SocketName& name) { return lookups_.find(name); });
  }
  story_.forget(now - kStep);
  const Nanoseconds done = monotonic_now();
  next_look_ = done + std::max(kStep, (done - now) * kRestPerWork);
}

// A socket that calls has no port yet when it says so, and may not say more for long.
void Tracer::find_local_ports() {
  const bool needed = std::ranges::any_of(waiting_, [this](const Waiting& one) {
    return one.event.kind == EventKind::state && one.event.to == State::syn_sent &&
           !story_.has_port(one.event.cookie);
  });
  if (!needed) return;
  lookups_.each({State::syn_sent}, false, [&](uint64_t, const host::DiagMessage& message) {
    host::KernelEvent known;
    known.cookie = message.socket.cookie;
    known.local = message.socket.local;
    known.kind = EventKind::retransmit;  // no change of state
    story_.learn(known);
  });
}

Result<void> Tracer::run() {
  if (auto looked = first_look(); !looked) return looked;
  story_.set_names(lookups_.names());
  sink_.begin(seen_);
  const Nanoseconds began = monotonic_now();
  next_look_ = began + kStep;
  Nanoseconds ports_at{};
  while (true) {
    const Nanoseconds now = monotonic_now();
    const Nanoseconds elapsed = now - began;
    const bool over = (options_.stop != nullptr && *options_.stop) ||
                      (options_.window && elapsed >= *options_.window);
    read();
    if (now >= ports_at) {
      find_local_ports();
      ports_at = now + (monotonic_now() - now) * kRestPerWork;
    }
    tell_until(over ? Nanoseconds::max() : now - kWait);
    look(now);
    if (over) tell_lost();
    if (!sink_.round(std::chrono::floor<Duration>(elapsed)) || over) return {};
    if (arrived_.size() < kMostAtRest) std::this_thread::sleep_for(kNap);
  }
}

}  // namespace

Result<void> trace(const TraceOptions& options, TraceSink& sink) {
  Observation seen;
  auto machine = host::Machine::open({}, seen);
  if (!machine) return std::unexpected(machine.error());
  auto events = host::Events::open(event_options(options, seen));
  if (!events) {
    if (options.lives) return trace_deaths(options, events.error(), sink);
    const Missing& lack = events.error();
    return fail("cannot see events: {}{}{}", lack.why,
                lack.needs.empty() ? "" : "; they need " + lack.needs,
                "; tcpdx trace --life works without");
  }
  auto lookups = host::Lookups::open("/proc", "/run/netns");
  if (!lookups) return std::unexpected(lookups.error());
  Tracer tracer(options, sink, std::move(*machine), std::move(*events), std::move(*lookups),
                std::move(seen));
  return tracer.run();
}

}  // namespace tcpdx::engine
