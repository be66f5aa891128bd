#include "view/packet_line.hpp"

#include <fmt/format.h>

#include <ctime>
#include <span>
#include <utility>

#include "base/text.hpp"
#include "view/json.hpp"
#include "view/packet_words.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::view {
namespace {

using track::PacketReport;
using track::StateNow;
using wire::Packet;

constexpr int64_t kSecond = 1'000'000'000;  // in nanoseconds
// Columns: states begin behind most packets of IPv4, and under the addresses where they are on a
// row of their own.
constexpr size_t kPacket = 98;
constexpr size_t kIndent = 16;
constexpr size_t kStates = 27;  // "ESTABLISHED~ / ESTABLISHED~"

std::string_view family_word(const IpAddress& address) {
  return address.family == Family::v4 ? "IP" : "IP6";
}

std::string with_port(const IpAddress& address, uint16_t port) {
  return fmt::format("{}.{}", to_string(address), port);
}

// Each pair of edges.
std::span<const uint32_t> edges(const PacketReport& report) {
  return std::span(report.sack).first(size_t{2} * report.sack_blocks);
}

// As tcpdump: seq where the segment takes up sequence space.
std::string segment_text(const PacketReport& report) {
  const Packet& packet = report.sighting->packet;
  const wire::TcpFlags flags = packet.flags;
  std::string text = fmt::format("Flags [{}]", to_string(flags));
  if (packet.length != 0) {
    text += fmt::format(", seq {}:{}", report.seq, report.seq + packet.length);
  } else if (flags.syn || flags.fin || flags.rst) {
    text += fmt::format(", seq {}", report.seq);
  }
  if (report.ack) text += fmt::format(", ack {}", *report.ack);
  text += fmt::format(", win {}", report.window);
  if (flags.urg) text += fmt::format(", urg {}", packet.urgent);
  const auto sack = edges(report);
  if (!sack.empty()) {
    text += fmt::format(", options [sack {} ", report.sack_blocks);
    for (size_t i = 0; i + 1 < sack.size(); i += 2) {
      text += fmt::format("{{{}:{}}}", sack[i], sack[i + 1]);
    }
    text += ']';
  }
  return text + fmt::format(", length {}", packet.length);
}

std::string icmp_text(const wire::IcmpError& error) {
  const IpAddress& source = error.quoted.source;
  return fmt::format("{} {} > {}: ICMP {}, about {} > {}", family_word(source),
                     to_string(error.reporter), to_string(source), icmp_words(error),
                     with_port(source, error.source_port),
                     with_port(error.quoted.destination, error.destination_port));
}

std::string packet_text(const PacketReport& report, std::string_view interface) {
  std::string text = clock_time(report.sighting->time_ns) + ' ';
  if (!interface.empty()) text += printable(interface) + ' ';
  if (report.icmp != nullptr) return text + icmp_text(*report.icmp);
  const Packet& packet = report.sighting->packet;
  return text + fmt::format("{} {} > {}: {}", family_word(packet.source),
                            with_port(packet.source, packet.source_port),
                            with_port(packet.destination, packet.destination_port),
                            segment_text(report));
}

// States that stay as they were step back.
std::string painted_states(const Style& style, const PacketReport& report) {
  const auto one = [&](size_t party) {
    const bool same = report.before[party] == report.after[party];
    return paint(style, same ? Ink::dim : Ink::bold, state_text(report.after[party]));
  };
  return one(0) + " / " + one(1);
}

std::string padding(size_t have, size_t want) {
  return std::string(have < want ? want - have : 0, ' ');
}

}  // namespace

std::string state_text(const StateNow& now) {
  if (!now.state) return "?";
  return fmt::format("{}{}", to_string(*now.state), now.certainty == Certainty::seen ? "" : "~");
}

std::string states_text(const StateNow& originator, const StateNow& responder) {
  return fmt::format("{} / {}", state_text(originator), state_text(responder));
}

std::string clock_time(int64_t time_ns) {
  const std::time_t second = time_ns / kSecond;
  std::tm local{};
  localtime_r(&second, &local);
  return fmt::format("{:02}:{:02}:{:02}.{:06}", local.tm_hour, local.tm_min, local.tm_sec,
                     time_ns % kSecond / 1000);
}

void write_packet_line(std::ostream& out, const Style& style, const PacketReport& report,
                       std::string_view interface) {
  const std::string packet = packet_text(report, interface);
  const PacketWords words = packet_words(report);
  const size_t states = columns(states_text(report.after[0], report.after[1]));
  size_t rest = std::max(states, kStates) + 2 + columns(words.text);
  if (words.text.empty()) rest = states;
  const size_t whole = std::max(columns(packet), kPacket) + 2 + rest;
  const bool beside = style.width == 0 || whole <= style.width;
  out << packet;
  out << (beside ? padding(columns(packet), kPacket) + "  " : '\n' + padding(0, kIndent));
  out << painted_states(style, report);
  if (!words.text.empty()) {
    out << padding(states, kStates) << "  " << paint(style, words.ink, words.text);
  }
  out << '\n';
}

namespace {

Json state_json(const StateNow& now) {
  return {{"state", now.state ? Json(to_string(*now.state)) : Json(nullptr)},
          {"certainty", to_string(now.certainty)}};
}

Json states_json(const std::array<StateNow, 2>& states) {
  return {{"originator", state_json(states[0])}, {"responder", state_json(states[1])}};
}

Json microseconds(const std::optional<Duration>& duration) {
  return duration ? Json(duration->count()) : Json(nullptr);
}

Json remarks_json(const track::Remarks& remarks) {
  Json list = Json::array();
  for (size_t i = 0; i < track::kRemarks; ++i) {
    const auto remark = static_cast<track::Remark>(i);
    if (remarks.has(remark)) list.push_back(remark_id(remark));
  }
  return list;
}

void add_segment(const PacketReport& report, Json& json) {
  const Packet& packet = report.sighting->packet;
  json["flags"] = to_string(packet.flags);
  json["seq"] = report.seq;
  json["ack"] = or_null(report.ack);
  json["seq_raw"] = packet.seq.raw;
  json["ack_raw"] = packet.flags.ack ? Json(packet.ack.raw) : Json(nullptr);
  json["length"] = packet.length;
  json["window"] = report.window;
  json["ttl"] = packet.ttl;
  const auto sack = edges(report);
  Json blocks = Json::array();
  for (size_t i = 0; i + 1 < sack.size(); i += 2) blocks.push_back({sack[i], sack[i + 1]});
  json["sack"] = std::move(blocks);
}

Json icmp_json(const wire::IcmpError& error) {
  return {{"reporter", to_string(error.reporter)},
          {"type", error.cause.type},
          {"code", error.cause.code},
          {"mtu", or_null(error.cause.mtu)}};
}

}  // namespace

void write_packet_json(std::ostream& out, const PacketReport& report, std::string_view interface) {
  const int64_t us = report.sighting->time_ns / 1000;
  Json json{{"schema", kSchema},
            {"t", rfc3339(WallTime(Duration(us)))},
            {"frame", report.sighting->frame},
            {"interface", interface},
            {"connection", report.connection},
            {"originator", endpoint_json(report.originator)},
            {"responder", endpoint_json(report.responder)},
            {"from", to_string(report.from)}};
  if (report.icmp != nullptr) {
    json["icmp"] = icmp_json(*report.icmp);
  } else {
    add_segment(report, json);
  }
  json["states"] = states_json(report.after);
  json["before"] = states_json(report.before);
  json["did"] = packet_words(report).text;
  json["remarks"] = remarks_json(report.remarks);
  json["handshake_rtt_us"] = microseconds(report.handshake_rtt);
  json["rtt_us"] = microseconds(report.rtt);
  out << dump(json) << '\n';
}

}  // namespace tcpdx::view
