#include "model/connection.hpp"

#include <utility>

namespace tcpdx {

std::string_view to_string(Party party) {
  return party == Party::originator ? "originator" : "responder";
}

std::string_view to_string(Certainty certainty) {
  switch (certainty) {
    case Certainty::unknown: return "unknown";
    case Certainty::inferred: return "inferred";
    case Certainty::seen: return "seen";
  }
  std::unreachable();
}

std::string_view to_string(Vantage vantage) {
  switch (vantage) {
    case Vantage::unknown: return "unknown";
    case Vantage::originator: return "originator";
    case Vantage::responder: return "responder";
    case Vantage::middle: return "middle";
  }
  std::unreachable();
}

std::string_view to_string(Cause cause) {
  switch (cause) {
    case Cause::syn_sent: return "SYN sent";
    case Cause::syn_ack_sent: return "SYN-ACK sent";
    case Cause::syn_received: return "SYN received";
    case Cause::syn_ack_received: return "SYN-ACK received";
    case Cause::handshake_ack: return "third segment of the handshake";
    case Cause::data_sent: return "data sent";
    case Cause::ack_sent: return "ACK sent";
    case Cause::fin_sent: return "FIN sent";
    case Cause::fin_received: return "FIN received";
    case Cause::fin_acked: return "FIN acknowledged";
    case Cause::reset_sent: return "RST sent";
    case Cause::reset_received: return "RST received";
    case Cause::icmp_error: return "ICMP error received";
    case Cause::mid_stream: return "capture began later";
    case Cause::time_wait_over: return "TIME-WAIT over (60 s)";
    case Cause::gave_up: return "gave up";
    case Cause::fin_wait_2_over: return "FIN-WAIT-2 over (60 s)";
    case Cause::new_connection: return "new connection on the same ports";
    case Cause::still_alive: return "still alive";
  }
  std::unreachable();
}

std::string_view to_string(AnomalyKind kind) {
  switch (kind) {
    case AnomalyKind::simultaneous_open: return "simultaneous-open";
    case AnomalyKind::split_handshake: return "split-handshake";
    case AnomalyKind::fast_open: return "fast-open";
    case AnomalyKind::data_in_syn: return "data-in-syn";
    case AnomalyKind::syn_ack_changed: return "syn-ack-changed";
    case AnomalyKind::syn_in_connection: return "syn-in-connection";
    case AnomalyKind::challenge_ack: return "challenge-ack";
    case AnomalyKind::refused_reset: return "refused-reset";
    case AnomalyKind::forged_reset: return "forged-reset";
    case AnomalyKind::reset_after_close: return "reset-after-close";
    case AnomalyKind::data_after_fin: return "data-after-fin";
    case AnomalyKind::fin_out_of_order: return "fin-out-of-order";
    case AnomalyKind::data_refused_by_reset: return "data-refused-by-reset";
    case AnomalyKind::port_reuse: return "port-reuse";
    case AnomalyKind::bad_checksum: return "bad-checksum";
    case AnomalyKind::offloaded_checksum: return "offloaded-checksum";
    case AnomalyKind::capture_loss: return "capture-loss";
    case AnomalyKind::capture_duplicate: return "capture-duplicate";
    case AnomalyKind::capture_reordered: return "capture-reordered";
    case AnomalyKind::capture_cut: return "capture-cut";
    case AnomalyKind::mid_stream: return "mid-stream";
    case AnomalyKind::one_way: return "one-way";
    case AnomalyKind::icmp_error: return "icmp-error";
    case AnomalyKind::window_shrunk: return "window-shrunk";
    case AnomalyKind::third_ack_lost: return "third-ack-lost";
    case AnomalyKind::stray_segment: return "stray-segment";
  }
  std::unreachable();
}

std::string_view to_string(CloseHow how) {
  switch (how) {
    case CloseHow::open: return "open";
    case CloseHow::fin: return "fin";
    case CloseHow::reset: return "reset";
    case CloseHow::timeout: return "timeout";
  }
  std::unreachable();
}

std::string_view to_string(ResetBy by) {
  switch (by) {
    case ResetBy::nobody: return "nobody";
    case ResetBy::originator: return "originator";
    case ResetBy::responder: return "responder";
    case ResetBy::third_party: return "third-party";
  }
  std::unreachable();
}

}  // namespace tcpdx
