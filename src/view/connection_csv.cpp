#include "view/connection_csv.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.hpp"
#include "base/time.hpp"

namespace tcpdx::view {
namespace {

using Text = fmt::memory_buffer;

// RFC 4180 2, rules 5 to 7: quotes around what has a comma, a quote or a line break; quotes twice.
void put(Text& into, std::string_view text) {
  if (text.find_first_of("\",\r\n") == std::string_view::npos) return into.append(text);
  into.push_back('"');
  for (const char letter : text) {
    if (letter == '"') into.push_back('"');
    into.push_back(letter);
  }
  into.push_back('"');
}
template <class Number>
  requires std::integral<Number>
void put(Text& into, Number number) {
  const fmt::format_int text(number);
  into.append(std::string_view(text.data(), text.size()));
}
void put(Text& into, bool truth) { put(into, std::string_view(truth ? "true" : "false")); }
void put(Text& into, Duration duration) { put(into, duration.count()); }
void put(Text& into, tcp::State state) { put(into, tcp::to_string(state)); }
template <class Value>
void put(Text& into, const std::optional<Value>& value) {
  if (value) put(into, *value);
}

template <class Value>
std::string listed(const std::vector<Value>& values) {
  return fmt::format("{}", fmt::join(values, " "));
}

std::string_view first_word(CloseFirst first) {
  switch (first) {
    case CloseFirst::nobody: return "";
    case CloseFirst::originator: return "originator";
    case CloseFirst::responder: return "responder";
    case CloseFirst::both: return "both";
  }
  return "";
}

std::string anomalies_of(const Connection& c) {
  std::string kinds;
  for (const Anomaly& anomaly : c.anomalies) {
    const std::string_view kind = to_string(anomaly.kind);
    if (kinds.find(kind) != std::string::npos) continue;
    if (!kinds.empty()) kinds += ' ';
    kinds += kind;
  }
  return kinds;
}

struct Column {
  std::string_view name;
  void (*put)(Text&, const Connection&);
};
const std::array kColumns{
    Column{"id", [](Text& t, const Connection& c) { put(t, c.id); }},
    Column{"start", [](Text& t, const Connection& c) { put(t, rfc3339(c.start)); }},
    Column{"duration_us", [](Text& t, const Connection& c) { put(t, c.duration); }},
    Column{"first_frame", [](Text& t, const Connection& c) { put(t, c.first_frame); }},
    Column{"last_frame", [](Text& t, const Connection& c) { put(t, c.last_frame); }},
    Column{"vlans", [](Text& t, const Connection& c) { put(t, listed(c.vlans)); }},
    Column{"tunnels", [](Text& t, const Connection& c) { put(t, listed(c.tunnels)); }},
    Column{"orig_addr", [](Text& t, const Connection& c) { put(t, to_string(c.originator.addr)); }},
    Column{"orig_port", [](Text& t, const Connection& c) { put(t, c.originator.port); }},
    Column{"resp_addr", [](Text& t, const Connection& c) { put(t, to_string(c.responder.addr)); }},
    Column{"resp_port", [](Text& t, const Connection& c) { put(t, c.responder.port); }},
    Column{"role",
           [](Text& t, const Connection& c) {
             put(t, std::string_view(c.role_seen ? "seen" : "inferred"));
           }},
    Column{"vantage",
           [](Text& t, const Connection& c) {
             if (c.vantage != Vantage::unknown) put(t, to_string(c.vantage));
           }},
    Column{"handshake_complete",
           [](Text& t, const Connection& c) { put(t, c.handshake.complete); }},
    Column{"syn_retransmits",
           [](Text& t, const Connection& c) { put(t, c.handshake.syn_retransmits); }},
    Column{"syn_ack_retransmits",
           [](Text& t, const Connection& c) { put(t, c.handshake.syn_ack_retransmits); }},
    Column{"client_rtt_us", [](Text& t, const Connection& c) { put(t, c.handshake.client_rtt); }},
    Column{"server_rtt_us", [](Text& t, const Connection& c) { put(t, c.handshake.server_rtt); }},
    Column{"close", [](Text& t, const Connection& c) { put(t, to_string(c.close.how)); }},
    Column{"close_first", [](Text& t, const Connection& c) { put(t, first_word(c.close.first)); }},
    Column{"reset_by",
           [](Text& t, const Connection& c) {
             if (c.close.reset_by != ResetBy::nobody) put(t, to_string(c.close.reset_by));
           }},
    Column{"anomalies", [](Text& t, const Connection& c) { put(t, anomalies_of(c)); }},
    Column{"history", [](Text& t, const Connection& c) { put(t, std::string_view(c.history)); }},
};

struct SideColumn {
  std::string_view name;  // behind orig_ or resp_
  void (*put)(Text&, const ConnectionSide&);
};
template <auto kMember>
constexpr auto kPut = [](Text& into, const ConnectionSide& side) { put(into, side.*kMember); };

template <Duration RttSummary::* kMember>
constexpr auto kPutRtt = [](Text& into, const ConnectionSide& side) {
  if (side.rtt) put(into, (*side.rtt).*kMember);
};

const std::array kSideColumns{
    SideColumn{"state", kPut<&ConnectionSide::state>},
    SideColumn{"certainty",
               [](Text& t, const ConnectionSide& s) { put(t, to_string(s.certainty)); }},
    SideColumn{"since_us",
               [](Text& t, const ConnectionSide& s) {
                 if (s.state) put(t, s.since);
               }},
    SideColumn{"packets", kPut<&ConnectionSide::packets>},
    SideColumn{"data_packets", kPut<&ConnectionSide::data_packets>},
    SideColumn{"bytes", kPut<&ConnectionSide::bytes>},
    SideColumn{"ip_bytes", kPut<&ConnectionSide::ip_bytes>},
    SideColumn{"unique_bytes", kPut<&ConnectionSide::unique_bytes>},
    SideColumn{"missed_bytes", kPut<&ConnectionSide::missed_bytes>},
    SideColumn{"retransmissions", kPut<&ConnectionSide::retransmissions>},
    SideColumn{"fast_retransmissions", kPut<&ConnectionSide::fast_retransmissions>},
    SideColumn{"spurious_retransmissions", kPut<&ConnectionSide::spurious_retransmissions>},
    SideColumn{"out_of_order", kPut<&ConnectionSide::out_of_order>},
    SideColumn{"duplicate_acks", kPut<&ConnectionSide::duplicate_acks>},
    SideColumn{"capture_duplicates", kPut<&ConnectionSide::capture_duplicates>},
    SideColumn{"zero_windows", kPut<&ConnectionSide::zero_windows>},
    SideColumn{"zero_window_probes", kPut<&ConnectionSide::zero_window_probes>},
    SideColumn{"keep_alives", kPut<&ConnectionSide::keep_alives>},
    SideColumn{"resets", kPut<&ConnectionSide::resets>},
    SideColumn{"refused_resets", kPut<&ConnectionSide::refused_resets>},
    SideColumn{"lost_segments", kPut<&ConnectionSide::lost_segments>},
    SideColumn{"window_full", kPut<&ConnectionSide::window_full>},
    SideColumn{"bad_checksums", kPut<&ConnectionSide::bad_checksums>},
    SideColumn{"mss", kPut<&ConnectionSide::mss>},
    SideColumn{"window_scale", kPut<&ConnectionSide::window_scale>},
    SideColumn{"sack_permitted", kPut<&ConnectionSide::sack_permitted>},
    SideColumn{"timestamps", kPut<&ConnectionSide::timestamps>},
    SideColumn{"rtt_min_us", kPutRtt<&RttSummary::min>},
    SideColumn{"rtt_median_us", kPutRtt<&RttSummary::median>},
    SideColumn{"rtt_p99_us", kPutRtt<&RttSummary::p99>},
    SideColumn{"rtt_max_us", kPutRtt<&RttSummary::max>},
    SideColumn{"rtt_samples",
               [](Text& t, const ConnectionSide& s) {
                 if (s.rtt) put(t, s.rtt->samples);
               }},
};

// RFC 4180 2, rule 1: CR and LF end a line.
constexpr std::string_view kLineEnd = "\r\n";

}  // namespace

void append_csv_head(Text& into) {
  bool first = true;
  const auto name = [&](std::string_view prefix, std::string_view rest) {
    if (!first) into.push_back(',');
    first = false;
    into.append(prefix);
    into.append(rest);
  };
  for (const Column& column : kColumns) name("", column.name);
  for (const std::string_view prefix : {"orig_", "resp_"}) {
    for (const SideColumn& column : kSideColumns) name(prefix, column.name);
  }
  into.append(kLineEnd);
}

void append_csv_line(Text& into, const Connection& connection) {
  bool first = true;
  for (const Column& column : kColumns) {
    if (!first) into.push_back(',');
    first = false;
    column.put(into, connection);
  }
  for (const ConnectionSide& side : connection.sides) {
    for (const SideColumn& column : kSideColumns) {
      into.push_back(',');
      column.put(into, side);
    }
  }
  into.append(kLineEnd);
}

}  // namespace tcpdx::view
