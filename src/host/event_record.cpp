#include "host/event_record.hpp"

#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "bpf/records.h"

namespace tcpdx::host {

namespace {

static_assert(std::to_underlying(EventKind::state) == kEventState);
static_assert(std::to_underlying(EventKind::connect) == kEventConnect);
static_assert(std::to_underlying(EventKind::retransmit) == kEventRetransmit);
static_assert(std::to_underlying(EventKind::reset_sent) == kEventResetSent);
static_assert(std::to_underlying(EventKind::reset_received) == kEventResetReceived);
static_assert(std::to_underlying(EventKind::drop) == kEventDrop);
static_assert(std::to_underlying(EventKind::zero_window) == kEventZeroWindow);
static_assert(std::to_underlying(EventKind::accept_drop) == kEventAcceptDrop);
static_assert(std::to_underlying(EventKind::bind_failed) == kEventBindFailed);
static_assert(kEventKinds == ::kEventKindCount);
static_assert(std::to_underlying(RetransmitKind::syn) == kRetransmitSyn);
static_assert(std::to_underlying(RetransmitKind::syn_ack) == kRetransmitSynAck);
static_assert(std::to_underlying(RetransmitKind::fast) == kRetransmitFast);
static_assert(std::to_underlying(RetransmitKind::timeout) == kRetransmitTimeout);
static_assert(std::to_underlying(RetransmitKind::tail_loss_probe) == kRetransmitTailLossProbe);

SocketAddress address_of(uint16_t family, const __u8 (&bytes)[16], uint16_t port) {
  SocketAddress end;
  end.addr.family = family == AF_INET6 ? Family::v6 : Family::v4;
  std::memcpy(end.addr.bytes.data(), bytes, family == AF_INET6 ? 16 : 4);
  end.port = port;
  return end;
}

Life life_of(const life_record& record) {
  Life life;
  life.bytes_sent = record.bytes_sent;
  const uint64_t fin = record.event.fin_received != 0 && record.bytes_received > 0 ? 1 : 0;
  life.bytes_received = record.bytes_received - fin;
  life.retransmits = record.retransmits;
  life.segments_out = record.segments_out;
  life.segments_in = record.segments_in;
  life.rtt = Duration(record.srtt_us / 8);
  return life;
}

}  // namespace

std::optional<KernelEvent> read_event_record(std::span<const std::byte> bytes) {
  event_record record{};
  if (bytes.size() < sizeof record) return std::nullopt;
  std::memcpy(&record, bytes.data(), sizeof record);
  const auto from = tcp::from_kernel(record.from);
  const auto to = tcp::from_kernel(record.to);
  KernelEvent event;
  event.at = std::chrono::nanoseconds(record.at_ns);
  event.cookie = record.cookie;
  event.pid = record.pid;
  event.comm.assign(record.comm, strnlen(record.comm, sizeof record.comm));
  event.only_user = record.family == 0;
  if (event.only_user) return event;
  const bool family_known = record.family == AF_INET || record.family == AF_INET6;
  if (!from || !to || !family_known || record.kind >= ::kEventKindCount ||
      record.retransmit > kRetransmitTailLossProbe) {
    return std::nullopt;
  }
  event.kind = EventKind{record.kind};
  event.retransmit = RetransmitKind{record.retransmit};
  event.from = *from;
  event.to = *to;
  event.reason = record.reason;
  event.error = record.error;
  event.netns = record.netns;
  event.local = address_of(record.family, record.local, record.local_port);
  event.remote = address_of(record.family, record.remote, record.remote_port);
  event.duration = Duration(record.duration_us);
  if (record.uid != kUidUnknown) event.uid = record.uid;
  event.dsack_dups = record.dsack_dups;
  event.fin_received = record.fin_received != 0;
  if (record.carried_known != 0) event.carried = record.carried;
  life_record whole{};
  if (bytes.size() >= sizeof whole) {
    std::memcpy(&whole, bytes.data(), sizeof whole);
    event.life = life_of(whole);
  }
  return event;
}

CallerTally read_caller_tally(const connect_key& key, const connect_tally& tally) {
  return {.netns = key.netns,
          .pid = key.pid,
          .comm = std::string(tally.comm, strnlen(tally.comm, sizeof tally.comm)),
          .remote = address_of(key.family, key.remote, key.remote_port),
          .succeeded = tally.succeeded,
          .repeated = tally.repeated,
          .failed = tally.failed};
}

}  // namespace tcpdx::host
