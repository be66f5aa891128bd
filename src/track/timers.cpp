// Ends that no packet shows, because timers bring them.
#include <algorithm>

#include "track/machine.hpp"
#include "track/result.hpp"

namespace tcpdx::track {
namespace {

using tcp::State;

// TCP_RTO_MAX: an end that has something unacknowledged and stays silent for longer has given up.
constexpr Duration kRtoMax = 120s;

int64_t ns(Duration duration) { return std::chrono::nanoseconds(duration).count(); }

int64_t entered(Notes& notes, Record& record, unsigned end) {
  int64_t at = record.start_ns;
  notes.for_each_change(record, [&](const Note& note) {
    if (note.side == end) at = note.value;
  });
  return at;
}

struct Timer {
  int64_t at_ns = 0;
  Cause cause{};
};

bool unacknowledged(const End& own, const End& peer) {
  return own.is(has::sent) && peer.is(has::ack) && own.nxt > peer.ack;
}

std::optional<Timer> timer_of(Notes& notes, const Options& options, Record& record, unsigned end) {
  const End& own = record.end[end];
  const End& peer = record.end[end ^ 1U];
  if (!own.known() || own.state == State::closed) return std::nullopt;
  const int64_t last = std::max(own.last_ns, entered(notes, record, end));
  switch (own.state) {
    case State::syn_sent:
      return Timer{entered(notes, record, end) + ns(options.syn_sent), Cause::gave_up};
    case State::syn_received:
      return Timer{entered(notes, record, end) + ns(options.syn_received), Cause::gave_up};
    case State::time_wait: return Timer{last + ns(options.time_wait), Cause::time_wait_over};
    case State::fin_wait_2:
      return Timer{std::max(last, peer.last_ns) + ns(options.fin_wait_2), Cause::fin_wait_2_over};
    case State::fin_wait_1:
    case State::closing:
    case State::last_ack:
    case State::established:
    case State::close_wait:
      if (!unacknowledged(own, peer)) return std::nullopt;
      return Timer{std::max(last, peer.last_ns) + ns(kRtoMax), Cause::gave_up};
    case State::closed:
    case State::listen: return std::nullopt;
  }
  return std::nullopt;
}

}  // namespace

void run_timers(Notes& notes, const Options& options, Record& record, int64_t now_ns) {
  for (unsigned end = 0; end < 2; ++end) {
    const std::optional<Timer> timer = timer_of(notes, options, record, end);
    if (!timer || timer->at_ns > now_ns) continue;
    const State before = record.end[end].state;
    notes.change(record, {0, timer->at_ns}, end, before, State::closed, Certainty::inferred,
                 timer->cause);
  }
}

}  // namespace tcpdx::track
