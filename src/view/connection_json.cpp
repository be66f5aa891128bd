// Written member by member into a buffer: with a million connections, building a document for each
// takes longer than reading the capture.
#include "view/connection_json.hpp"

#include <iterator>
#include <optional>

#include "base/time.hpp"
#include "view/json.hpp"

namespace tcpdx::view {
namespace {

using Text = fmt::memory_buffer;

void append(Text& into, std::string_view text) { into.append(text); }

template <class Number>
  requires std::integral<Number>
void append_value(Text& into, Number number) {
  const fmt::format_int text(number);
  append(into, {text.data(), text.size()});
}
void append_value(Text& into, bool truth) { append(into, truth ? "true" : "false"); }
void append_value(Text& into, Duration duration) { append_value(into, duration.count()); }
// For words of ours, which need no escapes.
void append_value(Text& into, std::string_view word) {
  into.push_back('"');
  append(into, word);
  into.push_back('"');
}
void append_value(Text& into, tcp::State state) { append_value(into, tcp::to_string(state)); }
template <class Value>
void append_value(Text& into, const std::optional<Value>& value) {
  if (value) {
    append_value(into, *value);
  } else {
    append(into, "null");
  }
}

// The members of an object: "name":value with commas between.
class Members {
 public:
  explicit Members(Text& into) : into_(into) { into_.push_back('{'); }
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  ~Members() { into_.push_back('}'); }

  Text& name(std::string_view name) {
    if (!first_) into_.push_back(',');
    first_ = false;
    into_.push_back('"');
    append(into_, name);
    append(into_, "\":");
    return into_;
  }
  template <class Value>
  void add(std::string_view called, const Value& value) {
    append_value(name(called), value);
  }
  void add_text(std::string_view called, const std::string& text) {
    append(name(called), dump(Json(text)));
  }

 private:
  Text& into_;
  bool first_ = true;
};

void append_array(Text& into, const auto& values, auto append_one) {
  into.push_back('[');
  bool first = true;
  for (const auto& value : values) {
    if (!first) into.push_back(',');
    first = false;
    append_one(into, value);
  }
  into.push_back(']');
}

void append_end(Text& into, const SocketAddress& end) {
  Members members(into);
  members.add("addr", std::string_view(to_string(end.addr)));
  members.add("port", end.port);
}

void append_link(Text& into, const Connection& connection) {
  Members link(into);
  append_array(link.name("vlan"), connection.vlans,
               [](Text& to, uint16_t vlan) { append_value(to, vlan); });
  append_array(link.name("tunnel"), connection.tunnels,
               [](Text& to, const std::string& tunnel) { append(to, dump(Json(tunnel))); });
}

void append_rtt(Text& into, const std::optional<RttSummary>& rtt) {
  if (!rtt) return append(into, "null");
  Members members(into);
  members.add("min", rtt->min);
  members.add("median", rtt->median);
  members.add("p99", rtt->p99);
  members.add("max", rtt->max);
  members.add("samples", rtt->samples);
}

void append_unanswered(Text& into, const std::optional<Unanswered>& text) {
  if (!text) return append(into, "null");
  Members members(into);
  members.add("first_at_us", text->first_at);
  members.add("length", text->length);
  members.add("repeats", text->repeats);
}

struct Count {
  std::string_view name;
  uint32_t ConnectionSide::* member;
};
constexpr Count kCounts[] = {
    {"retransmissions", &ConnectionSide::retransmissions},
    {"fast_retransmissions", &ConnectionSide::fast_retransmissions},
    {"spurious_retransmissions", &ConnectionSide::spurious_retransmissions},
    {"out_of_order", &ConnectionSide::out_of_order},
    {"duplicate_acks", &ConnectionSide::duplicate_acks},
    {"capture_duplicates", &ConnectionSide::capture_duplicates},
    {"zero_windows", &ConnectionSide::zero_windows},
    {"zero_window_probes", &ConnectionSide::zero_window_probes},
    {"keep_alives", &ConnectionSide::keep_alives},
    {"resets", &ConnectionSide::resets},
    {"refused_resets", &ConnectionSide::refused_resets},
    {"lost_segments", &ConnectionSide::lost_segments},
    {"window_full", &ConnectionSide::window_full},
    {"bad_checksums", &ConnectionSide::bad_checksums},
};

template <class Value>
std::optional<Value> if_sent(const ConnectionSide& side, Value value) {
  return side.packets > 0 ? std::optional(value) : std::nullopt;
}

void append_side(Text& into, const ConnectionSide& side) {
  Members members(into);
  members.add("state", side.state);
  members.add("certainty", to_string(side.certainty));
  members.add("since_us", side.state ? std::optional(side.since) : std::nullopt);
  members.add("packets", side.packets);
  members.add("data_packets", side.data_packets);
  members.add("bytes", side.bytes);
  members.add("ip_bytes", side.ip_bytes);
  members.add("unique_bytes", side.unique_bytes);
  members.add("missed_bytes", side.missed_bytes);
  for (const auto& [name, member] : kCounts) members.add(name, side.*member);
  members.add("mss", side.mss);
  members.add("window_scale", side.window_scale);
  members.add("sack_permitted", side.sack_permitted);
  members.add("timestamps", side.timestamps);
  members.add("max_length", side.max_length);
  members.add("last_window", side.last_window);
  members.add("ttl", if_sent(side, side.ttl));
  members.add("last_at_us", if_sent(side, side.last_at));
  members.add("last_data_at_us", side.last_data_at);
  members.add("largest_acked", side.largest_acked);
  members.add("zero_window_longest_us", side.zero_window_longest);
  append_unanswered(members.name("unanswered"), side.unanswered);
  append_rtt(members.name("rtt_us"), side.rtt);
}

void append_sides(Text& into, const Connection& connection) {
  Members sides(into);
  append_side(sides.name("originator"), connection.side(Party::originator));
  append_side(sides.name("responder"), connection.side(Party::responder));
}

void append_handshake(Text& into, const Handshake& handshake) {
  Members members(into);
  members.add("complete", handshake.complete);
  members.add("syn_retransmits", handshake.syn_retransmits);
  members.add("syn_ack_retransmits", handshake.syn_ack_retransmits);
  members.add("client_rtt_us", handshake.client_rtt);
  members.add("server_rtt_us", handshake.server_rtt);
}

std::optional<std::string_view> word(CloseFirst first) {
  switch (first) {
    case CloseFirst::nobody: return std::nullopt;
    case CloseFirst::originator: return "originator";
    case CloseFirst::responder: return "responder";
    case CloseFirst::both: return "both";
  }
  return std::nullopt;
}

void append_close(Text& into, const Close& close) {
  Members members(into);
  members.add("how", to_string(close.how));
  members.add("first", word(close.first));
  members.add("reset_by", close.reset_by == ResetBy::nobody
                              ? std::optional<std::string_view>()
                              : std::optional(to_string(close.reset_by)));
  members.add("reset_acks", close.reset_acks);
}

void append_change(Text& into, const StateChange& change) {
  Members members(into);
  members.add("t_us", change.at);
  members.add("frame", change.frame == 0 ? std::nullopt : std::optional(change.frame));
  members.add("side", to_string(change.side));
  members.add("from", change.from);
  members.add("to", change.to);
  members.add("certainty", to_string(change.certainty));
  members.add("cause", to_string(change.cause));
}

void append_anomaly(Text& into, const Anomaly& anomaly) {
  Members members(into);
  members.add("kind", to_string(anomaly.kind));
  members.add("frame", anomaly.frame);
  members.add("side", anomaly.side ? std::optional(to_string(*anomaly.side)) : std::nullopt);
  if (!anomaly.detail.empty()) members.add_text("detail", anomaly.detail);
}

void append_icmp(Text& into, const IcmpNote& note) {
  Members members(into);
  members.add("frame", note.frame);
  members.add("from", std::string_view(to_string(note.reporter)));
  members.add("type", note.type);
  members.add("code", note.code);
  members.add("mtu", note.mtu);
  members.add("about", to_string(note.about));
}

void append_identity(Members& members, const Connection& connection) {
  members.add("schema", kSchema);
  members.add("id", connection.id);
  members.add("first_frame", connection.first_frame);
  members.add("last_frame", connection.last_frame);
  members.add("start", std::string_view(rfc3339(connection.start)));
  members.add("duration_us", connection.duration);
  members.add("observed_us", connection.observed);
  if (!connection.vlans.empty() || !connection.tunnels.empty()) {
    append_link(members.name("link"), connection);
  }
  append_end(members.name("originator"), connection.originator);
  append_end(members.name("responder"), connection.responder);
  members.add("role", std::string_view(connection.role_seen ? "seen" : "inferred"));
  members.add("vantage", connection.vantage == Vantage::unknown
                             ? std::nullopt
                             : std::optional(to_string(connection.vantage)));
}

}  // namespace

void append_connection_json(Text& into, const Connection& connection,
                            std::span<const std::string_view> findings) {
  {
    Members members(into);
    append_identity(members, connection);
    append_sides(members.name("sides"), connection);
    append_handshake(members.name("handshake"), connection.handshake);
    append_close(members.name("close"), connection.close);
    append_array(members.name("timeline"), connection.timeline, append_change);
    append_array(members.name("anomalies"), connection.anomalies, append_anomaly);
    members.add("anomalies_left_out", connection.anomalies_left_out);
    append_array(members.name("icmp"), connection.icmp, append_icmp);
    members.add("history", std::string_view(connection.history));
    append_array(members.name("findings"), findings,
                 [](Text& to, std::string_view id) { append_value(to, id); });
  }
  into.push_back('\n');
}

void append_damage_json(Text& into, std::span<const DamagedPlace> places) {
  {
    Members members(into);
    members.add("schema", kSchema);
    append_array(members.name("damage"), places, [](Text& to, const DamagedPlace& place) {
      Members one(to);
      one.add_text("file", place.file);
      one.add("frame", place.frame);
      one.add("offset", place.offset);
      one.add_text("what", place.what);
    });
  }
  into.push_back('\n');
}

}  // namespace tcpdx::view
