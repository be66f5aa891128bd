// What the tracker says of one packet: whose it is, what it did, and the states of both ends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "wire/decode.hpp"

namespace tcpdx::track {

// A segment with the place and time of its sighting.
struct Sighting {
  uint64_t frame = 0;
  int64_t time_ns = 0;
  uint16_t interface = 0;
  wire::Packet packet;
};

struct StateNow {
  std::optional<tcp::State> state;
  Certainty certainty = Certainty::unknown;

  bool operator==(const StateNow&) const = default;
};

// What a packet was besides its flags; several may hold at once.
enum class Remark : uint8_t {
  retransmission,
  fast_retransmission,
  spurious_retransmission,
  out_of_order,
  gap,  // segments before it were not captured (yet)
  duplicate_ack,
  capture_duplicate,
  keep_alive,
  keep_alive_ack,
  zero_window,
  zero_window_probe,
  window_full,
  window_update,
  refused_reset,
  forged_reset,
  challenge_ack,
  acks_unseen,
  bad_checksum,
  offloaded_checksum,
  data_after_fin,
  stray,
  handshake_complete,
  port_reuse,
};
inline constexpr size_t kRemarks = static_cast<size_t>(Remark::port_reuse) + 1;
std::string_view to_string(Remark remark);  // for people: "retransmission", "zero window"

class Remarks {
 public:
  void add(Remark remark) { bits_ |= bit(remark); }
  bool has(Remark remark) const { return (bits_ & bit(remark)) != 0; }
  bool any() const { return bits_ != 0; }

 private:
  static uint32_t bit(Remark remark) { return uint32_t{1} << static_cast<unsigned>(remark); }
  uint32_t bits_ = 0;
};

struct PacketReport {
  uint64_t connection = 0;  // its id
  const Sighting* sighting = nullptr;
  Party from{};
  SocketAddress originator;
  SocketAddress responder;
  int64_t since_start_ns = 0;
  // Relative to the sender's ISN as tcpdump(8) counts: the SYN is 0, the first octet 1. Where the
  // SYN was not captured, relative to one before the first octet seen.
  uint32_t seq = 0;
  std::optional<uint32_t> ack;
  uint32_t window = 0;             // scaled
  std::array<uint32_t, 8> sack{};  // left and right edges, relative as `ack` is
  uint8_t sack_blocks = 0;
  std::array<StateNow, 2> before{};  // by Party
  std::array<StateNow, 2> after{};
  Remarks remarks;
  std::optional<Duration> handshake_rtt;  // with handshake_complete: SYN to third segment
  std::optional<Duration> rtt;            // of the segment that this one acknowledges
  // Set where the packet is an ICMP error about the connection; `sighting` then has only place and
  // time, `from` is the end whose segment is quoted.
  const wire::IcmpError* icmp = nullptr;
};

}  // namespace tcpdx::track
