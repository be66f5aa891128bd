#include "view/packet_log.hpp"

#include <algorithm>
#include <utility>

namespace tcpdx::view {
namespace {

using track::Remark;

// A segment that may not be the sender's, or not of this connection, says nothing about how far the
// sender has come.
bool believed(const track::PacketReport& report) {
  return !report.sighting->packet.flags.rst && !report.remarks.has(Remark::stray);
}

}  // namespace

std::array<int64_t, 2> LoggedPacket::sack_edges(size_t block) const {
  const auto edge = [&](uint32_t number) {
    return ack + static_cast<int32_t>(number - static_cast<uint32_t>(ack));
  };
  return {edge(sack[2 * block]), edge(sack[2 * block + 1])};
}

// The number that is nearest to what the sender has reached.
int64_t PacketLog::beyond_32_bits(Party sender, uint32_t number) const {
  const int64_t reached = reached_[static_cast<size_t>(sender)];
  return reached + static_cast<int32_t>(number - static_cast<uint32_t>(reached));
}

void PacketLog::add(const track::PacketReport& report) {
  LoggedPacket packet;
  packet.at_ns = report.since_start_ns;
  packet.frame = report.sighting->frame;
  packet.from = report.from;
  packet.remarks = report.remarks;
  packet.before = report.before;
  packet.after = report.after;
  packet.handshake_rtt = report.handshake_rtt;
  if (report.icmp != nullptr) {
    packet.icmp = std::make_unique<wire::IcmpError>(*report.icmp);
    packet.icmp->quoted.options = {};  // it would point into a frame that is gone
  } else {
    packet.seq = beyond_32_bits(report.from, report.seq);
    packet.length = report.sighting->packet.length;
    packet.window = report.window;
    packet.flags = report.sighting->packet.flags;
    packet.sack_blocks = report.sack_blocks;
    packet.sack = report.sack;
    if (report.ack) packet.ack = beyond_32_bits(other(report.from), *report.ack);
    if (believed(report)) {
      int64_t& reached = reached_[static_cast<size_t>(report.from)];
      reached = std::max(reached, packet.end());
      int64_t& acked = reached_[static_cast<size_t>(other(report.from))];
      if (report.ack) acked = std::max(acked, packet.ack);
    }
  }
  if (first_.size() < half_) {
    first_.push_back(std::move(packet));
    return;
  }
  last_.push_back(std::move(packet));
  if (last_.size() > half_) {
    last_.pop_front();
    ++left_out_;
  }
}

}  // namespace tcpdx::view
