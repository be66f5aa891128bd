#include "track/report.hpp"

#include <utility>

namespace tcpdx::track {

std::string_view to_string(Remark remark) {
  switch (remark) {
    case Remark::retransmission: return "retransmission";
    case Remark::fast_retransmission: return "fast retransmission";
    case Remark::spurious_retransmission: return "spurious retransmission";
    case Remark::out_of_order: return "out of order";
    case Remark::gap: return "segments before it missing";
    case Remark::duplicate_ack: return "duplicate ACK";
    case Remark::capture_duplicate: return "captured twice";
    case Remark::keep_alive: return "keep-alive";
    case Remark::keep_alive_ack: return "answer to keep-alive";
    case Remark::zero_window: return "zero window";
    case Remark::zero_window_probe: return "zero-window probe";
    case Remark::window_full: return "window full";
    case Remark::window_update: return "window update";
    case Remark::refused_reset: return "refused RST";
    case Remark::forged_reset: return "RST by a third party";
    case Remark::challenge_ack: return "challenge ACK";
    case Remark::acks_unseen: return "acknowledges what was not captured";
    case Remark::bad_checksum: return "bad checksum";
    case Remark::offloaded_checksum: return "checksum left to the network card";
    case Remark::data_after_fin: return "data after FIN";
    case Remark::stray: return "belongs to no open connection";
    case Remark::handshake_complete: return "handshake complete";
    case Remark::port_reuse: return "ports used again";
  }
  std::unreachable();
}

}  // namespace tcpdx::track
