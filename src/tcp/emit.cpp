// Segments of a connection, put together from its record.
#include <algorithm>
#include <array>

#include "tcp/machine.hpp"

namespace tcpdx::tcp {
namespace {

constexpr size_t kMaxText = 65535;

uint16_t mss_option(const Core& core, Family family) {
  // MMS_R less the fixed headers; options are the sender's to subtract (RFC 6691, MUST-67).
  return static_cast<uint16_t>(core.settings.mtu - (family == Family::v4 ? 40 : 60));
}

// 3.8.6.2.2: the right edge moves only by a segment or half of the buffer, and never back, but for
// the rounding that a scale brings (RFC 7323 2.4).
uint16_t offered_window(const Core& core, Tcb& tcb, bool syn) {
  const uint32_t limit = core.settings.receive_buffer;
  const size_t unread = tcb.transfer ? tcb.transfer->receive.in_order() : 0;
  Seq edge = tcb.rcv_nxt + static_cast<uint32_t>(limit - std::min<size_t>(unread, limit));
  const int32_t least = std::min<int32_t>(static_cast<int32_t>(limit / 2), tcb.peer_mss);
  if (edge - tcb.rcv_edge < std::max(least, 1)) edge = tcb.rcv_edge;
  const unsigned scale = syn ? 0 : tcb.rcv_scale;
  const uint32_t window = edge > tcb.rcv_nxt ? octets(tcb.rcv_nxt, edge) : 0;
  const uint32_t field = std::min<uint32_t>(window >> scale, UINT16_MAX);
  tcb.rcv_edge = later(tcb.rcv_edge, tcb.rcv_nxt + (field << scale));
  return static_cast<uint16_t>(field);
}

void put_syn_options(const Core& core, const Tcb& tcb, wire::TcpOptions& options) {
  options.mss = mss_option(core, tcb.local.addr.family);
  if (tcb.scaling) options.window_scale = scale_for(core.settings.receive_buffer);
  options.sack_permitted = tcb.sack;
}

// An empty ACK of the current state of things, ready for text and flags.
Packet segment(Core& core, Tcb& tcb, Seq seq, wire::TcpFlags flags) {
  Packet packet;
  packet.source = tcb.local.addr;
  packet.destination = tcb.remote.addr;
  packet.ttl = tcb.options().ttl;
  packet.traffic_class = tcb.options().traffic_class;
  packet.source_route = tcb.options().source_route;
  wire::TcpHeader& header = packet.header;
  header.source_port = tcb.local.port;
  header.destination_port = tcb.remote.port;
  header.seq = seq;
  header.flags = flags;
  if (flags.ack) header.ack = tcb.rcv_nxt;
  if (flags.syn) put_syn_options(core, tcb, header.options);
  if (tcb.timestamps) {
    header.options.timestamps = {timestamp_now(core, tcb), flags.ack ? tcb.ts_recent : 0};
  }
  if (flags.rst) return packet;
  header.window = offered_window(core, tcb, flags.syn);
  if (!flags.syn && tcb.sack && tcb.transfer) {
    header.options.sack_count = tcb.transfer->receive.sack_blocks(
        header.options.sack_blocks,
        tcb.timestamps ? wire::kMaxSackBlocks - 1 : wire::kMaxSackBlocks);
  }
  if (!flags.syn && tcb.snd_up > tcb.snd_una &&
      tcb.snd_up > seq) {  // SND.UP - SEG.SEQ, to the first octet after (MUST-62)
    header.flags.urg = true;
    header.urgent = static_cast<uint16_t>(std::min<uint32_t>(octets(seq, tcb.snd_up), UINT16_MAX));
  }
  return packet;
}

void emit(Core& core, Tcb& tcb, const Packet& packet) {
  if (packet.header.flags.ack) {
    tcb.last_ack_sent = tcb.rcv_nxt;
    tcb.ack_now = false;
    tcb.ack_at = kNever;
  }
  tcb.last_sent_ms = core.now_ms();
  core.sink.send(packet);
}

}  // namespace

uint8_t scale_for(uint32_t buffer) {
  uint8_t scale = 0;
  while (scale < 14 && (buffer >> scale) > UINT16_MAX) ++scale;  // at most 14: RFC 7323 2.3
  return scale;
}

uint32_t timestamp_now(const Core& core, const Tcb& tcb) { return core.now_ms() + tcb.ts_offset; }

void send_syn(Core& core, Tcb& tcb) {
  const bool ack = tcb.state != State::syn_sent;
  emit(core, tcb, segment(core, tcb, tcb.iss, {.syn = true, .ack = ack}));
}

void send_ack(Core& core, Tcb& tcb) {
  emit(core, tcb, segment(core, tcb, tcb.snd_nxt, {.ack = true}));
}

void send_challenge_ack(Core& core, Tcb& tcb) {
  const auto interval = static_cast<uint32_t>(milliseconds(core.settings.invalid_ack_interval));
  if (tcb.invalid_ack_ms != 0 && core.now_ms() - tcb.invalid_ack_ms < interval) return;
  tcb.invalid_ack_ms = std::max(core.now_ms(), 1U);
  send_ack(core, tcb);
}

void send_probe(Core& core, Tcb& tcb, Seq seq, bool with_octet) {
  Packet packet = segment(core, tcb, seq, {.ack = true});
  static constexpr std::array<std::byte, 1> kGarbage{};
  if (with_octet) packet.text = kGarbage;
  emit(core, tcb, packet);
}

void send_reset(Core& core, Tcb& tcb) {
  // 3.10.5: <SEQ=SND.NXT><CTL=RST>
  emit(core, tcb, segment(core, tcb, tcb.snd_nxt, {.rst = true}));
}

void send_reset_for(Core& core, const Packet& packet) {
  const wire::TcpHeader& header = packet.header;
  if (header.flags.rst) return;
  Packet reset;
  reset.source = packet.destination;
  reset.destination = packet.source;
  reset.header.source_port = header.destination_port;
  reset.header.destination_port = header.source_port;
  reset.header.flags.rst = true;
  if (header.flags.ack) {
    reset.header.seq = header.ack;
  } else {
    reset.header.flags.ack = true;
    reset.header.ack = header.seq + segment_length(packet);
  }
  core.sink.send(reset);
}

void send_text(Core& core, Tcb& tcb, Seq seq, uint32_t length, bool fin) {
  Packet packet = segment(core, tcb, seq, {.fin = fin, .ack = true});
  if (length != 0) {
    if (core.scratch.empty()) core.scratch.resize(kMaxText);
    const Transfer& t = core.transfer(tcb);
    packet.text = t.send.at(seq, length, core.scratch);
    // PSH where the user's push ends, and where nothing follows (MUST-61, SHLD-27).
    const Seq end = seq + length;
    packet.header.flags.psh = end == tcb.snd_end || (seq < t.push_end && t.push_end <= end);
  }
  emit(core, tcb, packet);
}

bool window_update_due(const Core& core, const Tcb& tcb) {
  const uint32_t limit = core.settings.receive_buffer;
  const size_t unread = tcb.transfer ? tcb.transfer->receive.in_order() : 0;
  const auto room = static_cast<uint32_t>(limit - std::min<size_t>(unread, limit));
  const uint32_t offered = tcb.rcv_wnd();
  // Much as Linux has it (tcp_cleanup_rbuf): the window at least doubles, and little of it was
  // open. As long as more is open, the ACKs that are due anyway tell it soon enough.
  if (offered > limit / 4 || room < 2 * offered) return false;
  return room - offered >= std::max<uint32_t>(std::min<uint32_t>(limit / 2, tcb.peer_mss), 1);
}

}  // namespace tcpdx::tcp
