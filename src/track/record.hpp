// What is kept of a connection while it is tracked. Packed: a capture may hold a million at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>

#include "base/address.hpp"
#include "base/seq.hpp"
#include "model/connection.hpp"
#include "tcp/state.hpp"

namespace tcpdx::track {

// A change of state or an anomaly in 16 octets; which of them, its list says.
struct Note {
  uint64_t frame : 40 = 0;
  uint64_t side : 1 = 0;  // the end of the record, not the party
  uint64_t has_side : 1 = 0;
  uint64_t has_from : 1 = 0;
  uint64_t from : 4 = 0;       // tcp::State
  uint64_t to : 4 = 0;         // tcp::State
  uint64_t certainty : 2 = 0;  // Certainty
  uint64_t what : 8 = 0;       // Cause or AnomalyKind
  uint64_t own_frame : 1 = 0;  // the frame is a segment of this very end
  // Of a change the time in ns, of an anomaly its evidence (notes.cpp).
  int64_t value = 0;

  tcp::State to_state() const { return static_cast<tcp::State>(to); }
};
static_assert(sizeof(Note) == 16);

// Further notes of a connection, behind those in its record.
struct NoteChunk {
  std::array<Note, 7> notes{};
  uint32_t next = 0;
  uint32_t count = 0;

  uint32_t& next_free() { return next; }
};

// A time that has not come.
inline constexpr int64_t kNever = std::numeric_limits<int64_t>::min();

// A segment whose acknowledgment is awaited.
struct Timed {
  Seq end;
  uint32_t sent_us = 0;  // since the connection's start, modulo 2^32
};

// Round-trip times: the first few as they are, with more of them all in classes (rtt.cpp).
struct RttSamples {
  uint32_t count = 0;
  std::array<uint32_t, 4> first{};  // of more samples, first[0] is the index of their classes

  bool in_classes() const { return count > first.size(); }
};
// The samples in neighbouring classes: most connections need one or two of these.
struct RttPart {
  std::array<uint16_t, 22> counts{};  // all of an end are halved together before one would overflow
  uint32_t next = 0;

  uint32_t& next_free() { return next; }
};
struct RttClasses {
  uint32_t min = UINT32_MAX;
  uint32_t max = 0;
  std::array<uint32_t, 5> parts{};  // indices into the pool of RttPart; 0: no samples there

  uint32_t& next_free() { return max; }
};

namespace has {
inline constexpr uint16_t syn = 1U << 0U;        // sent a SYN, with or without ACK
inline constexpr uint16_t plain_syn = 1U << 1U;  // without ACK
inline constexpr uint16_t syn_ack = 1U << 2U;
inline constexpr uint16_t ack = 1U << 3U;         // End::ack is set
inline constexpr uint16_t sent = 1U << 4U;        // End::nxt is set
inline constexpr uint16_t fin = 1U << 5U;         // End::fin is set
inline constexpr uint16_t fin_acked = 1U << 6U;   // the other end's ACK of it passed
inline constexpr uint16_t fin_told = 1U << 7U;    // its effect on the other end was applied
inline constexpr uint16_t rst = 1U << 8U;         // a RST that was believed
inline constexpr uint16_t new_data = 1U << 9U;    // sent data beyond what the capture began with
inline constexpr uint16_t right_sum = 1U << 10U;  // a right checksum
inline constexpr uint16_t sack = 1U << 11U;       // SACK permitted in its SYN
inline constexpr uint16_t timestamps = 1U << 12U;
inline constexpr uint16_t scale = 1U << 13U;       // End::scale was in its SYN
inline constexpr uint16_t keep_alive = 1U << 14U;  // its last segment was a keep-alive or probe
// The first of its FINs came with an ACK of the other end's FIN.
inline constexpr uint16_t fin_covers = 1U << 15U;
}  // namespace has

// One end: what it sent, and what that says of it. Two lines of the cache, of which the first is
// all that a plain segment of the other end touches.
struct alignas(64) End {
  int64_t last_ns = 0;
  Seq nxt;              // behind the highest octet sent
  Seq ack;              // the highest acknowledgment sent
  uint32_t window = 0;  // scaled, as last told
  std::array<Timed, 2> timed{};
  RttSamples rtt;
  uint16_t flags = 0;  // of has::
  uint16_t max_length = 0;
  uint16_t largest_acked = 0;  // of one segment's text
  tcp::State state : 4 {};
  Certainty certainty : 2 = Certainty::unknown;  // unknown: `state` means nothing
  uint8_t timed_count : 2 = 0;
  uint8_t dup_acks = 0;

  uint64_t bytes = 0;
  uint64_t unique_bytes = 0;
  uint64_t ip_bytes = 0;
  Seq iss;      // before the first octet where the SYN was not captured
  Seq fin;      // the FIN's own number
  Seq fin_ack;  // what the first FIN acknowledged
  Seq last_seq;
  uint32_t last_ip_id = 0;
  uint32_t packets = 0;
  uint32_t data_packets = 0;
  uint32_t last_data_us = 0;  // since the connection's start, modulo 2^32
  uint16_t last_length = 0;   // lengths end at 65535
  uint16_t mss = 0;           // 0: none told
  uint8_t scale = 0;
  uint8_t ttl = 0;
  uint8_t last_flags = 0;
  uint8_t last_interface = 0;

  bool is(uint16_t what) const { return (flags & what) != 0; }
  void set(uint16_t what) { flags = static_cast<uint16_t>(flags | what); }
  void clear(uint16_t what) { flags = static_cast<uint16_t>(flags & ~what); }
  bool known() const { return certainty != Certainty::unknown; }
  bool in(tcp::State what) const { return known() && state == what; }
};
static_assert(sizeof(End) == 128);

// A stretch of sequence numbers that the capture has not shown.
struct Hole {
  Seq from;
  Seq to;
  int64_t since_ns = 0;
};

// Those of one end, the oldest first.
struct HoleList {
  std::array<Hole, 6> holes{};
  uint32_t count = 0;

  uint32_t& next_free() { return count; }
};

// What most connections never have.
struct EndTrouble {
  uint32_t retransmissions = 0;
  uint32_t fast_retransmissions = 0;
  uint32_t spurious_retransmissions = 0;
  uint32_t out_of_order = 0;
  uint32_t duplicate_acks = 0;
  uint32_t capture_duplicates = 0;
  uint32_t zero_windows = 0;
  uint32_t zero_window_probes = 0;
  uint32_t keep_alives = 0;
  uint32_t resets = 0;
  uint32_t refused_resets = 0;
  uint32_t lost_segments = 0;
  uint32_t window_full = 0;
  uint32_t bad_checksums = 0;
  uint64_t missed_bytes = 0;
  int64_t zero_window_since = kNever;  // the window is open
  int64_t zero_window_longest = 0;
  // The text at SND.UNA when it was first found to be sent again.
  Seq again_seq;
  uint16_t again_length = 0;
  uint32_t again_count = 0;
  uint32_t holes = 0;  // index into the pool of HoleList; 0: none
  int64_t again_first_ns = 0;
};

struct IcmpSeen {
  uint64_t frame = 0;
  IpAddress reporter;
  uint8_t type = 0;
  uint8_t code = 0;
  bool has_mtu = false;
  uint8_t about = 0;
  uint32_t mtu = 0;
};

// The first ICMP errors about a connection.
struct IcmpList {
  std::array<IcmpSeen, 4> seen{};
  uint32_t count = 0;

  uint32_t& next_free() { return count; }
};

struct Trouble {
  std::array<EndTrouble, 2> ends{};
  uint32_t syn_retransmits = 0;
  uint32_t syn_ack_retransmits = 0;
  uint32_t anomalies = 0;  // first NoteChunk
  uint32_t anomaly_count = 0;
  uint32_t anomaly_kinds = 0;  // a bit each
  // A SYN with another ISN inside of the connection, until its answer tells what it was.
  bool has_new_syn = false;
  uint8_t new_syn_end = 0;
  Seq new_syn;
  uint16_t new_syn_octets = 0;  // of its datagram
  int64_t new_syn_ns = 0;
  uint64_t new_syn_frame = 0;
  uint32_t icmp = 0;  // index into the pool of IcmpList; 0: none

  uint32_t& next_free() { return anomalies; }
};
static_assert(sizeof(Trouble) == 264);

// Of a place that is free: no packet has this link.
inline constexpr uint32_t kNoLink = 0xffffff;

inline constexpr size_t kOwnChanges = 4;
inline constexpr size_t kHistory = 14;

// Seven lines of the cache. A plain segment of a connection that is open for sure touches four: the
// first, both of its sender's End and the first of its receiver's.
struct Record {
  std::array<IpAddress, 2> address;
  std::array<uint16_t, 2> port{};
  uint16_t originator : 1 = 0;
  uint16_t role_seen : 1 = 0;
  uint16_t over : 1 = 0;    // nothing more belongs to it but strays
  uint16_t forged : 1 = 0;  // a third party's RST was found
  uint16_t handshake_complete : 1 = 0;
  uint16_t plain_handshake : 1 = 0;  // in three segments, none of them repeated
  uint16_t reset_has_ack : 1 = 0;
  uint32_t trouble = 0;       // index into the pool; 0: none
  uint32_t history_mask = 0;  // letters that stand in it already
  int64_t start_ns = 0;
  uint64_t last_frame : 40 = 0;
  uint64_t link : 24 = 0;
  std::array<End, 2> end;
  int64_t syn_ns = kNever;      // of the last SYN
  int64_t syn_ack_ns = kNever;  // of the last SYN-ACK
  uint64_t first_frame = 0;
  std::array<Note, kOwnChanges> changes{};
  uint32_t id = 0;                      // 0: this place is free
  uint32_t index = 0;                   // in its pool
  uint32_t client_rtt_us = UINT32_MAX;  // UINT32_MAX: not known
  uint32_t server_rtt_us = UINT32_MAX;
  uint32_t more_changes = 0;  // first NoteChunk behind `changes`
  std::array<char, kHistory> history{};
  uint8_t history_length : 4 = 0;
  uint8_t own_changes : 4 = 0;
  Vantage vantage = Vantage::unknown;
  uint8_t closed_first = 0;  // bit per end: sent the first FIN or RST
  uint8_t fin_at_rest = 0;   // bit per end: its FIN found nothing of the other's under way
  uint8_t reset_by = 0;      // bit per end: sent a RST that ended the connection

  void set_last_frame(uint64_t frame) { last_frame = frame & 0xffffffffffU; }
  uint32_t& next_free() { return more_changes; }
  int64_t last_ns() const {
    return end[0].last_ns > end[1].last_ns ? end[0].last_ns : end[1].last_ns;
  }
};
static_assert(sizeof(Record) == 448);

}  // namespace tcpdx::track
