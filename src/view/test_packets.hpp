// Packets of one connection by hand, for the tests of its ladder and its time-sequence graph.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "model/connection.hpp"
#include "track/report.hpp"
#include "view/packet_log.hpp"
#include "view/test_connection.hpp"

namespace tcpdx::view::testing {

inline track::StateNow seen(tcp::State state) { return {state, Certainty::seen}; }
inline track::StateNow inferred(tcp::State state) { return {state, Certainty::inferred}; }

// What a test says of a segment; the rest follows.
struct Sent {
  Duration at{};
  Party from{};
  std::string_view flags;  // as tcpdump writes them
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint32_t length = 0;
  uint32_t window = 65'535;
  std::initializer_list<track::Remark> remarks{};
};

class Story {
 public:
  explicit Story(size_t most = PacketLog::kMost) : log(most) {
    connection.id = 1;
    connection.originator = socket_address("192.0.2.1", 40000);
    connection.responder = socket_address("198.51.100.7", 80);
    connection.role_seen = true;
  }

  // The states of both ends from this packet on.
  void state(Party party, track::StateNow now) { next_[static_cast<size_t>(party)] = now; }

  void send(const Sent& sent) {
    track::Sighting sighting;
    sighting.frame = ++frame_;
    sighting.packet.flags = flags_of(sent.flags);
    sighting.packet.length = sent.length;
    track::PacketReport report = report_of(sighting, sent.from, sent.at);
    report.seq = sent.seq;
    if (sighting.packet.flags.ack) report.ack = sent.ack;
    report.window = sent.window;
    for (const track::Remark remark : sent.remarks) report.remarks.add(remark);
    add(report);
    connection.side(sent.from).bytes += sent.length;
  }

  void sack(const Sent& sent, uint32_t left, uint32_t right) {
    track::Sighting sighting;
    sighting.frame = ++frame_;
    sighting.packet.flags = flags_of(sent.flags);
    track::PacketReport report = report_of(sighting, sent.from, sent.at);
    report.ack = sent.ack;
    report.window = sent.window;
    report.sack_blocks = 1;
    report.sack = {left, right};
    for (const track::Remark remark : sent.remarks) report.remarks.add(remark);
    add(report);
  }

  void icmp(Duration at, Party about, const wire::IcmpError& error) {
    track::Sighting sighting;
    sighting.frame = ++frame_;
    track::PacketReport report = report_of(sighting, about, at);
    report.icmp = &error;
    add(report);
  }

  Connection connection;
  PacketLog log;

 private:
  static wire::TcpFlags flags_of(std::string_view text) {
    wire::TcpFlags flags;
    flags.syn = text.contains('S');
    flags.fin = text.contains('F');
    flags.rst = text.contains('R');
    flags.psh = text.contains('P');
    flags.ack = text.contains('.');
    return flags;
  }

  track::PacketReport report_of(const track::Sighting& sighting, Party from, Duration at) const {
    track::PacketReport report;
    report.sighting = &sighting;
    report.from = from;
    report.since_start_ns = at.count() * 1000;
    report.before = now_;
    report.after = next_;
    return report;
  }

  void add(const track::PacketReport& report) {
    log.add(report);
    now_ = next_;
  }

  uint64_t frame_ = 0;
  std::array<track::StateNow, 2> now_{};
  std::array<track::StateNow, 2> next_{};
};

}  // namespace tcpdx::view::testing
