// Segments between 192.0.2.1:40000 and 192.0.2.2:80, written line by line, and what the tracker
// makes of them.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "track/tracker.hpp"

namespace tcpdx::track::story {

enum class From : uint8_t { client, server };
inline constexpr From kClient = From::client;
inline constexpr From kServer = From::server;

inline const SocketAddress kClientEnd{ipv4(192, 0, 2, 1), 40000};
inline const SocketAddress kServerEnd{ipv4(192, 0, 2, 2), 80};

// Flags as tcpdump(8) writes them: "S", "S.", ".", "F.", "R".
struct Line {
  int64_t us = 0;
  From from{};
  std::string_view flags{};
  uint32_t seq = 0;
  uint32_t ack = 0;
  uint32_t length = 0;
  uint16_t window = 65535;
  uint8_t ttl = 64;
  uint32_t ip_id = 0;  // 0: one more than that of the line before
  uint16_t interface = 0;
  wire::Checksum checksum = wire::Checksum::right;
  uint32_t link = 0;
};

inline wire::TcpFlags flags_of(std::string_view text) {
  wire::TcpFlags flags;
  for (const char one : text) {
    flags.syn |= one == 'S';
    flags.fin |= one == 'F';
    flags.rst |= one == 'R';
    flags.psh |= one == 'P';
    flags.ack |= one == '.';
  }
  return flags;
}

inline Sighting sighting_of(const Line& line, uint64_t frame) {
  Sighting out;
  out.frame = frame;
  out.time_ns = (int64_t{1'700'000'000'000'000} + line.us) * 1000;
  out.interface = line.interface;
  const bool client = line.from == From::client;
  const SocketAddress& source = client ? kClientEnd : kServerEnd;
  const SocketAddress& destination = client ? kServerEnd : kClientEnd;
  out.packet.source = source.addr;
  out.packet.source_port = source.port;
  out.packet.destination = destination.addr;
  out.packet.destination_port = destination.port;
  out.packet.link = line.link;
  out.packet.seq = Seq{line.seq};
  out.packet.ack = Seq{line.ack};
  out.packet.flags = flags_of(line.flags);
  out.packet.ttl = line.ttl;
  out.packet.window = line.window;
  out.packet.length = line.length;
  out.packet.ip_octets = 40 + line.length;
  out.packet.ip_id = line.ip_id != 0 ? line.ip_id : static_cast<uint32_t>(1000 + frame);
  out.packet.checksum = line.checksum;
  return out;
}

class Heard final : public Sink {
 public:
  void connection(Connection&& connection) override {
    connections.push_back(std::move(connection));
  }
  void packet(const PacketReport& report) override {
    reports.push_back(report);
    reports.back().sighting = nullptr;
  }
  std::vector<Connection> connections;
  std::vector<PacketReport> reports;
};

struct Told {
  std::vector<Connection> connections;
  std::vector<PacketReport> reports;
  Totals totals;
};

inline Told told(const std::vector<Line>& lines, Options options = {}) {
  static const std::vector<wire::LinkPath> kLinks{
      {}, {.vlans = {10}, .tunnels = {}}, {.vlans = {20}, .tunnels = {}}};
  options.packet_reports = true;
  Heard heard;
  Tracker tracker(options, kLinks, heard);
  uint64_t frame = 0;
  for (const Line& line : lines) {
    const Sighting sighting = sighting_of(line, ++frame);
    tracker.take({&sighting, 1});
  }
  tracker.finish();
  return {std::move(heard.connections), std::move(heard.reports), tracker.totals()};
}

// "SYN-SENT! ESTABLISHED~ FIN-WAIT-1!": an end's states in turn, ! seen, ~ inferred.
inline std::string states_of(const Connection& connection, Party party) {
  std::string text;
  for (const StateChange& change : connection.timeline) {
    if (change.side != party) continue;
    if (!text.empty()) text += ' ';
    text += to_string(change.to);
    text += change.certainty == Certainty::seen ? '!' : '~';
  }
  return text;
}

inline bool has_anomaly(const Connection& connection, AnomalyKind kind) {
  for (const Anomaly& one : connection.anomalies) {
    if (one.kind == kind) return true;
  }
  return false;
}

// The handshake of a client 20 ms away, seen at the client: ISNs 100 and 500.
inline std::vector<Line> opened(std::vector<Line> more = {}) {
  std::vector<Line> lines{{.us = 0, .from = kClient, .flags = "S", .seq = 100},
                          {.us = 20'000, .from = kServer, .flags = "S.", .seq = 500, .ack = 101},
                          {.us = 20'030, .from = kClient, .flags = ".", .seq = 101, .ack = 501}};
  lines.insert(lines.end(), more.begin(), more.end());
  return lines;
}

}  // namespace tcpdx::track::story
