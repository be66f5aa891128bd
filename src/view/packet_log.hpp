// The packets of one connection in a form small enough to keep many of them, for its ladder and its
// time-sequence graph.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "base/time.hpp"
#include "model/connection.hpp"
#include "track/report.hpp"
#include "wire/icmp.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::view {

struct LoggedPacket {
  int64_t at_ns = 0;  // since the connection's start
  uint64_t frame = 0;
  // As PacketReport counts, but going on beyond 32 bits; negative: before the ISN.
  int64_t seq = 0;
  int64_t ack = 0;  // means something only where flags.ack is set
  uint32_t length = 0;
  uint32_t window = 0;  // scaled
  wire::TcpFlags flags;
  Party from{};
  uint8_t sack_blocks = 0;
  std::array<uint32_t, 8> sack{};
  track::Remarks remarks;
  std::array<track::StateNow, 2> before{};  // by Party
  std::array<track::StateNow, 2> after{};
  std::optional<Duration> handshake_rtt;
  std::unique_ptr<wire::IcmpError> icmp;  // set: an ICMP error, no segment

  int64_t end() const { return seq + length + (flags.syn ? 1 : 0) + (flags.fin ? 1 : 0); }
  // The edges of a SACK block, counted as `ack` is.
  std::array<int64_t, 2> sack_edges(size_t block) const;
};

class PacketLog {
 public:
  // Of more packets than that, the first and the last half of them are kept.
  static constexpr size_t kMost = 1'000'000;
  explicit PacketLog(size_t most = kMost) : half_(most / 2) {}

  void add(const track::PacketReport& report);

  size_t size() const { return first_.size() + last_.size(); }
  const LoggedPacket& operator[](size_t index) const {
    return index < first_.size() ? first_[index] : last_[index - first_.size()];
  }
  // How many were not kept, and before which index they would stand.
  uint64_t left_out() const { return left_out_; }
  size_t left_out_before() const { return first_.size(); }

 private:
  int64_t beyond_32_bits(Party sender, uint32_t number) const;

  size_t half_;
  std::deque<LoggedPacket> first_;
  std::deque<LoggedPacket> last_;
  uint64_t left_out_ = 0;
  std::array<int64_t, 2> reached_{};  // by each sender, as far as it can be believed
};

}  // namespace tcpdx::view
