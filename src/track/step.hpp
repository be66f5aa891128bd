// One segment on its way through the parts of the tracker.
#pragma once

#include <optional>

#include "track/notes.hpp"
#include "track/record.hpp"
#include "track/report.hpp"

namespace tcpdx::track {

struct Step {
  const Sighting& sighting;
  const wire::Packet& packet;
  Record& record;
  unsigned from;  // the sending end
  End& own;
  End& peer;
  uint32_t length;  // SEG.LEN: text, SYN and FIN
  // What sequence numbers say of it (measure.cpp).
  Seq nxt_before{};  // own.nxt before this segment
  Seq ack_before{};  // own.ack before it
  // The right edge of the window that own told last, where it was no SYN that told.
  Seq edge_before{};
  bool edge_known = false;
  int64_t text_before_ns = kNever;  // when own last sent text before it
  bool repeated = false;            // all of it had been sent before
  Remarks remarks{};
  std::optional<Duration> rtt{};

  Step(const Sighting& s, Record& r, unsigned sender)
      : sighting(s),
        packet(s.packet),
        record(r),
        from(sender),
        own(r.end[sender]),
        peer(r.end[sender ^ 1U]),
        length(s.packet.length + (s.packet.flags.syn ? 1 : 0) + (s.packet.flags.fin ? 1 : 0)),
        nxt_before(own.nxt),
        ack_before(own.ack),
        edge_before(own.ack + own.window),
        edge_known(own.is(has::ack) && (own.last_flags & 0x02U) == 0) {
    if (own.data_packets == 0) return;
    const auto now_us = static_cast<uint32_t>((s.time_ns - r.start_ns) / 1000);
    text_before_ns = s.time_ns - int64_t{now_us - own.last_data_us} * 1000;
  }

  unsigned to() const { return from ^ 1U; }
  Place place() const { return {sighting.frame, sighting.time_ns, from, text_before_ns}; }
  Seq end() const { return packet.seq + length; }
};

// Whether the capture was taken at that end, so that all it sent was seen, and what passed towards
// it arrived.
inline bool taken_at(const Record& record, unsigned end) {
  const Vantage here = end == record.originator ? Vantage::originator : Vantage::responder;
  return record.vantage == here;
}

}  // namespace tcpdx::track
