// Written member by member into a buffer: with a million connections, building a document for each
// takes longer than reading the capture.
#include "view/connection_json.hpp"

#include <concepts>
#include <optional>

#include "base/time.hpp"
#include "view/json.hpp"
#include "view/json_text.hpp"

namespace tcpdx::view {
namespace {

using Text = JsonText;

template <std::integral Number>
void append_value(Text& into, Number number) {
  into.put_number(number);
}
void append_value(Text& into, bool truth) { into.put(truth ? "true" : "false"); }
void append_value(Text& into, Duration duration) { into.put_number(duration.count()); }
// For words of ours, which need no escapes.
void append_value(Text& into, std::string_view word) {
  into.put('"');
  into.put(word);
  into.put('"');
}
void append_value(Text& into, tcp::State state) { append_value(into, tcp::to_string(state)); }
template <class Value>
void append_value(Text& into, const std::optional<Value>& value) {
  if (value) {
    append_value(into, *value);
  } else {
    into.put("null");
  }
}

// For words of others.
void append_text(Text& into, const std::string& text) { into.put(dump(Json(text))); }

// The members of an object.
class Members {
 public:
  explicit Members(Text& into) : into_(into), begin_(into.size()) {}
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;
  ~Members() { into_.close(begin_, '{', '}'); }

  template <JsonName called>
  Text& name() {
    into_.put<called>();
    return into_;
  }
  template <JsonName called, class Value>
  void add(const Value& value) {
    append_value(name<called>(), value);
  }

 private:
  Text& into_;
  size_t begin_;
};

void append_array(Text& into, const auto& values, auto append_one) {
  const size_t begin = into.size();
  for (const auto& value : values) {
    into.put(',');
    append_one(into, value);
  }
  into.close(begin, '[', ']');
}

void append_end(Text& into, const SocketAddress& end) {
  Members members(into);
  members.add<"addr">(std::string_view(to_string(end.addr)));
  members.add<"port">(end.port);
}

void append_link(Text& into, const Connection& connection) {
  Members link(into);
  append_array(link.name<"vlan">(), connection.vlans,
               [](Text& to, uint16_t vlan) { append_value(to, vlan); });
  append_array(link.name<"tunnel">(), connection.tunnels,
               [](Text& to, const std::string& tunnel) { append_text(to, tunnel); });
}

void append_rtt(Text& into, const std::optional<RttSummary>& rtt) {
  if (!rtt) return into.put("null");
  Members members(into);
  members.add<"min">(rtt->min);
  members.add<"median">(rtt->median);
  members.add<"p99">(rtt->p99);
  members.add<"max">(rtt->max);
  members.add<"samples">(rtt->samples);
}

void append_unanswered(Text& into, const std::optional<Unanswered>& text) {
  if (!text) return into.put("null");
  Members members(into);
  members.add<"first_at_us">(text->first_at);
  members.add<"length">(text->length);
  members.add<"repeats">(text->repeats);
}

void add_counts(Members& members, const ConnectionSide& side) {
  members.add<"retransmissions">(side.retransmissions);
  members.add<"fast_retransmissions">(side.fast_retransmissions);
  members.add<"spurious_retransmissions">(side.spurious_retransmissions);
  members.add<"out_of_order">(side.out_of_order);
  members.add<"duplicate_acks">(side.duplicate_acks);
  members.add<"capture_duplicates">(side.capture_duplicates);
  members.add<"zero_windows">(side.zero_windows);
  members.add<"zero_window_probes">(side.zero_window_probes);
  members.add<"keep_alives">(side.keep_alives);
  members.add<"resets">(side.resets);
  members.add<"refused_resets">(side.refused_resets);
  members.add<"lost_segments">(side.lost_segments);
  members.add<"window_full">(side.window_full);
  members.add<"bad_checksums">(side.bad_checksums);
}

template <class Value>
std::optional<Value> if_sent(const ConnectionSide& side, Value value) {
  return side.packets > 0 ? std::optional(value) : std::nullopt;
}

void append_side(Text& into, const ConnectionSide& side) {
  Members members(into);
  members.add<"state">(side.state);
  members.add<"certainty">(to_string(side.certainty));
  members.add<"since_us">(side.state ? std::optional(side.since) : std::nullopt);
  members.add<"packets">(side.packets);
  members.add<"data_packets">(side.data_packets);
  members.add<"bytes">(side.bytes);
  members.add<"ip_bytes">(side.ip_bytes);
  members.add<"unique_bytes">(side.unique_bytes);
  members.add<"missed_bytes">(side.missed_bytes);
  add_counts(members, side);
  members.add<"mss">(side.mss);
  members.add<"window_scale">(side.window_scale);
  members.add<"sack_permitted">(side.sack_permitted);
  members.add<"timestamps">(side.timestamps);
  members.add<"max_length">(side.max_length);
  members.add<"last_window">(side.last_window);
  members.add<"ttl">(if_sent(side, side.ttl));
  members.add<"last_at_us">(if_sent(side, side.last_at));
  members.add<"last_data_at_us">(side.last_data_at);
  members.add<"largest_acked">(side.largest_acked);
  members.add<"zero_window_longest_us">(side.zero_window_longest);
  append_unanswered(members.name<"unanswered">(), side.unanswered);
  append_rtt(members.name<"rtt_us">(), side.rtt);
}

void append_sides(Text& into, const Connection& connection) {
  Members sides(into);
  append_side(sides.name<"originator">(), connection.side(Party::originator));
  append_side(sides.name<"responder">(), connection.side(Party::responder));
}

void append_handshake(Text& into, const Handshake& handshake) {
  Members members(into);
  members.add<"complete">(handshake.complete);
  members.add<"syn_retransmits">(handshake.syn_retransmits);
  members.add<"syn_ack_retransmits">(handshake.syn_ack_retransmits);
  members.add<"client_rtt_us">(handshake.client_rtt);
  members.add<"server_rtt_us">(handshake.server_rtt);
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
  members.add<"how">(to_string(close.how));
  members.add<"first">(word(close.first));
  members.add<"reset_by">(close.reset_by == ResetBy::nobody
                              ? std::optional<std::string_view>()
                              : std::optional(to_string(close.reset_by)));
  members.add<"reset_acks">(close.reset_acks);
}

void append_change(Text& into, const StateChange& change) {
  Members members(into);
  members.add<"t_us">(change.at);
  members.add<"frame">(change.frame == 0 ? std::nullopt : std::optional(change.frame));
  members.add<"side">(to_string(change.side));
  members.add<"from">(change.from);
  members.add<"to">(change.to);
  members.add<"certainty">(to_string(change.certainty));
  members.add<"cause">(to_string(change.cause));
}

void append_anomaly(Text& into, const Anomaly& anomaly) {
  Members members(into);
  members.add<"kind">(to_string(anomaly.kind));
  members.add<"frame">(anomaly.frame);
  members.add<"side">(anomaly.side ? std::optional(to_string(*anomaly.side)) : std::nullopt);
  if (!anomaly.detail.empty()) append_text(members.name<"detail">(), anomaly.detail);
}

void append_icmp(Text& into, const IcmpNote& note) {
  Members members(into);
  members.add<"frame">(note.frame);
  members.add<"from">(std::string_view(to_string(note.reporter)));
  members.add<"type">(note.type);
  members.add<"code">(note.code);
  members.add<"mtu">(note.mtu);
  members.add<"about">(to_string(note.about));
}

void append_identity(Members& members, const Connection& connection) {
  members.add<"schema">(kSchema);
  members.add<"id">(connection.id);
  members.add<"first_frame">(connection.first_frame);
  members.add<"last_frame">(connection.last_frame);
  members.add<"start">(std::string_view(rfc3339(connection.start)));
  members.add<"duration_us">(connection.duration);
  members.add<"observed_us">(connection.observed);
  if (!connection.vlans.empty() || !connection.tunnels.empty()) {
    append_link(members.name<"link">(), connection);
  }
  append_end(members.name<"originator">(), connection.originator);
  append_end(members.name<"responder">(), connection.responder);
  members.add<"role">(std::string_view(connection.role_seen ? "seen" : "inferred"));
  members.add<"vantage">(connection.vantage == Vantage::unknown
                             ? std::nullopt
                             : std::optional(to_string(connection.vantage)));
}

}  // namespace

void append_connection_json(fmt::memory_buffer& buffer, const Connection& connection,
                            std::span<const std::string_view> findings) {
  JsonText into(buffer);
  {
    Members members(into);
    append_identity(members, connection);
    append_sides(members.name<"sides">(), connection);
    append_handshake(members.name<"handshake">(), connection.handshake);
    append_close(members.name<"close">(), connection.close);
    append_array(members.name<"timeline">(), connection.timeline, append_change);
    append_array(members.name<"anomalies">(), connection.anomalies, append_anomaly);
    members.add<"anomalies_left_out">(connection.anomalies_left_out);
    append_array(members.name<"icmp">(), connection.icmp, append_icmp);
    members.add<"history">(std::string_view(connection.history));
    append_array(members.name<"findings">(), findings,
                 [](Text& to, std::string_view id) { append_value(to, id); });
  }
  into.put('\n');
}

void append_damage_json(fmt::memory_buffer& buffer, std::span<const DamagedPlace> places) {
  JsonText into(buffer);
  {
    Members members(into);
    members.add<"schema">(kSchema);
    append_array(members.name<"damage">(), places, [](Text& to, const DamagedPlace& place) {
      Members one(to);
      append_text(one.name<"file">(), place.file);
      one.add<"frame">(place.frame);
      one.add<"offset">(place.offset);
      append_text(one.name<"what">(), place.what);
    });
  }
  into.put('\n');
}

}  // namespace tcpdx::view
