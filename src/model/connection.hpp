// A connection as packets showed it: the states of both ends over time, how sure they are, and what
// was measured. docs/metrics.md defines each number.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"
#include "tcp/state.hpp"

namespace tcpdx {

// The end that opened the connection, and the other one.
enum class Party : uint8_t { originator, responder };
std::string_view to_string(Party party);
constexpr Party other(Party party) {
  return party == Party::originator ? Party::responder : Party::originator;
}

// unknown: the capture began later or has one direction only. inferred: so by the rules, or by a
// timer. seen: a segment of this very end proves it.
enum class Certainty : uint8_t { unknown, inferred, seen };
std::string_view to_string(Certainty certainty);

// Where the capture was taken, as far as timing tells.
enum class Vantage : uint8_t { unknown, originator, responder, middle };
std::string_view to_string(Vantage vantage);

// What moved a state.
enum class Cause : uint8_t {
  syn_sent,
  syn_ack_sent,
  syn_received,  // of a simultaneous open
  syn_ack_received,
  handshake_ack,  // the third segment, or data or FIN in its place
  data_sent,      // proves that the handshake was over
  ack_sent,
  fin_sent,
  fin_received,
  fin_acked,
  reset_sent,
  reset_received,
  icmp_error,
  mid_stream,      // the capture began later
  time_wait_over,  // the following by timers, with the assumed value in docs/metrics.md
  gave_up,
  fin_wait_2_over,
  new_connection,  // another connection took the addresses
  still_alive,     // a segment showed that a believed end had not come
};
std::string_view to_string(Cause cause);  // "SYN sent", "TIME-WAIT over (60 s)"

struct StateChange {
  Duration at{};       // since the connection's start
  uint64_t frame = 0;  // that caused it; 0: a timer
  Party side{};
  std::optional<tcp::State> from;  // absent: not known
  tcp::State to{};
  Certainty certainty{};
  Cause cause{};
};

enum class AnomalyKind : uint8_t {
  simultaneous_open,
  split_handshake,
  fast_open,
  data_in_syn,
  syn_ack_changed,  // another SYN-ACK with another ISN
  syn_in_connection,
  challenge_ack,
  refused_reset,  // RFC 5961: not at RCV.NXT
  forged_reset,   // TTL, IP id or timing unlike the other segments of that end
  reset_after_close,
  data_after_fin,
  fin_out_of_order,
  data_refused_by_reset,
  port_reuse,
  bad_checksum,
  offloaded_checksum,
  capture_loss,  // acknowledged, but never captured
  capture_duplicate,
  capture_reordered,
  capture_cut,
  mid_stream,
  one_way,
  icmp_error,
  window_shrunk,
  third_ack_lost,  // SYN-ACK again behind the third segment
  stray_segment,   // of a connection that is over
};
std::string_view to_string(AnomalyKind kind);  // kebab-case

struct Anomaly {
  AnomalyKind kind{};
  uint64_t frame = 0;
  std::optional<Party> side;  // who sent it; absent: a third party or both
  std::string detail;         // evidence in words; may be empty
};

struct RttSummary {
  Duration min{};
  Duration median{};
  Duration p99{};
  Duration max{};
  uint32_t samples = 0;
};

// The oldest text of an end that was never acknowledged while it was watched.
struct Unanswered {
  Duration first_at{};   // when it was first sent
  uint32_t length = 0;   // octets of text of that segment
  uint32_t repeats = 0;  // how often its first octet was sent again
};

// What one end sent, unless it says otherwise.
struct ConnectionSide {
  std::optional<tcp::State> state;
  Certainty certainty = Certainty::unknown;
  Duration since{};  // of the state; from the connection's start
  uint64_t packets = 0;
  uint64_t data_packets = 0;  // those with text, repeats included
  uint64_t bytes = 0;         // of text, repeats and capture duplicates included
  uint64_t ip_bytes = 0;      // of IP datagrams
  uint64_t unique_bytes = 0;  // of text that was captured, each octet once
  uint64_t missed_bytes = 0;  // acknowledged by the other side, but never captured
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
  std::optional<uint16_t> mss;
  std::optional<uint8_t> window_scale;
  bool sack_permitted = false;
  bool timestamps = false;
  std::optional<RttSummary> rtt;        // from this end's segments to their acknowledgments
  uint32_t max_length = 0;              // of one segment's text
  std::optional<uint32_t> last_window;  // scaled
  uint8_t ttl = 0;
  Duration last_at{};                    // of this end's last segment
  std::optional<Duration> last_data_at;  // of its last segment with text, but for window probes
  uint32_t largest_acked = 0;            // text of its largest segment that was acknowledged
  std::optional<Unanswered> unanswered;  // absent where all its text was acknowledged
  Duration zero_window_longest{};        // that it announced a window of 0, RSTs aside
};

struct Handshake {
  bool complete = false;
  uint32_t syn_retransmits = 0;
  uint32_t syn_ack_retransmits = 0;
  std::optional<Duration> client_rtt;  // SYN-ACK to third segment: from the capture to the client
  std::optional<Duration> server_rtt;  // SYN to SYN-ACK: from the capture to the server
};

enum class CloseHow : uint8_t { open, fin, reset, timeout };
std::string_view to_string(CloseHow how);
enum class CloseFirst : uint8_t { nobody, originator, responder, both };
enum class ResetBy : uint8_t { nobody, originator, responder, third_party };
std::string_view to_string(ResetBy by);  // "third-party"

struct Close {
  CloseHow how = CloseHow::open;
  CloseFirst first = CloseFirst::nobody;  // of FINs and RSTs
  ResetBy reset_by = ResetBy::nobody;
  // Whether the RST that ended it has ACK set: then a program aborted; without, it answers a
  // segment for which nothing was there (RFC 9293 3.10.7.1).
  std::optional<bool> reset_acks;
};

// An ICMP error about the connection.
struct IcmpNote {
  uint64_t frame = 0;
  IpAddress reporter;
  uint8_t type = 0;
  uint8_t code = 0;
  std::optional<uint32_t> mtu;
  Party about{};  // whose segment it quotes
};

struct Connection {
  uint64_t id = 0;  // from 1, in the order of the first frames
  uint64_t first_frame = 0;
  uint64_t last_frame = 0;
  WallTime start{};
  Duration duration{};  // to the last segment
  Duration observed{};  // from the start to the end of the capture, or to where tracking ended
  std::vector<uint16_t> vlans;
  std::vector<std::string> tunnels;  // "vxlan 42", "gre"
  SocketAddress originator;
  SocketAddress responder;
  bool role_seen = false;  // by SYN or SYN-ACK; else the likelier one
  Vantage vantage = Vantage::unknown;
  std::array<ConnectionSide, 2> sides;  // by Party
  Handshake handshake;
  Close close;
  std::vector<StateChange> timeline;
  std::vector<Anomaly> anomalies;  // the first 64
  uint64_t anomalies_left_out = 0;
  std::vector<IcmpNote> icmp;  // the first 4
  // First occurrences in Zeek's letters (upper case: originator): ShADadFf.
  std::string history;

  const ConnectionSide& side(Party party) const { return sides[static_cast<size_t>(party)]; }
  ConnectionSide& side(Party party) { return sides[static_cast<size_t>(party)]; }
  const SocketAddress& end(Party party) const {
    return party == Party::originator ? originator : responder;
  }
};

}  // namespace tcpdx
