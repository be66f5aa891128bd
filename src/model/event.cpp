#include "model/event.hpp"

#include <utility>

namespace tcpdx {

std::string_view to_string(EventKind kind) {
  switch (kind) {
    case EventKind::state: return "state";
    case EventKind::connect: return "connect";
    case EventKind::retransmit: return "retransmit";
    case EventKind::reset_sent: return "reset-sent";
    case EventKind::reset_received: return "reset-received";
    case EventKind::drop: return "drop";
    case EventKind::zero_window: return "zero-window";
    case EventKind::accept_drop: return "accept-drop";
    case EventKind::bind_failed: return "bind-failed";
  }
  std::unreachable();
}

std::string_view to_string(RetransmitKind kind) {
  switch (kind) {
    case RetransmitKind::none: return "";
    case RetransmitKind::syn: return "syn";
    case RetransmitKind::syn_ack: return "syn-ack";
    case RetransmitKind::fast: return "fast";
    case RetransmitKind::timeout: return "timeout";
    case RetransmitKind::tail_loss_probe: return "tail-loss-probe";
    case RetransmitKind::spurious: return "spurious";
  }
  std::unreachable();
}

}  // namespace tcpdx
