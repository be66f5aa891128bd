#include "track/measure.hpp"

#include <algorithm>
#include <span>

#include "wire/octets.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::track {
namespace {

// Two sightings of one segment lie no further apart (bridges, bonded interfaces, both ends of a
// veth pair); a retransmission never follows that fast.
constexpr int64_t kCopyNs = 2'000'000;
// A later arrival of what was missing is reordering up to here where no round trip is known, and
// up to one round trip where it is.
constexpr int64_t kReorderNs = 3'000'000;
// A repeat this soon after the second duplicate ACK is a fast one.
constexpr int64_t kFastNs = 20'000'000;
constexpr uint8_t kFastDupAcks = 2;
constexpr uint32_t kMaxShift = 14;  // RFC 7323 2.3

uint16_t clamped(uint32_t length) {
  return static_cast<uint16_t>(std::min<uint32_t>(length, UINT16_MAX));
}

int64_t reorder_limit(const Record& record) {
  if (!record.plain_handshake || record.server_rtt_us == UINT32_MAX) return kReorderNs;
  return (int64_t{record.client_rtt_us} + record.server_rtt_us) * 1000;
}

// --- Holes: what of the own stream has not been captured.

void add_hole(Notes& notes, EndTrouble& trouble, const Hole& hole) {
  HoleList& known = notes.holes(trouble);
  if (known.count == known.holes.size()) {
    // The oldest is given up: it counts as never captured.
    trouble.missed_bytes += octets(known.holes[0].from, known.holes[0].to);
    std::shift_left(known.holes.begin(), known.holes.end(), 1);
    --known.count;
  }
  known.holes[known.count++] = hole;
}

// Takes [from, to) out of the holes. Returns how many octets of it were missing, and since when.
struct Filled {
  uint32_t octets = 0;
  int64_t since_ns = 0;
};
Filled fill(Notes& notes, EndTrouble& trouble, Seq from, Seq to) {
  Filled filled;
  if (trouble.holes == 0) return filled;
  HoleList& known = notes.holes(trouble);
  HoleList left;
  const auto keep = [&](Seq a, Seq b, int64_t since) {
    if (a < b && left.count < left.holes.size()) left.holes[left.count++] = {a, b, since};
  };
  for (const Hole& hole : std::span(known.holes).first(known.count)) {
    const Seq a = later(hole.from, from);
    const Seq b = earlier(hole.to, to);
    if (b <= a) {
      keep(hole.from, hole.to, hole.since_ns);
      continue;
    }
    filled.octets += octets(a, b);
    filled.since_ns = hole.since_ns;
    keep(hole.from, a, hole.since_ns);
    keep(b, hole.to, hole.since_ns);
  }
  known = left;
  if (left.count == 0) notes.release_holes(trouble);
  return filled;
}

// --- The sender's sequence numbers.

void count_again(Notes& notes, Step& step) {
  EndTrouble& trouble = notes.trouble(step.record, step.from);
  ++trouble.retransmissions;
  step.remarks.add(Remark::retransmission);
  step.own.timed_count = 0;  // Karn: RFC 6298 3
  add_to_history(step.record, step.from, 'T');
  const End& peer = step.peer;
  if (step.packet.flags.syn) {
    Trouble& both = notes.trouble(step.record);
    ++(step.packet.flags.ack ? both.syn_ack_retransmits : both.syn_retransmits);
    return;
  }
  if (step.packet.length > 0 && peer.is(has::ack) && step.end() <= peer.ack) {
    ++trouble.spurious_retransmissions;
    step.remarks.add(Remark::spurious_retransmission);
  } else if (peer.dup_acks >= kFastDupAcks && step.packet.seq == peer.ack &&
             step.sighting.time_ns - peer.last_ns < kFastNs) {
    ++trouble.fast_retransmissions;
    step.remarks.add(Remark::fast_retransmission);
  }
  if (peer.is(has::ack) && step.packet.seq == peer.ack && step.packet.length > 0) {
    if (trouble.again_count == 0 || trouble.again_seq != step.packet.seq) {
      trouble.again_seq = step.packet.seq;
      trouble.again_length = clamped(step.packet.length);
      trouble.again_count = 0;
      trouble.again_first_ns = step.own.last_ns;
    }
    ++trouble.again_count;
  }
}

// Below what was sent already: missed before, or sent again.
void take_earlier(Notes& notes, Step& step) {
  End& own = step.own;
  const Seq end = step.end();
  Filled filled;
  if (Trouble* trouble = notes.trouble_of(step.record)) {
    filled = fill(notes, trouble->ends[step.from], step.packet.seq, earlier(end, own.nxt));
  }
  own.unique_bytes += filled.octets;
  if (end > own.nxt) own.unique_bytes += octets(own.nxt, end);
  step.repeated = filled.octets == 0 && end <= own.nxt;
  const int64_t waited = step.sighting.time_ns - filled.since_ns;
  if (filled.octets > 0 && waited < reorder_limit(step.record)) {
    ++notes.trouble(step.record, step.from).out_of_order;
    step.remarks.add(Remark::out_of_order);
  } else {
    count_again(notes, step);
  }
  own.nxt = later(own.nxt, end);
}

void take_gap(Notes& notes, Step& step) {
  EndTrouble& trouble = notes.trouble(step.record, step.from);
  ++trouble.lost_segments;
  step.remarks.add(Remark::gap);
  add_to_history(step.record, step.from, 'G');
  add_hole(notes, trouble, {step.own.nxt, step.packet.seq, step.sighting.time_ns});
}

void time_segment(Step& step) {
  End& own = step.own;
  if (own.timed_count == own.timed.size()) return;
  const int64_t since = step.sighting.time_ns - step.record.start_ns;
  own.timed[own.timed_count++] = {step.end(), static_cast<uint32_t>(since / 1000)};
}

// New octets at SND.NXT or beyond.
void take_new(Notes& notes, Step& step) {
  End& own = step.own;
  if (step.packet.seq > own.nxt) take_gap(notes, step);
  own.nxt = step.packet.seq;  // a bare ACK stands at SND.NXT
  if (step.length == 0) return;
  own.unique_bytes += step.packet.length;
  if (step.packet.length > 0) own.set(has::new_data);
  own.nxt = step.end();
  time_segment(step);
}

// One octet or none before SND.NXT, in Linux's form or that of RFC 9293 3.8.4.
bool is_probe(const Step& step) {
  const wire::TcpFlags flags = step.packet.flags;
  if (step.packet.length > 1 || flags.syn || flags.fin || !flags.ack) return false;
  if (step.packet.seq != step.own.nxt - 1) return false;
  // A single octet that is still unacknowledged is data sent again.
  return step.packet.length == 0 || (step.peer.is(has::ack) && step.peer.ack >= step.own.nxt) ||
         step.peer.window == 0;
}

void take_probe(Notes& notes, Step& step) {
  EndTrouble& trouble = notes.trouble(step.record, step.from);
  const bool closed = step.peer.is(has::ack) && step.peer.window == 0;
  ++(closed ? trouble.zero_window_probes : trouble.keep_alives);
  step.remarks.add(closed ? Remark::zero_window_probe : Remark::keep_alive);
  step.own.set(has::keep_alive);
  step.repeated = true;
}

// Beyond all that the receiver has ever offered room for: not of this stream.
bool too_far(const Step& step) {
  constexpr uint32_t kSlack = 1U << 20U;
  const End& peer = step.peer;
  const int64_t gap = step.packet.seq - step.own.nxt;
  const bool scale_known = peer.is(has::syn) || step.own.is(has::syn);
  if (!peer.is(has::ack) || !scale_known) return gap > int64_t{1} << 29U;
  return gap > int64_t{peer.window} + kSlack;
}

void take_numbers(Notes& notes, Step& step) {
  End& own = step.own;
  if (!own.is(has::sent)) {
    own.set(has::sent);
    own.iss = step.packet.flags.syn ? step.packet.seq : step.packet.seq - 1;
    own.nxt = step.packet.seq;
  }
  if (is_probe(step)) return take_probe(notes, step);
  own.clear(has::keep_alive);
  if (step.packet.length == 1 && step.packet.seq == own.nxt && step.peer.is(has::ack) &&
      step.peer.window == 0) {
    ++notes.trouble(step.record, step.from).zero_window_probes;
    step.remarks.add(Remark::zero_window_probe);
  }
  if (step.packet.seq >= own.nxt) {
    if (!too_far(step)) take_new(notes, step);
  } else if (step.length > 0) {
    take_earlier(notes, step);
  }
}

// --- What it acknowledges.

void take_rtt(Notes& notes, Step& step) {
  End& peer = step.peer;
  uint8_t left = 0;
  const auto now = static_cast<uint32_t>((step.sighting.time_ns - step.record.start_ns) / 1000);
  for (uint8_t i = 0; i < peer.timed_count; ++i) {
    const Timed timed = peer.timed[i];
    if (step.packet.ack < timed.end) {
      peer.timed[left++] = timed;
      continue;
    }
    const uint32_t rtt = now - timed.sent_us;
    notes.rtts().add(peer.rtt, rtt);
    step.rtt = Duration(rtt);
  }
  peer.timed_count = left & 3U;
}

// Octets that were acknowledged but never captured.
void take_unseen(Notes& notes, Step& step) {
  EndTrouble& trouble = notes.trouble(step.record, step.to());
  const Filled below = fill(notes, trouble, step.own.ack, earlier(step.packet.ack, step.peer.nxt));
  uint64_t missed = below.octets;
  if (step.packet.ack > step.peer.nxt) {
    missed += octets(step.peer.nxt, step.packet.ack);
    step.peer.nxt = step.packet.ack;
    step.peer.timed_count = 0;
  }
  if (missed == 0) return;
  trouble.missed_bytes += missed;
  step.remarks.add(Remark::acks_unseen);
  notes.anomaly_once(step.record, AnomalyKind::capture_loss, step.sighting.frame, step.to());
}

void take_duplicate_ack(Notes& notes, Step& step) {
  End& own = step.own;
  if (own.dup_acks < UINT8_MAX) ++own.dup_acks;
  ++notes.trouble(step.record, step.from).duplicate_acks;
  step.remarks.add(Remark::duplicate_ack);
}

void take_ack(Notes& notes, Step& step, uint32_t window_before) {
  End& own = step.own;
  End& peer = step.peer;
  const Seq ack = step.packet.ack;
  if (!own.is(has::ack)) {
    own.set(has::ack);
    own.ack = ack;
    if (!peer.is(has::sent)) return;
  }
  if (peer.is(has::sent) && (ack > peer.nxt || notes.has_holes(step.record, step.to()))) {
    take_unseen(notes, step);
  }
  if (ack > step.ack_before || peer.timed_count > 0) take_rtt(notes, step);
  if (ack > own.ack) {
    own.ack = ack;
    own.dup_acks = 0;
    if (peer.nxt == ack) peer.largest_acked = peer.max_length;
    return;
  }
  if (ack != own.ack || step.length > 0) return;
  if (step.packet.flags.syn || step.packet.seq != own.nxt) return;
  if (own.window != window_before) {
    step.remarks.add(Remark::window_update);
  } else if (peer.is(has::keep_alive)) {
    step.remarks.add(Remark::keep_alive_ack);
  } else if (peer.is(has::sent) && peer.nxt > ack) {
    take_duplicate_ack(notes, step);  // RFC 5681 2
  }
}

// --- Windows.

void take_zero_window(Notes& notes, Step& step, bool zero) {
  Trouble* known = notes.trouble_of(step.record);
  if (zero) {
    EndTrouble& trouble = notes.trouble(step.record, step.from);
    ++trouble.zero_windows;
    step.remarks.add(Remark::zero_window);
    add_to_history(step.record, step.from, 'W');
    if (trouble.zero_window_since == kNever) trouble.zero_window_since = step.sighting.time_ns;
  } else if (known != nullptr && known->ends[step.from].zero_window_since != kNever) {
    EndTrouble& trouble = known->ends[step.from];
    trouble.zero_window_longest =
        std::max(trouble.zero_window_longest, step.sighting.time_ns - trouble.zero_window_since);
    trouble.zero_window_since = kNever;
  }
}

void take_window(Notes& notes, Step& step) {
  End& own = step.own;
  const bool scaled = !step.packet.flags.syn && own.is(has::scale) && step.peer.is(has::scale);
  own.window = uint32_t{step.packet.window}
               << (scaled ? std::min<uint32_t>(own.scale, kMaxShift) : 0U);
  if (!step.packet.flags.syn && !step.packet.flags.fin) {
    take_zero_window(notes, step, step.packet.window == 0);
  }
  if (step.packet.length > 0 && step.peer.is(has::ack) && step.peer.window > 0 &&
      step.end() == step.peer.ack + step.peer.window) {
    ++notes.trouble(step.record, step.from).window_full;
    step.remarks.add(Remark::window_full);
  }
}

void take_syn_options(Step& step) {
  wire::TcpOptions options;
  static_cast<void>(wire::parse_tcp_options(step.packet.options, options));
  End& own = step.own;
  if (options.mss) own.mss = *options.mss;
  if (options.window_scale) {
    own.set(has::scale);
    own.scale = *options.window_scale;
  }
  if (options.sack_permitted) own.set(has::sack);
  if (options.timestamps) own.set(has::timestamps);
}

void count_packet(Step& step) {
  End& own = step.own;
  const wire::Packet& packet = step.packet;
  ++own.packets;
  own.bytes += packet.length;
  own.ip_bytes += packet.ip_octets;
  own.last_seq = packet.seq;
  own.last_length = clamped(packet.length);
  own.last_ip_id = packet.ip_id;
  own.last_flags = wire::to_octet(packet.flags);
  own.last_interface = static_cast<uint8_t>(step.sighting.interface);
  own.last_ns = step.sighting.time_ns;
  step.record.set_last_frame(step.sighting.frame);
}

void take_letters(Step& step) {
  const wire::TcpFlags flags = step.packet.flags;
  Record& record = step.record;
  if (flags.syn) add_to_history(record, step.from, flags.ack ? 'H' : 'S');
  if (step.packet.length > 0) add_to_history(record, step.from, 'D');
  if (flags.fin) add_to_history(record, step.from, 'F');
  if (flags.rst) add_to_history(record, step.from, 'R');
  const bool bare = step.length == 0 && flags.ack && !flags.rst;
  if (bare) add_to_history(record, step.from, 'A');
}

}  // namespace

bool is_copy(const Step& step) {
  const End& own = step.own;
  const wire::Packet& packet = step.packet;
  return own.packets > 0 && packet.seq == own.last_seq && packet.ip_id == own.last_ip_id &&
         clamped(packet.length) == own.last_length &&
         wire::to_octet(packet.flags) == own.last_flags &&
         (!packet.flags.ack || packet.ack == own.ack) &&
         step.sighting.time_ns - own.last_ns < kCopyNs &&
         // Without an IP id two bare ACKs that look alike may be two, and what the other end said
         // in between may have drawn the same answer again; data is not sent that fast.
         (packet.ip_id != 0 || own.last_ns >= step.peer.last_ns) &&
         (packet.ip_id != 0 || step.length > 0 ||
          static_cast<uint8_t>(step.sighting.interface) != own.last_interface);
}

void count_copy(Notes& notes, Step& step) {
  count_packet(step);
  ++notes.trouble(step.record, step.from).capture_duplicates;
  step.remarks.add(Remark::capture_duplicate);
  notes.anomaly_once(step.record, AnomalyKind::capture_duplicate, step.sighting.frame, step.from);
}

void measure(Notes& notes, Step& step) {
  End& own = step.own;
  const uint32_t window_before = own.window;
  if (step.packet.flags.syn) take_syn_options(step);
  take_numbers(notes, step);
  take_window(notes, step);
  if (step.packet.flags.ack) take_ack(notes, step, window_before);
  take_letters(step);
  if (step.packet.length > 0 && !step.remarks.has(Remark::keep_alive) &&
      !step.remarks.has(Remark::zero_window_probe)) {
    ++own.data_packets;
    own.last_data_us = static_cast<uint32_t>((step.sighting.time_ns - step.record.start_ns) / 1000);
    own.max_length = std::max(own.max_length, clamped(step.packet.length));
  }
  if (own.ttl == 0) own.ttl = step.packet.ttl;
  count_packet(step);
}

void measure_reset(Step& step) {
  take_letters(step);
  count_packet(step);
}

void add_to_history(Record& record, unsigned end, char letter) {
  static constexpr std::string_view kLetters = "SHADFRTWGC";
  const bool originator = end == record.originator;
  const size_t at = kLetters.find(letter);
  const uint32_t bit = 1U << (at * 2 + (originator ? 0 : 1));
  if ((record.history_mask & bit) != 0 || record.history_length == kHistory) return;
  record.history_mask |= bit;
  const char shown = originator ? letter : static_cast<char>(letter + ('a' - 'A'));
  record.history[record.history_length++] = shown;
}

}  // namespace tcpdx::track
