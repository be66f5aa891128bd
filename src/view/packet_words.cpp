#include "view/packet_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <vector>

#include "wire/tcp.hpp"

namespace tcpdx::view {
namespace {

using track::PacketReport;
using track::Remark;
using State = std::optional<tcp::State>;
using enum tcp::State;

enum class Kind : uint8_t { syn, syn_ack, fin, rst, other };

Kind kind_of(const wire::TcpFlags& flags) {
  if (flags.rst) return Kind::rst;
  if (flags.syn) return flags.ack ? Kind::syn_ack : Kind::syn;
  return flags.fin ? Kind::fin : Kind::other;
}

// Whose state moved.
enum class Who : uint8_t { sender, receiver };

// What is said where a packet of this kind moved that end into that state. Absent: any.
struct Move {
  std::optional<Kind> kind;
  Who who{};
  State from;
  tcp::State to{};
  State peer;  // the other end's state before
  std::string_view words;
  Ink ink = Ink::plain;
};

constexpr auto kAny = std::nullopt;

// The first that fits is said; {sender} and {receiver} become client and server.
constexpr std::array kMoves{
    Move{Kind::rst, Who::receiver, syn_sent, closed, kAny, "RST: connection refused", Ink::red},
    Move{Kind::rst, Who::receiver, kAny, closed, kAny, "RST: {sender} resets the connection",
         Ink::red},
    Move{Kind::rst, Who::sender, kAny, closed, kAny, "RST: {sender} resets the connection",
         Ink::red},
    Move{Kind::syn, Who::sender, kAny, syn_sent, syn_sent, "SYN from the other end too",
         Ink::yellow},
    Move{Kind::syn, Who::sender, kAny, syn_sent, kAny, "SYN: {sender} asks to connect"},
    Move{Kind::syn_ack, Who::sender, syn_sent, syn_received, kAny,
         "SYN-ACK: both ends opened at once", Ink::yellow},
    Move{Kind::syn_ack, Who::sender, kAny, syn_received, kAny, "SYN-ACK: {sender} accepts"},
    Move{Kind::fin, Who::sender, kAny, fin_wait_1, fin_wait_1, "FIN: both ends close at once"},
    Move{Kind::fin, Who::sender, kAny, fin_wait_1, kAny, "first FIN: {sender} closes"},
    Move{Kind::fin, Who::sender, kAny, last_ack, kAny, "second FIN: {sender} closes too"},
    Move{kAny, Who::receiver, last_ack, closed, kAny,
         "last ACK: {receiver} is done, {sender} waits in TIME-WAIT"},
    Move{kAny, Who::sender, kAny, time_wait, kAny, "last ACK: {sender} waits in TIME-WAIT"},
    Move{kAny, Who::sender, kAny, closing, kAny, "FINs crossed: both ends close at once"},
    Move{kAny, Who::sender, kAny, close_wait, kAny, "FIN acknowledged: {sender} may still send"},
    Move{kAny, Who::receiver, kAny, fin_wait_2, kAny, "FIN acknowledged: {sender} may still send"},
    Move{kAny, Who::receiver, kAny, time_wait, kAny,
         "FIN acknowledged: {receiver} waits in TIME-WAIT"},
};

struct RemarkText {
  Remark remark{};
  std::string_view id;
  std::string_view words;  // empty: not worth a word on a line
  Ink ink = Ink::plain;
};

// In the order of the enumeration.
constexpr std::array kRemarkTexts{
    RemarkText{Remark::retransmission, "retransmission", "retransmission", Ink::yellow},
    RemarkText{Remark::fast_retransmission, "fast-retransmission", "fast retransmission",
               Ink::yellow},
    RemarkText{Remark::spurious_retransmission, "spurious-retransmission",
               "retransmission of what had arrived", Ink::yellow},
    RemarkText{Remark::out_of_order, "out-of-order", "out of order", Ink::yellow},
    RemarkText{Remark::gap, "gap", "segments before it missing", Ink::yellow},
    RemarkText{Remark::duplicate_ack, "duplicate-ack", "duplicate ACK", Ink::yellow},
    RemarkText{Remark::capture_duplicate, "capture-duplicate", "captured twice", Ink::dim},
    RemarkText{Remark::keep_alive, "keep-alive", "keep-alive"},
    RemarkText{Remark::keep_alive_ack, "keep-alive-ack", "answer to keep-alive"},
    RemarkText{Remark::zero_window, "zero-window", "zero window: {sender} takes no more", Ink::red},
    RemarkText{Remark::zero_window_probe, "zero-window-probe", "zero-window probe", Ink::yellow},
    RemarkText{Remark::window_full, "window-full", "fills the window of the {receiver}",
               Ink::yellow},
    RemarkText{Remark::window_update, "window-update", "window update"},
    RemarkText{Remark::refused_reset, "refused-reset", "RST refused: not at RCV.NXT", Ink::red},
    RemarkText{Remark::forged_reset, "forged-reset", "RST by a third party", Ink::red},
    RemarkText{Remark::challenge_ack, "challenge-ack", "challenge ACK", Ink::yellow},
    RemarkText{Remark::acks_unseen, "acks-unseen", "acknowledges what was not captured",
               Ink::yellow},
    RemarkText{Remark::bad_checksum, "bad-checksum", "bad checksum", Ink::red},
    // What this machine sends has these as a rule.
    RemarkText{Remark::offloaded_checksum, "offloaded-checksum", ""},
    RemarkText{Remark::data_after_fin, "data-after-fin", "data after FIN", Ink::red},
    RemarkText{Remark::stray, "stray", "belongs to no open connection", Ink::yellow},
    // Said by the handshake's own words.
    RemarkText{Remark::handshake_complete, "handshake-complete", ""},
    RemarkText{Remark::port_reuse, "port-reuse", "ports used again"},
};
static_assert(kRemarkTexts.size() == track::kRemarks);
static_assert(std::ranges::all_of(kRemarkTexts, [](const RemarkText& text) {
  return &text - kRemarkTexts.data() == static_cast<ptrdiff_t>(text.remark);
}));

struct IcmpText {
  Family family{};
  uint8_t type = 0;
  std::optional<uint8_t> code;  // absent: any
  std::string_view words;
};

// RFC 792, RFC 1812 5.2.7.1, RFC 4443.
constexpr std::array kIcmpTexts{
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kNet, "network unreachable"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kHost, "host unreachable"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kProtocol, "no TCP there"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kPort, "port unreachable"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kFragmentationNeeded,
             "packet too big"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kSourceRouteFailed,
             "source route failed"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, uint8_t{9}, "network prohibited"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, uint8_t{10}, "host prohibited"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, wire::icmp4::kProhibited,
             "prohibited by a filter"},
    IcmpText{Family::v4, wire::icmp4::kUnreachable, {}, "unreachable"},
    IcmpText{Family::v4, wire::icmp4::kSourceQuench, {}, "source quench"},
    IcmpText{Family::v4, wire::icmp4::kTimeExceeded, uint8_t{0}, "TTL exceeded on the way"},
    IcmpText{Family::v4, wire::icmp4::kTimeExceeded, {}, "fragments missing for too long"},
    IcmpText{Family::v4, wire::icmp4::kParameterProblem, {}, "parameter problem"},
    IcmpText{Family::v6, wire::icmp6::kUnreachable, wire::icmp6::kNoRoute, "no route"},
    IcmpText{Family::v6, wire::icmp6::kUnreachable, wire::icmp6::kProhibited,
             "prohibited by a filter"},
    IcmpText{Family::v6, wire::icmp6::kUnreachable, wire::icmp6::kAddress, "address unreachable"},
    IcmpText{Family::v6, wire::icmp6::kUnreachable, wire::icmp6::kPort, "port unreachable"},
    IcmpText{Family::v6, wire::icmp6::kUnreachable, {}, "unreachable"},
    IcmpText{Family::v6, wire::icmp6::kPacketTooBig, {}, "packet too big"},
    IcmpText{Family::v6, wire::icmp6::kTimeExceeded, uint8_t{0}, "hop limit exceeded on the way"},
    IcmpText{Family::v6, wire::icmp6::kTimeExceeded, {}, "fragments missing for too long"},
    IcmpText{Family::v6, wire::icmp6::kParameterProblem, {}, "parameter problem"},
};

const RemarkText& text_of(Remark remark) { return kRemarkTexts[static_cast<size_t>(remark)]; }

bool fits(const Move& move, const PacketReport& report, Kind kind) {
  const Party mover = move.who == Who::sender ? report.from : other(report.from);
  const auto of = [](const auto& states, Party party) {
    return states[static_cast<size_t>(party)].state;
  };
  const State before = of(report.before, mover);
  const State after = of(report.after, mover);
  return after == move.to && before != after && (!move.kind || *move.kind == kind) &&
         (!move.from || move.from == before) &&
         (!move.peer || move.peer == of(report.before, other(mover)));
}

// The third segment may bring data; of a simultaneous open it is a SYN-ACK.
std::string handshake_words(const PacketReport& report, Kind kind) {
  std::string text = kind == Kind::syn_ack                 ? "SYN-ACK"
                     : report.sighting->packet.length != 0 ? "first data"
                     : kind == Kind::fin                   ? "FIN"
                                                           : "third ACK";
  text += ": handshake complete";
  if (report.handshake_rtt) text += ", " + short_time(*report.handshake_rtt);
  return text;
}

// What a SYN tells of its sender, in brackets.
std::string offer(const PacketReport& report) {
  wire::TcpOptions options;
  static_cast<void>(wire::parse_tcp_options(report.sighting->packet.options, options));
  std::vector<std::string> words;
  if (options.mss) words.push_back(fmt::format("mss {}", *options.mss));
  if (options.window_scale) words.push_back(fmt::format("wscale {}", *options.window_scale));
  return words.empty() ? "" : fmt::format(" ({})", fmt::join(words, ", "));
}

std::string_view repeated(Kind kind) {
  switch (kind) {
    case Kind::syn: return "SYN ";
    case Kind::syn_ack: return "SYN-ACK ";
    case Kind::fin: return "FIN ";
    case Kind::rst: return "RST ";
    case Kind::other: return "";
  }
  return "";
}

class Sentence {
 public:
  explicit Sentence(const PacketReport& report) : report_(report) {}

  void add(std::string_view text, Ink ink) {
    if (text.empty()) return;
    if (!words_.text.empty()) words_.text += "; ";
    words_.text += fmt::format(fmt::runtime(text), fmt::arg("sender", role_name(report_.from)),
                               fmt::arg("receiver", role_name(other(report_.from))));
    words_.ink = std::max(words_.ink, ink, worse);
  }
  const PacketWords& words() const { return words_; }

 private:
  // By how much they ask for attention.
  static bool worse(Ink one, Ink two) {
    constexpr std::array kOrder{Ink::plain, Ink::dim, Ink::green, Ink::yellow, Ink::red};
    return std::ranges::find(kOrder, one) < std::ranges::find(kOrder, two);
  }

  const PacketReport& report_;
  PacketWords words_;
};

void add_moves(const PacketReport& report, Kind kind, Sentence& sentence) {
  if (report.remarks.has(Remark::handshake_complete)) {
    sentence.add(handshake_words(report, kind), Ink::green);
  }
  const bool known = report.before[0].state || report.before[1].state;
  if (!known && kind != Kind::syn && kind != Kind::syn_ack) {
    sentence.add("already open when the capture began", Ink::plain);
    return;
  }
  const auto* const move =
      std::ranges::find_if(kMoves, [&](const Move& one) { return fits(one, report, kind); });
  if (move == kMoves.end()) return;
  const bool syn = kind == Kind::syn || kind == Kind::syn_ack;
  sentence.add(std::string(move->words) + (syn ? offer(report) : ""), move->ink);
}

// What another word of the line says better, or implies.
bool said_better(const PacketReport& report, Remark remark) {
  const auto has = [&](Remark other) { return report.remarks.has(other); };
  if (remark == Remark::retransmission) {
    return has(Remark::fast_retransmission) || has(Remark::spurious_retransmission);
  }
  // The first window that is scaled.
  return remark == Remark::window_update && has(Remark::handshake_complete);
}

}  // namespace

std::string_view role_name(Party party) { return party == Party::originator ? "client" : "server"; }

PacketWords packet_words(const PacketReport& report) {
  Sentence sentence(report);
  if (report.icmp != nullptr) {
    sentence.add("ICMP error: {sender} is told " + icmp_words(*report.icmp), Ink::red);
    return sentence.words();
  }
  const Kind kind = kind_of(report.sighting->packet.flags);
  add_moves(report, kind, sentence);
  for (const RemarkText& text : kRemarkTexts) {
    if (!report.remarks.has(text.remark) || said_better(report, text.remark)) continue;
    const bool repeat = text.remark <= Remark::spurious_retransmission;
    sentence.add(std::string(repeat ? repeated(kind) : "") + std::string(text.words), text.ink);
  }
  return sentence.words();
}

std::string icmp_words(const wire::IcmpError& error) {
  const wire::IcmpCause& cause = error.cause;
  const auto* const found = std::ranges::find_if(kIcmpTexts, [&](const IcmpText& text) {
    return text.family == error.quoted.source.family && text.type == cause.type &&
           (!text.code || *text.code == cause.code);
  });
  std::string text = found != kIcmpTexts.end()
                         ? std::string(found->words)
                         : fmt::format("type {} code {}", cause.type, cause.code);
  if (cause.mtu) text += fmt::format(", MTU {}", *cause.mtu);
  return text;
}

std::string_view remark_id(Remark remark) { return text_of(remark).id; }

std::string short_time(Duration duration) {
  const int64_t us = duration.count();
  if (us < 1'000 || us >= 100'000) return human(duration);
  return fmt::format("{}.{} ms", us / 1'000, us / 100 % 10);
}

}  // namespace tcpdx::view
