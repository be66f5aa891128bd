// How an accept queue behaved over the window; shared by the faults of listening and accepting.
#pragma once

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

// Full means more waiting than the limit: a limit of 2 holds 3 (net/sock.h, sk_acceptq_is_full).
// False where the limit is not known.
inline bool is_full(const Listener& listener) {
  return listener.socket->recv_q > queue_limit(*listener.socket).value_or(listener.socket->recv_q);
}

// Share of the samples in which the queue was full; 0 without samples.
double full_share(const Listener& listener);
// How long the window saw this listener: it may have been opened meanwhile.
Duration watched_for(const Facts& facts, const Listener& listener);
// Share of the samples in which something waited.
double waiting_share(const Listener& listener);
// Connections this listener refused during the window (sk_drops); nothing when not known.
std::optional<uint64_t> drops_in_window(const Listener& listener);
// Since it was opened.
std::optional<uint64_t> drops_so_far(const Facts& facts, const Listener& listener);

// How long the oldest connection has been waiting for accept(). The queue is first in, first out:
// while the oldest waits, none was accepted.
Age stalled_for(const Facts& facts, const Listener& listener);

// Descriptors of a process and their soft limit, where both are known.
struct Descriptors {
  uint64_t used = 0;
  uint64_t limit = 0;
};
std::optional<Descriptors> descriptors_of(const Process& process);

// Every process that accepts has used at least 95 % of its descriptors; false if any is unknown.
bool descriptors_used_up(const Facts& facts, const Listener& listener);

// The parts of a finding about a listener that are always the same: subject, queue evidence.
void describe_listener(const Facts& facts, const Listener& listener, Finding& finding);

}  // namespace tcpdx::faults
