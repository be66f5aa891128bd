#include "track/result.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <bit>

#include "base/order.hpp"
#include "track/rtt.hpp"

namespace tcpdx::track {
namespace {

using tcp::State;

Duration us(int64_t ns) { return Duration(ns / 1000); }

// For numbers that count microseconds modulo 2^32 from the start: the last moment before `end_ns`
// that they may mean.
Duration unwrapped(uint32_t low_us, int64_t end_ns) {
  const int64_t end = end_ns / 1000;
  return Duration(end - static_cast<uint32_t>(static_cast<uint32_t>(end) - low_us));
}

class Result {
 public:
  Result(Notes& notes, const Record& record, int64_t now_ns)
      : notes_(notes), record_(record), now_ns_(now_ns) {}

  void write(const std::vector<wire::LinkPath>& links, Connection& out) {
    clear(out);
    out.id = record_.id;
    out.first_frame = record_.first_frame;
    out.last_frame = record_.last_frame;
    out.start = WallTime(us(record_.start_ns));
    out.duration = us(record_.last_ns() - record_.start_ns);
    out.observed = us(std::max(now_ns_, record_.last_ns()) - record_.start_ns);
    out.originator = end(Party::originator);
    out.responder = end(Party::responder);
    out.role_seen = record_.role_seen;
    out.vantage = record_.vantage;
    out.history.assign(record_.history.data(), record_.history_length);
    add_link(links, out);
    add_changes(out);
    add_side(Party::originator, out);
    add_side(Party::responder, out);
    add_handshake(out);
    add_close(out);
    add_anomalies(out);
  }

 private:
  // The lists that most connections have keep their room.
  static void clear(Connection& out) {
    auto timeline = std::move(out.timeline);
    auto anomalies = std::move(out.anomalies);
    timeline.clear();
    anomalies.clear();
    out = Connection{};
    out.timeline = std::move(timeline);
    out.anomalies = std::move(anomalies);
  }

  unsigned index(Party party) const {
    return party == Party::originator ? record_.originator : record_.originator ^ 1U;
  }
  Party party(uint64_t index) const {
    return index == record_.originator ? Party::originator : Party::responder;
  }
  SocketAddress end(Party of) const {
    return {record_.address[index(of)], record_.port[index(of)]};
  }

  void add_link(const std::vector<wire::LinkPath>& links, Connection& out) const {
    if (record_.link >= links.size()) return;
    const wire::LinkPath& path = links[record_.link];
    out.vlans = path.vlans;
    for (const wire::Tunnel& tunnel : path.tunnels) {
      const auto kind = to_string(tunnel.kind);
      out.tunnels.push_back(tunnel.id ? fmt::format("{} {}", kind, *tunnel.id) : std::string(kind));
    }
  }

  void add_changes(Connection& out) const {
    // for_each_change() hands out notes to be changed; here they are only read.
    auto& record = const_cast<Record&>(record_);
    notes_.for_each_change(record, [&](const Note& note) {
      StateChange change;
      change.at = us(note.value - record_.start_ns);
      change.frame = note.frame;
      change.side = party(note.side);
      if (note.has_from) change.from = static_cast<State>(note.from);
      change.to = note.to_state();
      change.certainty = static_cast<Certainty>(note.certainty);
      change.cause = static_cast<Cause>(note.what);
      out.timeline.push_back(change);
    });
    // Proofs move a change to a later frame; equal times keep their order.
    if (std::ranges::is_sorted(out.timeline, {}, &StateChange::at)) return;
    sort_keeping_order(out.timeline, {}, &StateChange::at);
  }

  void add_side(Party of, Connection& out) const {
    const End& own = record_.end[index(of)];
    ConnectionSide& side = out.side(of);
    if (own.known()) side.state = own.state;
    side.certainty = own.certainty;
    for (const StateChange& change : out.timeline) {
      if (change.side == of) side.since = change.at;
    }
    side.packets = own.packets;
    side.data_packets = own.data_packets;
    side.bytes = own.bytes;
    side.ip_bytes = own.ip_bytes;
    side.unique_bytes = own.unique_bytes;
    if (own.mss != 0) side.mss = own.mss;
    if (own.is(has::scale)) side.window_scale = own.scale;
    side.sack_permitted = own.is(has::sack);
    side.timestamps = own.is(has::timestamps);
    side.rtt = notes_.rtts().summary_of(own.rtt);
    side.max_length = own.max_length;
    side.largest_acked = own.largest_acked;
    if (own.packets > 0) side.last_window = own.window;
    side.ttl = own.ttl;
    if (own.packets > 0) side.last_at = us(own.last_ns - record_.start_ns);
    if (own.data_packets > 0) {
      side.last_data_at = unwrapped(own.last_data_us, own.last_ns - record_.start_ns);
    }
    add_trouble(index(of), side);
    add_unanswered(index(of), side);
  }

  void add_trouble(unsigned end, ConnectionSide& side) const {
    const Trouble* both = std::as_const(notes_).trouble_of(record_);
    if (both == nullptr) return;
    const EndTrouble& own = both->ends[end];
    side.missed_bytes = own.missed_bytes;
    side.retransmissions = own.retransmissions;
    side.fast_retransmissions = own.fast_retransmissions;
    side.spurious_retransmissions = own.spurious_retransmissions;
    side.out_of_order = own.out_of_order;
    side.duplicate_acks = own.duplicate_acks;
    side.capture_duplicates = own.capture_duplicates;
    side.zero_windows = own.zero_windows;
    side.zero_window_probes = own.zero_window_probes;
    side.keep_alives = own.keep_alives;
    side.resets = own.resets;
    side.refused_resets = own.refused_resets;
    side.lost_segments = own.lost_segments;
    side.window_full = own.window_full;
    side.bad_checksums = own.bad_checksums;
    int64_t longest = own.zero_window_longest;
    if (own.zero_window_since != kNever)
      longest = std::max(longest, now_ns_ - own.zero_window_since);
    side.zero_window_longest = us(longest);
  }

  void add_unanswered(unsigned end, ConnectionSide& side) const {
    const End& own = record_.end[end];
    const End& peer = record_.end[end ^ 1U];
    if (!peer.is(has::ack) || own.data_packets == 0 || own.nxt <= peer.ack) return;
    if (own.is(has::fin) && peer.ack == own.fin) return;
    Unanswered left{side.last_data_at.value_or(Duration{}), own.last_length, 0};
    const Trouble* both = std::as_const(notes_).trouble_of(record_);
    if (both != nullptr && both->ends[end].again_count > 0 &&
        both->ends[end].again_seq == peer.ack) {
      const EndTrouble& again = both->ends[end];
      left = {us(again.again_first_ns - record_.start_ns), again.again_length, again.again_count};
    }
    side.unanswered = left;
  }

  void add_handshake(Connection& out) const {
    out.handshake.complete = record_.handshake_complete;
    const auto known = [](uint32_t value) {
      return value == UINT32_MAX ? std::nullopt : std::optional(Duration(value));
    };
    out.handshake.client_rtt = known(record_.client_rtt_us);
    out.handshake.server_rtt = known(record_.server_rtt_us);
    if (const Trouble* both = std::as_const(notes_).trouble_of(record_)) {
      out.handshake.syn_retransmits = both->syn_retransmits;
      out.handshake.syn_ack_retransmits = both->syn_ack_retransmits;
    }
  }

  void add_close(Connection& out) const {
    const auto by = [&](uint8_t bits) {
      if (bits == 0) return CloseFirst::nobody;
      if (bits == 3) return CloseFirst::both;
      return party(bits == 1 ? 0 : 1) == Party::originator ? CloseFirst::originator
                                                           : CloseFirst::responder;
    };
    out.close.first = by(record_.closed_first);
    const bool fins = record_.end[0].is(has::fin) && record_.end[1].is(has::fin);
    bool gave_up = false;
    bool closed = true;
    for (unsigned i = 0; i < 2; ++i) {
      const End& one = record_.end[i];
      closed =
          closed && one.known() && (one.state == State::closed || one.state == State::time_wait);
    }
    for (const StateChange& change : out.timeline) gave_up |= change.cause == Cause::gave_up;
    const bool reset = record_.reset_by != 0;
    if (reset) {
      out.close.how = CloseHow::reset;
      out.close.reset_acks = record_.reset_has_ack;
      const uint8_t first = record_.reset_by == 3 ? record_.closed_first : record_.reset_by;
      out.close.reset_by =
          first == 2 || (first == 3 && record_.originator == 1) ? by_end(1) : by_end(0);
      if (record_.forged) out.close.reset_by = ResetBy::third_party;
    } else if (fins && closed) {
      out.close.how = CloseHow::fin;
    } else if (gave_up && closed) {
      out.close.how = CloseHow::timeout;
    }
  }
  ResetBy by_end(unsigned end) const {
    return party(end) == Party::originator ? ResetBy::originator : ResetBy::responder;
  }

  void add_anomalies(Connection& out) const {
    auto& record = const_cast<Record&>(record_);
    notes_.for_each_anomaly(record, [&](const Note& note) {
      Anomaly anomaly;
      anomaly.kind = static_cast<AnomalyKind>(note.what);
      anomaly.frame = note.frame;
      if (note.has_side) anomaly.side = party(note.side);
      anomaly.detail = detail_of(anomaly.kind, note.value);
      out.anomalies.push_back(std::move(anomaly));
    });
    add_one_way(out);
    const Trouble* both = std::as_const(notes_).trouble_of(record_);
    if (both == nullptr) return;
    if (both->anomaly_count > out.anomalies.size()) {
      out.anomalies_left_out = both->anomaly_count - out.anomalies.size();
    }
    for (const IcmpSeen& seen : notes_.icmp_of(record_)) {
      IcmpNote note{.frame = seen.frame,
                    .reporter = seen.reporter,
                    .type = seen.type,
                    .code = seen.code,
                    .mtu = std::nullopt,
                    .about = party(seen.about)};
      if (seen.has_mtu) note.mtu = seen.mtu;
      out.icmp.push_back(note);
    }
  }

  // One end acknowledges what the other was never seen to send.
  void add_one_way(Connection& out) const {
    for (unsigned i = 0; i < 2; ++i) {
      const End& own = record_.end[i];
      if (own.packets < 2 || record_.end[i ^ 1U].packets > 0 || !own.is(has::ack)) continue;
      Anomaly anomaly;
      anomaly.kind = AnomalyKind::one_way;
      anomaly.frame = record_.first_frame;
      anomaly.side = party(i);
      out.anomalies.push_back(std::move(anomaly));
    }
  }

  // reset.cpp packs what it saw of a RST.
  static std::string detail_of(AnomalyKind kind, int64_t evidence) {
    if (kind != AnomalyKind::refused_reset && kind != AnomalyKind::forged_reset) return {};
    if (evidence == 0) return {};
    const auto ttl = static_cast<unsigned>(evidence >> 8U & 0xff);
    const auto usual = static_cast<unsigned>(evidence & 0xff);
    const int64_t off = evidence >> 16U;
    std::string text = off == 0 ? std::string("at RCV.NXT")
                                : fmt::format("{} octets {} RCV.NXT", std::abs(off),
                                              off > 0 ? "behind" : "before");
    if (usual != 0) text += fmt::format(", TTL {}, others {}", ttl, usual);
    return text;
  }

  Notes& notes_;
  const Record& record_;
  int64_t now_ns_;
};

}  // namespace

void to_connection(Notes& notes, const Record& record, const std::vector<wire::LinkPath>& links,
                   int64_t now_ns, Connection& into) {
  Result(notes, record, now_ns).write(links, into);
}

}  // namespace tcpdx::track
