// What is unusual of a segment without moving a state.
#include <algorithm>
#include <utility>

#include "track/machine.hpp"
#include "wire/octets.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::track {
namespace {

constexpr uint8_t kFastOpenOption = 34;  // RFC 7413 4.1.1

// Option kinds are found by walking: kind, length, value (RFC 9293 3.2).
bool has_option(std::span<const std::byte> options, uint8_t kind) {
  for (size_t at = 0; at < options.size();) {
    const uint8_t here = wire::get8(&options[at]);
    if (here == kind) return true;
    if (here == 0) return false;
    if (here == 1) {
      ++at;
      continue;
    }
    if (at + 1 >= options.size()) return false;
    const uint8_t length = wire::get8(&options[at + 1]);
    if (length < 2) return false;
    at += length;
  }
  return false;
}

void note(Notes& notes, Step& step, AnomalyKind kind) {
  notes.anomaly_once(step.record, kind, step.sighting.frame, step.from);
}

void note_syn(Notes& notes, Step& step) {
  const wire::Packet& packet = step.packet;
  if (packet.length > 0) note(notes, step, AnomalyKind::data_in_syn);
  if (has_option(packet.options, kFastOpenOption)) note(notes, step, AnomalyKind::fast_open);
  if (packet.flags.ack) {
    if (step.own.is(has::syn_ack) && packet.seq != step.own.iss) {
      note(notes, step, AnomalyKind::syn_ack_changed);
    }
  } else if (!step.own.is(has::syn) && step.peer.is(has::syn_ack) &&
             step.peer.ack == packet.seq + 1) {
    note(notes, step, AnomalyKind::capture_reordered);
  }
}

// RFC 7323 2.4: the right edge may seem to move back by less than a unit of the scale.
void note_window(Notes& notes, Step& step) {
  if (!step.edge_known || step.packet.flags.syn || step.own.ack != step.packet.ack) return;
  const Seq edge = step.own.ack + step.own.window;
  const int64_t back = step.edge_before - edge;
  if (back > int64_t{1} << std::min<unsigned>(step.own.scale, 14)) {
    note(notes, step, AnomalyKind::window_shrunk);
  }
}

// An end that gets a SYN within its connection asks whether it is meant (RFC 5961 4.2).
void note_challenge(Notes& notes, Step& step) {
  const Trouble* trouble = std::as_const(notes).trouble_of(step.record);
  if (trouble == nullptr || !trouble->has_new_syn || trouble->new_syn_end == step.from) return;
  if (step.length > 0 || step.packet.flags.syn) return;
  step.remarks.add(Remark::challenge_ack);
  note(notes, step, AnomalyKind::challenge_ack);
}

}  // namespace

void note_oddities(Notes& notes, Step& step) {
  const wire::Packet& packet = step.packet;
  if (packet.options_cut) note(notes, step, AnomalyKind::capture_cut);
  if (packet.flags.syn) note_syn(notes, step);
  if (step.own.is(has::fin) && packet.length > 0 && step.end() > step.own.fin + 1) {
    step.remarks.add(Remark::data_after_fin);
    note(notes, step, AnomalyKind::data_after_fin);
  }
  note_window(notes, step);
  note_challenge(notes, step);
}

void note_refused_data(Notes& notes, Step& step) {
  const End& peer = step.peer;
  if (step.own.is(has::ack) && peer.is(has::new_data) && peer.nxt > step.own.ack) {
    note(notes, step, AnomalyKind::data_refused_by_reset);
  }
}

}  // namespace tcpdx::track
