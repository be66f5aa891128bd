// ICMP errors about a connection (RFC 9293 3.9.2.2, RFC 5927).
#include "track/machine.hpp"

namespace tcpdx::track {
namespace {

using tcp::State;

// The quoted segment is one that may still be on its way.
bool fits(const End& own, const End& peer, Seq quoted) {
  if (!own.is(has::sent)) return true;
  const Seq oldest = peer.is(has::ack) ? peer.ack : own.iss;
  return quoted >= oldest && quoted <= own.nxt;
}

// Linux ends an attempt by any "unreachable" (net/ipv4/tcp_ipv4.c, tcp_v4_err).
bool unreachable(const wire::IcmpError& error) {
  const bool v4 = error.quoted.source.family == Family::v4;
  const uint8_t type = error.cause.type;
  return v4 ? type == wire::icmp4::kUnreachable &&
                  error.cause.code != wire::icmp4::kFragmentationNeeded
            : type == wire::icmp6::kUnreachable;
}

}  // namespace

void take_icmp_error(Notes& notes, Record& record, unsigned about, const wire::IcmpError& error,
                     const Place& place) {
  End& own = record.end[about];
  if (!fits(own, record.end[about ^ 1U], error.seq)) return;
  notes.anomaly_once(record, AnomalyKind::icmp_error, place.frame, std::nullopt);
  IcmpList& list = notes.icmp(record);
  if (list.count < list.seen.size()) {
    list.seen[list.count++] = {.frame = place.frame,
                               .reporter = error.reporter,
                               .type = error.cause.type,
                               .code = error.cause.code,
                               .has_mtu = error.cause.mtu.has_value(),
                               .about = static_cast<uint8_t>(about),
                               .mtu = error.cause.mtu.value_or(0)};
  }
  if (own.in(State::syn_sent) && unreachable(error)) {
    move(notes, record, place, about, State::closed, Certainty::inferred, Cause::icmp_error);
  }
}

}  // namespace tcpdx::track
