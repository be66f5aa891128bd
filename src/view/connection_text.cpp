#include "view/connection_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

std::string counted(std::string_view what, uint64_t times) {
  return times == 1 ? std::string(what) : fmt::format("{} ×{}", what, grouped(times));
}

std::string_view word(CloseFirst first) {
  switch (first) {
    case CloseFirst::nobody: return "";
    case CloseFirst::originator: return "originator";
    case CloseFirst::responder: return "responder";
    case CloseFirst::both: return "both";
  }
  return "";
}

std::string reset_words(ResetBy by) {
  switch (by) {
    case ResetBy::nobody: return "RST";
    case ResetBy::originator: return "RST by originator";
    case ResetBy::responder: return "RST by responder";
    case ResetBy::third_party: return "RST by a third party";
  }
  return "RST";
}

// Who closed first with a FIN, when a RST ended it: not the sender of the RST, unless both did.
bool fin_before_reset(const Close& close) {
  if (close.first == CloseFirst::nobody) return false;
  return word(close.first) != to_string(close.reset_by);
}

struct AnomalyCount {
  AnomalyKind kind;
  uint64_t times = 0;
};

std::vector<AnomalyCount> counts_of(const Connection& connection) {
  std::vector<AnomalyCount> counts;
  for (const Anomaly& anomaly : connection.anomalies) {
    const auto known = std::ranges::find(counts, anomaly.kind, &AnomalyCount::kind);
    if (known == counts.end()) {
      counts.push_back({anomaly.kind, 1});
    } else {
      ++known->times;
    }
  }
  return counts;
}

// Counts of a side that a tired reader wants to be told of.
void add_side_notes(const Connection& connection, Party party, std::vector<Note>& notes) {
  const ConnectionSide& side = connection.side(party);
  if (side.zero_windows > 0) {
    notes.push_back({counted(fmt::format("zero window by {}", to_string(party)), side.zero_windows),
                     Ink::yellow});
  }
  if (side.keep_alives > 0) {
    notes.push_back(
        {counted(fmt::format("keep-alive by {}", to_string(party)), side.keep_alives), Ink::dim});
  }
}

}  // namespace

std::string amount_of_bytes(uint64_t bytes) {
  constexpr std::array<std::string_view, 6> kUnits{"kB", "MB", "GB", "TB", "PB", "EB"};
  if (bytes < 1'000) return fmt::format("{} B", bytes);
  size_t unit = 0;
  uint64_t tenths = bytes / 100;  // of a kB, cut off
  for (; tenths >= 10'000; tenths /= 1'000) ++unit;
  if (tenths < 100) return fmt::format("{}.{} {}", tenths / 10, tenths % 10, kUnits[unit]);
  return fmt::format("{} {}", tenths / 10, kUnits[unit]);
}

std::string state_of(const ConnectionSide& side) {
  if (!side.state) return "?";
  std::string text(tcp::to_string(*side.state));
  switch (side.certainty) {
    case Certainty::unknown: return text + '?';
    case Certainty::inferred: return text + '~';
    case Certainty::seen: return text;
  }
  return text;
}

std::optional<Duration> handshake_time(const Connection& connection) {
  const auto& [complete, syns, syn_acks, client, server] = connection.handshake;
  if (!client && !server) return std::nullopt;
  return client.value_or(Duration{}) + server.value_or(Duration{});
}

std::string how_closed(const Connection& connection) {
  const Close& close = connection.close;
  switch (close.how) {
    case CloseHow::open:
      return close.first == CloseFirst::nobody ? "open"
                                               : fmt::format("open, FIN by {}", word(close.first));
    case CloseHow::timeout: return "timed out";
    case CloseHow::fin:
      return close.first == CloseFirst::nobody ? "FIN"
                                               : fmt::format("FIN by {}", word(close.first));
    case CloseHow::reset:
      return fin_before_reset(close)
                 ? fmt::format("FIN by {}, {}", word(close.first), reset_words(close.reset_by))
                 : reset_words(close.reset_by);
  }
  return "";
}

std::string link_of(const Connection& connection) {
  std::string text;
  if (!connection.vlans.empty()) text = fmt::format("vlan {}", fmt::join(connection.vlans, ","));
  for (const std::string& tunnel : connection.tunnels) {
    text += fmt::format("{}{}", text.empty() ? "" : " ", printable(tunnel));
  }
  return text;
}

std::string_view in_words(AnomalyKind kind) {
  switch (kind) {
    case AnomalyKind::simultaneous_open: return "simultaneous open";
    case AnomalyKind::split_handshake: return "split handshake";
    case AnomalyKind::fast_open: return "TCP Fast Open";
    case AnomalyKind::data_in_syn: return "data in the SYN";
    case AnomalyKind::syn_ack_changed: return "another SYN-ACK";
    case AnomalyKind::syn_in_connection: return "SYN inside";
    case AnomalyKind::challenge_ack: return "challenge ACK";
    case AnomalyKind::refused_reset: return "RST refused";
    case AnomalyKind::forged_reset: return "RST forged";
    case AnomalyKind::reset_after_close: return "RST after close";
    case AnomalyKind::data_after_fin: return "data after FIN";
    case AnomalyKind::fin_out_of_order: return "FIN out of order";
    case AnomalyKind::data_refused_by_reset: return "data refused by RST";
    case AnomalyKind::port_reuse: return "port reused";
    case AnomalyKind::bad_checksum: return "bad checksum";
    case AnomalyKind::offloaded_checksum: return "checksum left to the card";
    case AnomalyKind::capture_loss: return "capture lost segments";
    case AnomalyKind::capture_duplicate: return "captured twice";
    case AnomalyKind::capture_reordered: return "captured out of order";
    case AnomalyKind::capture_cut: return "cut by the capture";
    case AnomalyKind::mid_stream: return "began before the capture";
    case AnomalyKind::one_way: return "one direction only";
    case AnomalyKind::icmp_error: return "ICMP error";
    case AnomalyKind::window_shrunk: return "window shrunk";
    case AnomalyKind::third_ack_lost: return "third ACK lost";
    case AnomalyKind::stray_segment: return "stray segment";
  }
  return "";
}

bool is_of_capture(AnomalyKind kind) {
  switch (kind) {
    case AnomalyKind::offloaded_checksum:
    case AnomalyKind::capture_loss:
    case AnomalyKind::capture_duplicate:
    case AnomalyKind::capture_reordered:
    case AnomalyKind::capture_cut:
    case AnomalyKind::mid_stream:
    case AnomalyKind::one_way: return true;
    case AnomalyKind::simultaneous_open:
    case AnomalyKind::split_handshake:
    case AnomalyKind::fast_open:
    case AnomalyKind::data_in_syn:
    case AnomalyKind::syn_ack_changed:
    case AnomalyKind::syn_in_connection:
    case AnomalyKind::challenge_ack:
    case AnomalyKind::refused_reset:
    case AnomalyKind::forged_reset:
    case AnomalyKind::reset_after_close:
    case AnomalyKind::data_after_fin:
    case AnomalyKind::fin_out_of_order:
    case AnomalyKind::data_refused_by_reset:
    case AnomalyKind::port_reuse:
    case AnomalyKind::bad_checksum:
    case AnomalyKind::icmp_error:
    case AnomalyKind::window_shrunk:
    case AnomalyKind::third_ack_lost:
    case AnomalyKind::stray_segment: return false;
  }
  return false;
}

std::vector<Note> notes_of(const Connection& connection) {
  std::vector<Note> notes;
  const Handshake& handshake = connection.handshake;
  if (handshake.syn_retransmits > 0) {
    notes.push_back(
        {fmt::format("SYN sent {} times", grouped(handshake.syn_retransmits + uint64_t{1})),
         Ink::yellow});
  }
  if (handshake.syn_ack_retransmits > 0) {
    notes.push_back(
        {fmt::format("SYN-ACK sent {} times", grouped(handshake.syn_ack_retransmits + uint64_t{1})),
         Ink::yellow});
  }
  for (const Party party : {Party::originator, Party::responder}) {
    add_side_notes(connection, party, notes);
  }
  for (const auto& [kind, times] : counts_of(connection)) {
    // Of the first two, one tells all: they hold for the whole connection.
    const bool whole = kind == AnomalyKind::mid_stream || kind == AnomalyKind::one_way;
    notes.push_back(
        {counted(in_words(kind), whole ? 1 : times), is_of_capture(kind) ? Ink::dim : Ink::yellow});
  }
  if (connection.anomalies_left_out > 0) {
    notes.push_back({fmt::format("{} more", grouped(connection.anomalies_left_out)), Ink::dim});
  }
  return notes;
}

}  // namespace tcpdx::view
