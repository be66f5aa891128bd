// The bytes that the BPF programs send for each event, as a value.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/time.hpp"
#include "model/event.hpp"
#include "tcp/state.hpp"

struct connect_key;  // bpf/records.h
struct connect_tally;

namespace tcpdx::host {

// What a connection did until its end.
struct Life {
  uint64_t bytes_sent = 0;  // without repeats
  uint64_t bytes_received = 0;
  uint32_t retransmits = 0;
  uint32_t segments_out = 0;
  uint32_t segments_in = 0;
  Duration rtt{};  // smoothed; 0: none was measured
};

struct KernelEvent {
  std::chrono::nanoseconds at{};  // CLOCK_MONOTONIC
  bool only_user = false;         // nothing happened: `pid` is the user of socket `cookie`
  EventKind kind = EventKind::state;
  RetransmitKind retransmit = RetransmitKind::none;
  tcp::State from = tcp::State::closed;
  tcp::State to = tcp::State::closed;
  uint16_t reason = 0;  // the kernel's number
  int32_t error = 0;
  uint64_t cookie = 0;
  uint32_t netns = 0;  // inode number; 0: not known
  uint32_t pid = 0;    // 0: not known, the event came with a packet or a timer
  std::string comm;
  std::optional<uint32_t> uid;      // of the socket
  uint32_t dsack_dups = 0;          // retransmit: segments that the peer had twice, so far
  bool fin_received = false;        // state
  std::optional<uint64_t> carried;  // reset_sent: octets of text, both ways
  SocketAddress local;
  SocketAddress remote;
  Duration duration{};
  std::optional<Life> life;
};

// How the active opens of one process towards one destination ended; see ConnectTally.
struct CallerTally {
  uint32_t netns = 0;  // inode number
  uint32_t pid = 0;
  std::string comm;
  SocketAddress remote;
  uint64_t succeeded = 0;
  uint64_t repeated = 0;
  uint64_t failed = 0;
};

// Nothing for what is none of our records.
std::optional<KernelEvent> read_event_record(std::span<const std::byte> bytes);
CallerTally read_caller_tally(const connect_key& key, const connect_tally& tally);

}  // namespace tcpdx::host
