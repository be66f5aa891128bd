#include "track/tracker.hpp"

#include <algorithm>
#include <limits>

#include "track/expiries.hpp"
#include "track/flows.hpp"
#include "track/machine.hpp"
#include "track/measure.hpp"
#include "track/result.hpp"
#include "wire/octets.hpp"

namespace tcpdx::track {
namespace {

using tcp::State;

// A capture is taken at an end where that end answers this many times faster than the other one,
// and so fast that no network lies between.
constexpr uint32_t kFaster = 8;
constexpr uint32_t kLocalUs = 100;
// How many segments are looked up ahead of the one in work.
constexpr size_t kAhead = 8;
// How many ends of records are prepared ahead, in two steps.
constexpr size_t kAheadOfEnd = 16;
// Before so many segments were seen a single right checksum speaks against the wrong ones.
constexpr uint64_t kYoung = 64;
constexpr uint16_t kWellKnownPorts = 1024;
constexpr uint8_t kSyn = 0x02;  // the SYN bit alone

constexpr int64_t kEver = std::numeric_limits<int64_t>::max();

int64_t ns(Duration duration) { return std::chrono::nanoseconds(duration).count(); }

bool plain_syn(const wire::Packet& packet) { return packet.flags.syn && !packet.flags.ack; }

bool ended(const End& end) { return end.in(State::closed) || end.in(State::time_wait); }

}  // namespace

struct Tracker::State {
  State(const Options& with, const std::vector<wire::LinkPath>& paths, Sink& to)
      : options(with), links(paths), sink(to) {}

  void take(const Share& share, const Stream& now);
  void take_one(const Sighting& sighting, uint32_t hash, Ref guess);
  void take_icmp(const wire::IcmpError& error, uint32_t link, const Place& place);
  bool finish_some(size_t count);

  // Finding and making records.
  Record* record_of(const Sighting& sighting, uint32_t hash, Ref guess, unsigned& from);
  Record& new_record(const Sighting& sighting, uint32_t hash);
  Record& full_record(uint32_t hash, Ref half_open);
  Record* after_new_syn(const Sighting& sighting, Record& record, unsigned& from);
  std::optional<Sighting> pending_syn(const Record& record) const;
  Record& reopened(const Sighting& syn, Record& old);
  Record& moved_to_new(const Sighting& syn, Record& old);
  bool keep_small(const Sighting& sighting) const;

  // One segment of a record.
  void run(const Sighting& sighting, Record& record, unsigned from);
  void set_roles(Step& step) const;
  void time_handshake(Step& step);
  bool handshake_repeats(const Record& record) const;
  Vantage estimated_vantage(const Record& record, bool bare) const;
  bool ignore_sum(Step& step);
  void note_new_syn(Step& step);
  static PacketReport report_of(const Record& record, unsigned from, const Sighting& sighting);
  void report(const Step& step, const std::array<StateNow, 2>& before);
  static std::array<StateNow, 2> states_of(const Record& record);

  // Ends.
  void settle(Record& record);
  void end_over();
  void prefetch_ends() const;
  void end(Record& record, int64_t at_ns);
  void end_half_open(Ref ref);
  void shed();

  const Options options;
  const std::vector<wire::LinkPath>& links;
  Sink& sink;
  Totals totals;
  Flows flows;
  Expiries over;
  std::vector<Expiry> due;  // in a batch
  std::vector<uint32_t> hashes;
  std::vector<Ref> guesses;
  Connection result;  // of the record that ends; its lists keep their room
  Stream stream;
  uint64_t segments_seen = 0;            // of the stream, with the one in work
  std::optional<uint64_t> frame;         // of the segment in work
  int64_t work_ns = 0;                   // its time
  std::optional<FlowTable::Taken> left;  // when the stream has ended: what is still to be reported
  std::vector<uint32_t> everything;      // the places of a batch
  uint32_t last_id = 0;
  std::optional<Duration> handshake_rtt;  // of the segment in work
};

void Tracker::State::take(const Share& share, const Stream& now) {
  stream = now;
  const std::span<const Sighting> batch = share.batch;
  const std::span<const uint32_t> places = share.places;
  hashes.resize(places.size());
  guesses.resize(places.size());
  for (size_t i = 0; i < places.size(); ++i) {
    hashes[i] = flows.hash(batch[places[i]].packet);
    flows.prefetch_place(hashes[i]);
  }
  for (size_t i = 0; i < places.size() + kAhead; ++i) {
    if (i < places.size()) guesses[i] = flows.prefetch_record(hashes[i]);
    if (i < kAhead) continue;
    const size_t at = i - kAhead;
    segments_seen = stream.segments + places[at] + 1;
    take_one(batch[places[at]], hashes[at], guesses[at]);
  }
  frame.reset();
  end_over();
  totals.peak_memory = std::max<uint64_t>(totals.peak_memory, flows.memory());
}

void Tracker::State::take_one(const Sighting& sighting, uint32_t hash, Ref guess) {
  ++totals.segments;
  frame = sighting.frame;
  work_ns = sighting.time_ns;
  unsigned from = 0;
  if (Record* record = record_of(sighting, hash, guess, from)) run(sighting, *record, from);
}

// Unanswered SYNs stay small as long as nothing else is to be told of them.
bool Tracker::State::keep_small(const Sighting& sighting) const {
  return !options.packet_reports && plain_syn(sighting.packet) && !sighting.packet.flags.fin &&
         !sighting.packet.flags.rst && fits_half_open(sighting, stream.start_ns);
}

// Null where the segment is done with: a first SYN.
Record* Tracker::State::record_of(const Sighting& sighting, uint32_t hash, Ref guess,
                                  unsigned& from) {
  const Flows::Found found = flows.find(hash, sighting.packet, guess);
  from = found.from;
  if (!found.ref) {
    shed();
    if (!keep_small(sighting)) return &new_record(sighting, hash);
    ++totals.connections;
    ++totals.half_open;
    flows.add_half_open(hash, sighting, stream.start_ns, ++last_id);
    sink.opened(sighting.frame);
    return nullptr;
  }
  if (found.ref.kind() != Kind::record) {
    Record& record = full_record(hash, found.ref);
    from =
        record.address[0] == sighting.packet.source && record.port[0] == sighting.packet.source_port
            ? 0
            : 1;
    return after_new_syn(sighting, record, from);
  }
  return after_new_syn(sighting, flows.record(found.ref), from);
}

Record& Tracker::State::new_record(const Sighting& sighting, uint32_t hash) {
  ++totals.connections;
  sink.opened(frame.value_or(sighting.frame));
  return flows.add(hash, sighting, ++last_id);
}

Record& Tracker::State::full_record(uint32_t hash, Ref half_open) {
  OptionBytes options_of_syn{};
  uint32_t id = 0;
  const Sighting syn = flows.take_half_open(hash, half_open, stream.start_ns, options_of_syn, id);
  --totals.half_open;
  Record& record = flows.add(hash, syn, id);
  run(syn, record, 0);
  return record;
}

// A SYN with another ISN than the one known: a new connection on the same ports, or a host that
// forgot this one. A SYN-ACK that answers it decides.
Record* Tracker::State::after_new_syn(const Sighting& sighting, Record& record, unsigned& from) {
  const wire::Packet& packet = sighting.packet;
  const End& own = record.end[from];
  const End& peer = record.end[from ^ 1U];
  if (plain_syn(packet)) {
    const bool another = own.is(has::sent) && packet.seq != own.iss;
    const bool after_all = record.over && !own.is(has::sent);
    if (!another && !after_all) return &record;
    const bool free = record.over || own.in(tcp::State::closed) || ended(own) || ended(peer) ||
                      own.in(tcp::State::syn_sent);
    if (!free) return &record;
    from = 0;
    const std::optional<Sighting> first = pending_syn(record);
    if (!first || first->packet.seq != packet.seq) return &reopened(sighting, record);
    return &moved_to_new(*first, record);
  }
  const Trouble* trouble = std::as_const(flows.notes()).trouble_of(record);
  if (!packet.flags.syn || trouble == nullptr || !trouble->has_new_syn ||
      trouble->new_syn_end == from || packet.ack != trouble->new_syn + 1) {
    return &record;
  }
  const std::optional<Sighting> syn = pending_syn(record);
  if (!syn) return &record;
  from = 1;
  return &moved_to_new(*syn, record);
}

// The SYN was counted where it was seen first; it belongs to the connection that it opened.
Record& Tracker::State::moved_to_new(const Sighting& syn, Record& old) {
  End& end = old.end[flows.notes().trouble(old).new_syn_end];
  end.packets -= 1;
  end.ip_bytes -= syn.packet.ip_octets;
  Record& fresh = reopened(syn, old);
  run(syn, fresh, 0);
  return fresh;
}

// The SYN inside of a connection that note_new_syn() kept.
std::optional<Sighting> Tracker::State::pending_syn(const Record& record) const {
  const Trouble* trouble = flows.notes().trouble_of(record);
  if (trouble == nullptr || !trouble->has_new_syn) return std::nullopt;
  const unsigned end = trouble->new_syn_end;
  Sighting syn;
  syn.frame = trouble->new_syn_frame;
  syn.time_ns = trouble->new_syn_ns;
  syn.packet.source = record.address[end];
  syn.packet.destination = record.address[end ^ 1U];
  syn.packet.source_port = record.port[end];
  syn.packet.destination_port = record.port[end ^ 1U];
  syn.packet.link = record.link;
  syn.packet.seq = trouble->new_syn;
  syn.packet.ip_octets = trouble->new_syn_octets;
  syn.packet.flags.syn = true;
  return syn;
}

Record& Tracker::State::reopened(const Sighting& syn, Record& old) {
  const uint32_t hash = flows.hash_of(old);
  for (unsigned i = 0; i < 2; ++i) {
    if (!old.end[i].in(tcp::State::time_wait)) continue;
    move(flows.notes(), old, {syn.frame, syn.time_ns}, i, tcp::State::closed, Certainty::inferred,
         Cause::new_connection);
  }
  end(old, work_ns);
  Record& fresh = new_record(syn, hash);
  flows.notes().anomaly(fresh, AnomalyKind::port_reuse, syn.frame, 0);
  return fresh;
}

void Tracker::State::set_roles(Step& step) const {
  Record& record = step.record;
  const wire::Packet& packet = step.packet;
  if (record.role_seen) return;
  if (packet.flags.syn) {
    const unsigned opener = packet.flags.ack ? step.to() : step.from;
    record.role_seen = true;
    if (record.originator != opener) {
      record.originator = opener & 1U;
      for (unsigned i = 0; i < record.history_length; ++i) record.history[i] ^= 0x20;
    }
    return;
  }
  if (step.own.packets > 0 || step.peer.packets > 0) return;
  // Servers have the well-known port, or the smaller one.
  const bool to_server =
      packet.destination_port < kWellKnownPorts || packet.destination_port <= packet.source_port;
  record.originator = (to_server ? step.from : step.to()) & 1U;
}

uint32_t elapsed_us(int64_t from_ns, int64_t to_ns) {
  return static_cast<uint32_t>(std::clamp<int64_t>((to_ns - from_ns) / 1000, 0, UINT32_MAX - 1));
}

void Tracker::State::time_handshake(Step& step) {
  Record& record = step.record;
  const int64_t now = step.sighting.time_ns;
  const wire::TcpFlags flags = step.packet.flags;
  if (record.handshake_complete) return;
  if (flags.syn && flags.ack) {
    const bool first_answer = record.syn_ns != kNever && record.syn_ack_ns < record.syn_ns;
    record.syn_ack_ns = now;
    // In a simultaneous open it answers the other SYN.
    const bool answers_syn = step.own.is(has::plain_syn) && step.peer.last_flags == kSyn;
    if (answers_syn && options.vantage == Vantage::unknown &&
        now - step.peer.last_ns < int64_t{kLocalUs / 4} * 1000) {
      record.vantage = step.from == record.originator ? Vantage::originator : Vantage::responder;
    }
    // Only the first answer to a SYN tells the time (RFC 6298 3).
    if (first_answer) record.server_rtt_us = elapsed_us(record.syn_ns, now);
  } else if (flags.syn) {
    record.syn_ns = now;
  } else if (flags.ack && !flags.rst && step.from == record.originator &&
             step.peer.is(has::syn_ack) && step.packet.ack > step.peer.iss) {
    record.handshake_complete = true;
    record.client_rtt_us = elapsed_us(record.syn_ack_ns, now);
    const bool crossed = step.peer.is(has::plain_syn);
    record.plain_handshake = step.length == 0 && !crossed && !handshake_repeats(record);
    step.remarks.add(Remark::handshake_complete);
    if (record.syn_ns != kNever) handshake_rtt = Duration(elapsed_us(record.syn_ns, now));
    if (options.vantage == Vantage::unknown && !crossed) {
      const Vantage found = estimated_vantage(record, step.length == 0);
      if (record.vantage == Vantage::unknown) record.vantage = found;
    }
  }
}

bool Tracker::State::handshake_repeats(const Record& record) const {
  const Trouble* trouble = flows.notes().trouble_of(record);
  return trouble != nullptr && (trouble->syn_retransmits > 0 || trouble->syn_ack_retransmits > 0);
}

// Where the capture was taken, by how fast each end answered the other's segment of the handshake.
// A time between segments of which one came twice tells nothing, and a long one before data in
// place of the third segment neither: an ACK may have been lost before.
Vantage Tracker::State::estimated_vantage(const Record& record, bool bare) const {
  const Trouble* trouble = flows.notes().trouble_of(record);
  const bool syn_again = trouble != nullptr && trouble->syn_retransmits > 0;
  const bool syn_ack_again = trouble != nullptr && trouble->syn_ack_retransmits > 0;
  const uint64_t client = syn_ack_again ? UINT32_MAX : record.client_rtt_us;
  const uint64_t server = syn_again || syn_ack_again ? UINT32_MAX : record.server_rtt_us;
  if (client < kLocalUs && client * kFaster < server) return Vantage::originator;
  const uint64_t local = bare ? kLocalUs : kLocalUs / 4;
  if (server < local && server * kFaster < client) return Vantage::responder;
  if (!bare) return Vantage::unknown;
  if (client >= kLocalUs && server >= kLocalUs) return Vantage::middle;
  return Vantage::unknown;
}

// A segment with a wrong checksum is dropped by whoever gets it, but in captures of changed
// addresses, or where the sender's network card fills it in, all of them are wrong.
bool Tracker::State::ignore_sum(Step& step) {
  const wire::Packet& packet = step.packet;
  if (packet.checksum == wire::Checksum::right) step.own.set(has::right_sum);
  if (packet.checksum == wire::Checksum::offloaded) {
    step.remarks.add(Remark::offloaded_checksum);
    flows.notes().anomaly_once(step.record, AnomalyKind::offloaded_checksum, step.sighting.frame,
                               step.from);
  }
  if (packet.checksum != wire::Checksum::wrong) return false;
  ++flows.notes().trouble(step.record, step.from).bad_checksums;
  step.remarks.add(Remark::bad_checksum);
  flows.notes().anomaly_once(step.record, AnomalyKind::bad_checksum, step.sighting.frame,
                             step.from);
  add_to_history(step.record, step.from, 'C');
  const bool young = segments_seen < kYoung && stream.right_sums > 0;
  if (!step.own.is(has::right_sum) && stream.right_sums <= stream.wrong_sums && !young) {
    return false;
  }
  ++step.own.packets;
  step.own.bytes += packet.length;
  step.own.ip_bytes += packet.ip_octets;
  step.record.set_last_frame(step.sighting.frame);
  return true;
}

void Tracker::State::note_new_syn(Step& step) {
  Trouble& trouble = flows.notes().trouble(step.record);
  const bool again =
      trouble.has_new_syn && trouble.new_syn_end == step.from && trouble.new_syn == step.packet.seq;
  ++step.own.packets;
  step.own.ip_bytes += step.packet.ip_octets;
  step.own.last_ns = step.sighting.time_ns;
  step.record.set_last_frame(step.sighting.frame);
  if (again) return;
  trouble.has_new_syn = true;
  trouble.new_syn_end = static_cast<uint8_t>(step.from);
  trouble.new_syn = step.packet.seq;
  trouble.new_syn_octets = static_cast<uint16_t>(step.packet.ip_octets);
  trouble.new_syn_ns = step.sighting.time_ns;
  trouble.new_syn_frame = step.sighting.frame;
  flows.notes().anomaly_once(step.record, AnomalyKind::syn_in_connection, step.sighting.frame,
                             step.from);
}

std::array<StateNow, 2> Tracker::State::states_of(const Record& record) {
  std::array<StateNow, 2> states;
  for (unsigned i = 0; i < 2; ++i) {
    const End& end = record.end[i];
    StateNow& now = states[i == record.originator ? 0 : 1];
    if (end.known()) now.state = end.state;
    now.certainty = end.certainty;
  }
  return states;
}

void Tracker::State::run(const Sighting& sighting, Record& record, unsigned from) {
  Step step(sighting, record, from);
  std::array<StateNow, 2> before;
  if (options.vantage != Vantage::unknown) record.vantage = options.vantage;
  set_roles(step);
  if (options.packet_reports) before = states_of(record);
  if (record.trouble != 0 && step.own.packets + step.peer.packets == 0) {
    step.remarks.add(Remark::port_reuse);  // the one thing known of a record without packets
  }
  handshake_rtt.reset();
  Notes& notes = flows.notes();
  const wire::TcpFlags flags = sighting.packet.flags;
  const bool foreign_syn =
      plain_syn(sighting.packet) && step.own.is(has::sent) && sighting.packet.seq != step.own.iss;
  if (is_copy(step)) {
    count_copy(notes, step);
  } else if (ignore_sum(step)) {
    // Counted, and no more.
  } else if (foreign_syn) {
    note_new_syn(step);
  } else if (flags.rst) {
    run_reset(notes, step);
    measure_reset(step);
  } else {
    time_handshake(step);
    measure(notes, step);
    note_oddities(notes, step);
    run_machines(notes, step);
  }
  if (options.packet_reports) report(step, before);
  settle(record);
}

// What every report says of the record.
PacketReport Tracker::State::report_of(const Record& record, unsigned from,
                                       const Sighting& sighting) {
  const unsigned originator = record.originator;
  const unsigned responder = originator ^ 1U;
  PacketReport out;
  out.connection = record.id;
  out.sighting = &sighting;
  out.from = from == originator ? Party::originator : Party::responder;
  out.originator = {record.address[originator], record.port[originator]};
  out.responder = {record.address[responder], record.port[responder]};
  out.since_start_ns = sighting.time_ns - record.start_ns;
  out.after = states_of(record);
  return out;
}

void Tracker::State::report(const Step& step, const std::array<StateNow, 2>& before) {
  PacketReport out = report_of(step.record, step.from, step.sighting);
  out.seq = step.packet.seq.raw - step.own.iss.raw;
  if (step.packet.flags.ack) out.ack = step.packet.ack.raw - step.peer.iss.raw;
  out.window = step.packet.flags.rst ? step.packet.window : step.own.window;
  wire::TcpOptions options_of;
  if (step.packet.options.size() >= 10) {
    static_cast<void>(wire::parse_tcp_options(step.packet.options, options_of));
  }
  for (const wire::SackBlock& block : options_of.sacks()) {
    const size_t at = size_t{out.sack_blocks} * 2;
    out.sack[at] = block.left.raw - step.peer.iss.raw;
    out.sack[at + 1] = block.right.raw - step.peer.iss.raw;
    ++out.sack_blocks;
  }
  out.before = before;
  out.remarks = step.remarks;
  out.handshake_rtt = handshake_rtt;
  out.rtt = step.rtt;
  sink.packet(out);
}

// --- Ends.

void Tracker::State::settle(Record& record) {
  if (record.over || !ended(record.end[0]) || !ended(record.end[1])) return;
  record.over = 1;
  over.add({record.last_ns() + ns(options.time_wait), record.id, record.index});
}

// Connections that were over for as long as TIME-WAIT lasts: what comes later is new. They end
// between two batches, in an order that does not depend on others.
void Tracker::State::end_over() {
  due.clear();
  for (Expiry one; over.take(stream.now_ns, one);) {
    prefetch_ends();
    const Record& record = flows.record(Ref(Kind::record, one.index));
    if (record.id != one.id || !record.over) continue;
    one.at_ns = record.last_ns() + ns(options.time_wait);
    one.at_ns > stream.now_ns ? over.add(one) : due.push_back(one);
  }
  std::ranges::sort(due, {}, &Expiry::id);
  for (const Expiry& one : due) {
    Record& record = flows.record(Ref(Kind::record, one.index));
    // One that was over, spoke on and was over again waits twice.
    if (record.id == one.id) end(record, stream.now_ns);
  }
}

void Tracker::State::prefetch_ends() const {
  if (const Expiry* later = over.upcoming(kAheadOfEnd)) flows.prefetch(later->index);
  if (const Expiry* next = over.upcoming(kAheadOfEnd / 2)) flows.prefetch_end(next->index);
}

void Tracker::State::end(Record& record, int64_t at_ns) {
  run_timers(flows.notes(), options, record, at_ns);
  to_connection(flows.notes(), record, links, at_ns, result);
  sink.connection(std::move(result));
  flows.erase(record);
}

void Tracker::State::end_half_open(Ref ref) {
  end(full_record(flows.hash_of(ref), ref), stream.now_ns);
}

// Makes room: half-open ones first, then those that are over, then the longest silent.
void Tracker::State::shed() {
  while (flows.memory() > options.memory) {
    if (const std::optional<Ref> half = flows.oldest_half_open()) {
      OptionBytes unused{};
      uint32_t id = 0;
      static_cast<void>(
          flows.take_half_open(flows.hash_of(*half), *half, stream.start_ns, unused, id));
      --totals.half_open;
      ++totals.dropped_half_open;
      continue;
    }
    Record* victim = nullptr;
    for (Expiry one; victim == nullptr && over.take(kEver, one);) {
      Record& record = flows.record(Ref(Kind::record, one.index));
      if (record.id == one.id && record.over) victim = &record;
    }
    if (victim == nullptr) {
      victim = flows.longest_silent();
      ++totals.dropped_early;
    }
    if (victim == nullptr) return;
    end(*victim, stream.now_ns);
  }
}

void Tracker::State::take_icmp(const wire::IcmpError& error, uint32_t link, const Place& place) {
  ++totals.icmp_errors;
  frame = place.frame;
  wire::Packet quoted;
  quoted.source = error.quoted.source;
  quoted.destination = error.quoted.destination;
  quoted.source_port = error.source_port;
  quoted.destination_port = error.destination_port;
  quoted.link = link;
  const uint32_t hash = flows.hash(quoted);
  Flows::Found found = flows.find(hash, quoted);
  if (!found.ref) {
    ++totals.icmp_unmatched;
    return;
  }
  Record& record =
      found.ref.kind() == Kind::record ? flows.record(found.ref) : full_record(hash, found.ref);
  found.from = record.address[0] == quoted.source && record.port[0] == quoted.source_port ? 0 : 1;
  const std::array<StateNow, 2> before = states_of(record);
  take_icmp_error(flows.notes(), record, found.from, error, place);
  if (options.packet_reports) {
    Sighting where;
    where.frame = place.frame;
    where.time_ns = place.ns;
    PacketReport out = report_of(record, found.from, where);
    out.before = before;
    out.icmp = &error;
    sink.packet(out);
  }
  settle(record);
}

bool Tracker::State::finish_some(size_t count) {
  frame.reset();
  if (!left) left = flows.take_all_by_id();
  const size_t now = std::min(count, left->places.size());
  for (const FlowTable::Place& one : left->places.first(now)) {
    if (one.ref.kind() == Kind::record) {
      end(flows.record(one.ref), stream.now_ns);
    } else {
      end_half_open(one.ref);
    }
  }
  left->places = left->places.subspan(now);
  return !left->places.empty();
}

Tracker::Tracker(const Options& options, const std::vector<wire::LinkPath>& links, Sink& sink)
    : state_(std::make_unique<State>(options, links, sink)) {}
Tracker::~Tracker() = default;

void Tracker::take(std::span<const Sighting> batch) {
  std::vector<uint32_t>& all = state_->everything;
  while (all.size() < batch.size()) all.push_back(static_cast<uint32_t>(all.size()));
  state_->stream.take(batch);
  state_->take({batch, std::span(all).first(batch.size())}, state_->stream);
}
void Tracker::take(const wire::IcmpError& error, uint32_t link, uint64_t frame, int64_t time_ns) {
  state_->stream.take(time_ns);
  state_->take_icmp(error, link, {frame, time_ns});
}
void Tracker::finish() {
  while (state_->finish_some(std::numeric_limits<size_t>::max())) {
  }
}
void Tracker::take(const Share& share, const Stream& stream) { state_->take(share, stream); }
bool Tracker::finish_some(size_t count, const Stream& stream) {
  state_->stream = stream;
  return state_->finish_some(count);
}
std::optional<uint64_t> Tracker::frame() const { return state_->frame; }
const Totals& Tracker::totals() const { return state_->totals; }

}  // namespace tcpdx::track
