// What Zeek would say of a connection. Fields and the thirteen values of conn_state are described
// in Zeek's reference, base/protocols/conn/main.zeek; both it and `history` speak of what was sent,
// not of what the ends believe.
#include "view/connection_zeek.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "base/siphash.hpp"
#include "base/text.hpp"

namespace tcpdx::view {
namespace {

using Text = fmt::memory_buffer;

void append(Text& into, std::string_view text) { into.append(text); }

struct Field {
  std::string_view name;
  std::string_view type;
};
constexpr std::array kFields{
    Field{"ts", "time"},
    Field{"uid", "string"},
    Field{"id.orig_h", "addr"},
    Field{"id.orig_p", "port"},
    Field{"id.resp_h", "addr"},
    Field{"id.resp_p", "port"},
    Field{"proto", "enum"},
    Field{"service", "string"},
    Field{"duration", "interval"},
    Field{"orig_bytes", "count"},
    Field{"resp_bytes", "count"},
    Field{"conn_state", "string"},
    Field{"local_orig", "bool"},
    Field{"local_resp", "bool"},
    Field{"missed_bytes", "count"},
    Field{"history", "string"},
    Field{"orig_pkts", "count"},
    Field{"orig_ip_bytes", "count"},
    Field{"resp_pkts", "count"},
    Field{"resp_ip_bytes", "count"},
    Field{"tunnel_parents", "set[string]"},
};

// What an end has sent so far, in Zeek's terms.
enum class Sent : uint8_t { nothing, part, syn, syn_ack, established, fin, rst };

// Follows `history`, whose letters are the first segments of each kind in their order.
class Ends {
 public:
  explicit Ends(const Connection& connection) : connection_(connection) {
    for (const char letter : connection.history) take(letter);
  }
  Sent sent(Party party) const { return now_[static_cast<size_t>(party)]; }

 private:
  Sent& of(Party party) { return now_[static_cast<size_t>(party)]; }
  bool silent(Party party) const {
    return sent(party) == Sent::nothing || sent(party) == Sent::part;
  }

  void take(char letter) {
    const Party from = letter >= 'a' && letter <= 'z' ? Party::responder : Party::originator;
    const char kind = from == Party::responder ? static_cast<char>(letter - 'a' + 'A') : letter;
    switch (kind) {
      case 'S': return syn(from, Sent::syn);
      case 'H': return syn(from, Sent::syn_ack);
      case 'A':
      case 'D': return plain(from, kind == 'D');
      case 'F': return fin(from);
      case 'R':
      case 'I': return rst(from);  // I: FIN and RST in one
      case 'Q':                    // SYN and FIN, or SYN and RST
        return connection_.side(from).resets > 0 ? rst(from) : fin(from);
      default: return;  // C, G, T, W and ^ move nothing
    }
  }

  void syn(Party from, Sent what) {
    if (!silent(from)) return;
    if (sent(from) == Sent::part) {
      if (sent(other(from)) == Sent::nothing && what == Sent::syn) of(from) = Sent::syn;
      return;
    }
    if (from == Party::originator) {
      of(from) = what;
      return;
    }
    // The responder's SYN, with an ACK or without (a simultaneous open), is the answer.
    if (sent(Party::originator) == Sent::syn) of(Party::originator) = Sent::established;
    of(from) = Sent::established;
  }

  void plain(Party from, bool data) {
    if (sent(from) != Sent::nothing) return;
    const Sent peer = sent(other(from));
    if (from == Party::responder && !data && peer == Sent::syn) return;  // no part of a stream yet
    of(from) = peer == Sent::established ? Sent::established : Sent::part;
  }

  void fin(Party from) {
    if (sent(from) == Sent::rst) return;
    const bool was_open = sent(from) == Sent::established || sent(from) == Sent::part;
    if (sent(from) != Sent::fin) before_[static_cast<size_t>(from)] = sent(from);
    of(from) = Sent::fin;
    const Party peer = other(from);
    // The peer's FIN and RST, and now our FIN: that was a normal end after all.
    if (was_open && sent(peer) == Sent::rst && before_[static_cast<size_t>(peer)] == Sent::fin) {
      of(peer) = Sent::fin;
    }
  }

  void rst(Party from) {
    if (sent(from) == Sent::fin && sent(other(from)) == Sent::fin) return;
    if (sent(from) == Sent::rst) return;
    before_[static_cast<size_t>(from)] = sent(from);
    of(from) = Sent::rst;
  }

  const Connection& connection_;
  std::array<Sent, 2> now_{};
  std::array<Sent, 2> before_{};
};

uint64_t octets(const ConnectionSide& side) { return side.unique_bytes + side.missed_bytes; }

std::string_view reset_by_responder(const Connection& c, Sent originator) {
  const bool nothing_passed =
      octets(c.side(Party::originator)) == 0 && octets(c.side(Party::responder)) == 0;
  if (originator == Sent::syn || originator == Sent::syn_ack ||
      (originator == Sent::rst && nothing_passed)) {
    return "REJ";
  }
  return originator == Sent::nothing || originator == Sent::part ? "RSTRH" : "RSTR";
}

// A SYN, then a RST, and no handshake, ACK, FIN or gap of the originator's between them.
bool syn_then_reset(std::string_view history) {
  if (history.starts_with('^')) history.remove_prefix(1);
  if (!history.starts_with('S')) return false;
  return history.find('R') < history.find_first_of("HAFGIQ");
}

// The end that has sent FIN or RST, in the order of the timeline.
std::optional<Duration> ended_at(const Connection& connection, Party party) {
  const auto end = std::ranges::find_if(connection.timeline, [&](const StateChange& change) {
    return change.side == party &&
           (change.cause == Cause::fin_sent || change.cause == Cause::reset_sent);
  });
  if (end == connection.timeline.end()) return std::nullopt;
  return end->at;
}

// Zeek's duration ends when both ends have closed: with the second FIN, not with its ACK.
Duration zeek_duration(const Connection& connection) {
  const auto originator = ended_at(connection, Party::originator);
  const auto responder = ended_at(connection, Party::responder);
  if (!originator || !responder) return connection.duration;
  return std::min(connection.duration, std::max(*originator, *responder));
}

// Addresses that a site gives out itself: RFC 1918, RFC 6598, RFC 4193, loopback and link-local.
bool is_local(const IpAddress& address) {
  struct Network {
    IpAddress prefix;
    unsigned bits;
  };
  static const std::array kNetworks{
      Network{ipv4(10, 0, 0, 0), 8},
      Network{ipv4(172, 16, 0, 0), 12},
      Network{ipv4(192, 168, 0, 0), 16},
      Network{ipv4(100, 64, 0, 0), 10},
      Network{ipv4(127, 0, 0, 0), 8},
      Network{ipv4(169, 254, 0, 0), 16},
      Network{{{0xFC}, Family::v6}, 7},
      Network{{{0xFE, 0x80}, Family::v6}, 10},
      Network{{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}, Family::v6}, 128},
  };
  return std::ranges::any_of(kNetworks, [plain = address.unmapped()](const Network& network) {
    return plain.family == network.prefix.family && plain.prefix(network.bits) == network.prefix;
  });
}

void append_octets(std::vector<std::byte>& into, const void* from, size_t size) {
  const auto* const first = static_cast<const std::byte*>(from);
  into.insert(into.end(), first, first + size);
}

// The same for the same connection in every run and every file: a hash of its ends and its start.
void append_uid(Text& into, const Connection& connection) {
  constexpr std::array<uint64_t, 2> kKey{0x746370647820756e, 0x6971756520696473};
  constexpr std::string_view kDigits =
      "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  constexpr size_t kLength = 11;  // 62^11 is just above 2^64
  std::vector<std::byte> message;
  for (const SocketAddress* end : {&connection.originator, &connection.responder}) {
    append_octets(message, end->addr.bytes.data(), end->addr.bytes.size());
    append_octets(message, &end->port, sizeof end->port);
  }
  const int64_t start = connection.start.time_since_epoch().count();
  append_octets(message, &start, sizeof start);
  for (const uint16_t vlan : connection.vlans) append_octets(message, &vlan, sizeof vlan);
  for (const std::string& tunnel : connection.tunnels) {
    append_octets(message, tunnel.data(), tunnel.size());
  }
  uint64_t hash = siphash(kKey, message);
  std::array<char, kLength> digits{};
  for (char& digit : digits) digit = kDigits[std::exchange(hash, hash / 62) % 62];
  into.push_back('C');
  append(into, {digits.data(), digits.size()});
}

// Seconds with six digits behind the point.
void append_seconds(Text& into, int64_t microseconds) {
  fmt::format_to(fmt::appender(into), "{}.{:06}", microseconds / 1'000'000,
                 microseconds % 1'000'000);
}

// As Zeek names them: 2014-05-23-18-02-04.
void append_date(Text& into, WallTime t) {
  std::string date = rfc3339(t).substr(0, std::string_view("2014-05-23T18:02:04").size());
  std::ranges::replace_if(date, [](char c) { return c == 'T' || c == ':'; }, '-');
  append(into, date);
}

void append_address(Text& into, const SocketAddress& end) {
  append(into, to_string(end.addr));
  into.push_back('\t');
  append(into, fmt::format_int(end.port).str());
}

void append_header_line(Text& into, std::string_view name, std::string_view Field::* member) {
  into.push_back('#');
  append(into, name);
  for (const Field& field : kFields) {
    into.push_back('\t');
    append(into, field.*member);
  }
  into.push_back('\n');
}

void append_counts(Text& into, const ConnectionSide& side) {
  fmt::format_to(fmt::appender(into), "\t{}\t{}", side.packets, side.ip_bytes);
}

}  // namespace

std::string_view zeek_conn_state(const Connection& connection) {
  const Ends ends(connection);
  const Sent originator = ends.sent(Party::originator);
  const Sent responder = ends.sent(Party::responder);
  const bool no_responder = responder == Sent::nothing || responder == Sent::part;
  const bool no_originator = originator == Sent::nothing || originator == Sent::part;
  if (responder == Sent::rst) return reset_by_responder(connection, originator);
  if (originator == Sent::rst) {
    if (!no_responder) return "RSTO";
    return syn_then_reset(connection.history) ? "RSTOS0" : "OTH";
  }
  if (originator == Sent::fin && responder == Sent::fin) return "SF";
  if (originator == Sent::fin) return no_responder ? "SH" : "S2";
  if (responder == Sent::fin) return no_originator ? "SHR" : "S3";
  if (originator == Sent::syn && responder == Sent::nothing) return "S0";
  if (originator == Sent::established && responder == Sent::established) return "S1";
  return "OTH";
}

void append_zeek_head(Text& into, WallTime opened) {
  append(into,
         "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n"
         "#path\tconn\n#open\t");
  append_date(into, opened);
  into.push_back('\n');
  append_header_line(into, "fields", &Field::name);
  append_header_line(into, "types", &Field::type);
}

void append_zeek_line(Text& into, const Connection& connection) {
  const ConnectionSide& originator = connection.side(Party::originator);
  const ConnectionSide& responder = connection.side(Party::responder);
  append_seconds(into, connection.start.time_since_epoch().count());
  into.push_back('\t');
  append_uid(into, connection);
  into.push_back('\t');
  append_address(into, connection.originator);
  into.push_back('\t');
  append_address(into, connection.responder);
  append(into, "\ttcp\t-\t");
  const Duration duration = zeek_duration(connection);
  if (duration > Duration::zero()) {
    append_seconds(into, duration.count());
    fmt::format_to(fmt::appender(into), "\t{}\t{}\t", octets(originator), octets(responder));
  } else {
    append(into, "-\t-\t-\t");  // one packet: nothing was measured
  }
  append(into, zeek_conn_state(connection));
  append(into, is_local(connection.originator.addr) ? "\tT" : "\tF");
  append(into, is_local(connection.responder.addr) ? "\tT\t" : "\tF\t");
  append(into, fmt::format_int(originator.missed_bytes + responder.missed_bytes).str());
  into.push_back('\t');
  append(into, connection.history.empty() ? "-" : std::string_view(connection.history));
  append_counts(into, originator);
  append_counts(into, responder);
  append(into, "\t-\n");
}

void append_zeek_note(Text& into, std::string_view name, std::string_view text) {
  fmt::format_to(fmt::appender(into), "#{}\t{}\n", name, printable(text));
}

void append_zeek_foot(Text& into, WallTime closed) {
  append(into, "#close\t");
  append_date(into, closed);
  into.push_back('\n');
}

}  // namespace tcpdx::view
