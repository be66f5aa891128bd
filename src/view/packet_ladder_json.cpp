// The packets of one connection as JSON, one line each.
#include <utility>

#include "view/json.hpp"
#include "view/packet_ladder.hpp"
#include "view/packet_words.hpp"

namespace tcpdx::view {
namespace {

using track::Remark;

Json state_json(const track::StateNow& now) {
  return {{"state", now.state ? Json(to_string(*now.state)) : Json(nullptr)},
          {"certainty", to_string(now.certainty)}};
}

Json states_json(const std::array<track::StateNow, 2>& states) {
  return {{"originator", state_json(states[0])}, {"responder", state_json(states[1])}};
}

Json remarks_json(track::Remarks remarks) {
  Json list = Json::array();
  for (size_t i = 0; i < track::kRemarks; ++i) {
    const auto remark = static_cast<Remark>(i);
    if (remarks.has(remark)) list.push_back(remark_id(remark));
  }
  return list;
}

Json sack_json(const LoggedPacket& packet) {
  Json list = Json::array();
  for (size_t i = 0; i < packet.sack_blocks; ++i) list.push_back(packet.sack_edges(i));
  return list;
}

Json icmp_json(const wire::IcmpError& error) {
  return {{"reporter", to_string(error.reporter)},
          {"type", error.cause.type},
          {"code", error.cause.code},
          {"mtu", or_null(error.cause.mtu)}};
}

Json packet_json(const LoggedPacket& packet) {
  Json json{
      {"t_us", packet.at_ns / 1000}, {"frame", packet.frame}, {"from", to_string(packet.from)}};
  if (packet.icmp) {
    json["icmp"] = icmp_json(*packet.icmp);
  } else {
    json["flags"] = to_string(packet.flags);
    json["seq"] = packet.seq;
    json["ack"] = packet.flags.ack ? Json(packet.ack) : Json(nullptr);
    json["length"] = packet.length;
    json["window"] = packet.window;
    json["sack"] = sack_json(packet);
  }
  json["remarks"] = remarks_json(packet.remarks);
  json["handshake_rtt_us"] =
      packet.handshake_rtt ? Json(packet.handshake_rtt->count()) : Json(nullptr);
  json["before"] = states_json(packet.before);
  json["states"] = states_json(packet.after);
  return json;
}

}  // namespace

void write_packets_json(std::ostream& out, const PacketLog& log) {
  for (size_t i = 0; i < log.size(); ++i) {
    if (log.left_out() > 0 && i == log.left_out_before()) {
      out << dump({{"left_out", log.left_out()}}) << '\n';
    }
    out << dump(packet_json(log[i])) << '\n';
  }
}

}  // namespace tcpdx::view
