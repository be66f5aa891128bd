#include "view/packet_ladder.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/arrows.hpp"
#include "view/connection_text.hpp"
#include "view/packet_ladder_plan.hpp"
#include "view/packet_words.hpp"

namespace tcpdx::view {
namespace {

using track::Remark;
using track::StateNow;
using Kind = LadderItem::Kind;

constexpr size_t kUsualWidth = 80;  // where there is no terminal
constexpr size_t kLeastMiddle = 30;
constexpr std::array kParties{Party::originator, Party::responder};
constexpr std::string_view kDots = "···";

Beside beside(Party party) { return party == Party::originator ? Beside::left : Beside::right; }

std::string mark_of(const StateNow& now) {
  if (!now.state) return "?";
  std::string text(to_string(*now.state));
  if (now.certainty == Certainty::inferred) text += '~';
  if (now.certainty == Certainty::unknown) text += '?';
  return text;
}

// --- what a packet's line says --------------------------------------------------------------

// From the fullest form of a label to the shortest.
enum class Detail : uint8_t { length, window, no_seq_word, no_window };
constexpr std::array kDetails{Detail::length, Detail::window, Detail::no_seq_word,
                              Detail::no_window};

// In tcpdump's notation, without what it leaves out too.
std::string label(const LoggedPacket& packet, Detail detail) {
  const wire::TcpFlags flags = packet.flags;
  std::string text = fmt::format("[{}]", to_string(flags));
  const std::string_view word = detail < Detail::no_seq_word ? "seq " : "";
  if (packet.length != 0) {
    text += fmt::format(" {}{}:{}", word, packet.seq, packet.seq + packet.length);
  } else if (flags.syn || flags.fin || flags.rst || packet.remarks.has(Remark::keep_alive) ||
             packet.remarks.has(Remark::zero_window_probe)) {
    text += fmt::format(" {}{}", word, packet.seq);
  }
  if (flags.ack) text += fmt::format(" ack {}", packet.ack);
  const bool closed = packet.window == 0 && !flags.rst;
  if (closed || detail < Detail::no_window) text += fmt::format(" win {}", packet.window);
  if (detail == Detail::length && packet.length != 0) {
    text += fmt::format(" len {}", packet.length);
  }
  return text;
}

struct SaidBetter {
  Remark remark{};
  Remark by{};
};
// Where both hold, the second tells the first, too.
constexpr std::array kSaidBetter{
    SaidBetter{Remark::retransmission, Remark::fast_retransmission},
    SaidBetter{Remark::retransmission, Remark::spurious_retransmission},
    SaidBetter{Remark::window_update, Remark::handshake_complete},
    SaidBetter{Remark::window_update, Remark::zero_window},
    SaidBetter{Remark::keep_alive_ack, Remark::zero_window},
};

// The checksums of a network card say nothing about the path.
bool is_told(const LoggedPacket& packet, Remark remark) {
  if (!packet.remarks.has(remark) || remark == Remark::offloaded_checksum) return false;
  return std::ranges::none_of(kSaidBetter, [&](const SaidBetter& pair) {
    return pair.remark == remark && packet.remarks.has(pair.by);
  });
}

bool is_trouble(const LoggedPacket& packet) {
  constexpr std::array kTrouble{Remark::retransmission, Remark::zero_window,  Remark::refused_reset,
                                Remark::forged_reset,   Remark::bad_checksum, Remark::out_of_order,
                                Remark::data_after_fin, Remark::gap,          Remark::stray};
  return packet.flags.rst ||
         std::ranges::any_of(kTrouble, [&](Remark remark) { return packet.remarks.has(remark); });
}

std::string remarks_of(const LoggedPacket& packet) {
  std::vector<std::string> words;
  for (size_t i = 0; i < track::kRemarks; ++i) {
    const auto remark = static_cast<Remark>(i);
    if (!is_told(packet, remark)) continue;
    std::string text(to_string(remark));
    if (remark == Remark::handshake_complete && packet.handshake_rtt) {
      text += ", " + short_time(*packet.handshake_rtt);
    }
    words.push_back(std::move(text));
  }
  for (size_t i = 0; i < packet.sack_blocks; ++i) {
    const auto [left, right] = packet.sack_edges(i);
    words.push_back(fmt::format("{}{}:{}", i == 0 ? "SACK " : "", left, right));
  }
  return words.empty() ? "" : fmt::format("({})", fmt::join(words, ", "));
}

std::string icmp_line(const LoggedPacket& packet) {
  return fmt::format("(ICMP from {}: {})", to_string(packet.icmp->reporter),
                     icmp_words(*packet.icmp));
}

// --- what stands for several packets --------------------------------------------------------

std::string counted(uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

std::string transfer_line(const PacketLog& log, const LadderItem& item) {
  std::array<uint64_t, 2> segments{};
  std::array<uint64_t, 2> octets{};
  uint64_t acks = 0;
  uint64_t duplicates = 0;
  for (size_t i = item.first; i <= item.last; ++i) {
    const LoggedPacket& packet = log[i];
    const auto from = static_cast<size_t>(packet.from);
    if (packet.remarks.has(Remark::duplicate_ack)) ++duplicates;
    if (packet.length == 0) {
      ++acks;
      continue;
    }
    ++segments[from];
    octets[from] += packet.length;
  }
  std::vector<std::string> words;
  for (const Party party : kParties) {
    const auto index = static_cast<size_t>(party);
    if (segments[index] == 0) continue;
    words.push_back(fmt::format("{}, {} from the {}",
                                counted(segments[index], "segment", "segments"),
                                amount_of_bytes(octets[index]), to_string(party)));
  }
  if (acks > 0) words.push_back(counted(acks, "ACK", "ACKs"));
  if (duplicates > 0) words.back() += fmt::format(" ({} duplicate)", grouped(duplicates));
  return fmt::format("{0} {1} {0}", kDots, fmt::join(words, ", "));
}

std::string probes_line(const PacketLog& log, const LadderItem& item) {
  uint64_t probes = 0;
  uint64_t closed = 0;
  for (size_t i = item.first; i <= item.last; ++i) {
    if (log[i].remarks.has(Remark::keep_alive)) ++probes;
    if (log[i].remarks.has(Remark::zero_window_probe)) ++closed;
  }
  std::vector<std::string> words;
  if (probes > 0) words.push_back(counted(probes, "keep-alive", "keep-alives"));
  if (closed > 0) words.push_back(counted(closed, "zero-window probe", "zero-window probes"));
  const uint64_t answers = item.last - item.first + 1 - probes - closed;
  if (answers > 0) words.push_back(counted(answers, "answer", "answers"));
  const Duration took((log[item.last].at_ns - log[item.first].at_ns) / 1000);
  return fmt::format("{0} {1} in {2} {0}", kDots, fmt::join(words, ", "), human(took));
}

std::string change_line(const StateChange& change) {
  std::string text = fmt::format("({}: {}", to_string(change.side), to_string(change.cause));
  if (change.frame != 0) text += fmt::format(", frame {}", change.frame);
  return text + ')';
}

// --- the columns -----------------------------------------------------------------------------

// The states of both ends as the lines above show them.
class Shown {
 public:
  // What is to be shown now: empty where it stands already.
  std::array<std::string, 2> next(const std::array<StateNow, 2>& now) {
    std::array<std::string, 2> texts;
    for (size_t i = 0; i < 2; ++i) texts[i] = of(i, now[i]);
    return texts;
  }
  std::array<std::string, 2> next(const StateChange& change) {
    std::array<std::string, 2> texts;
    const auto side = static_cast<size_t>(change.side);
    texts[side] = of(side, {change.to, change.certainty});
    return texts;
  }

 private:
  std::string of(size_t side, const StateNow& now) {
    std::string text = mark_of(now);
    if (text == shown_[side]) return {};
    shown_[side] = text;
    return text;
  }

  std::array<std::string, 2> shown_;
};

struct Layout {
  size_t time = 8;
  size_t frame = 5;
  size_t left = 10;
  size_t middle = 0;
  size_t right = 9;
  Detail detail{};
  bool inferred = false;  // there is a tilde
  bool unknown = false;   // there is a question mark

  size_t middle_at() const { return time + frame + left + 3; }
  size_t width() const { return middle_at() + middle + 1 + right; }
};

class Ladder {
 public:
  Ladder(std::ostream& out, const Style& style, const Connection& connection, const PacketLog& log,
         std::vector<LadderItem> items)
      : out_(out), style_(style), connection_(connection), log_(log), items_(std::move(items)) {
    measure_states();
    measure_middle();
  }

  void write() {
    write_line(fmt::format("{:>{}} {:>{}}", "seconds", layout_.time, "frame", layout_.frame),
               {"originator", "responder"}, aside(Beside::middle, "segment", layout_.middle),
               Ink::plain);
    Shown shown;
    write_start(shown);
    for (const LadderItem& item : items_) write_item(item, shown);
  }
  const Layout& layout() const { return layout_; }

 private:
  // Calls with the states that each line shows.
  template <class Use>
  void each_line(Use use) const {
    Shown shown;
    if (log_.size() > 0) use(shown.next(log_[0].before));
    for (const LadderItem& item : items_) {
      if (item.kind == Kind::packet) use(shown.next(log_[item.first].after));
      if (item.kind == Kind::change) use(shown.next(connection_.timeline[item.first]));
    }
  }

  void measure_states() {
    each_line([&](const std::array<std::string, 2>& states) {
      layout_.left = std::max(layout_.left, states[0].size());
      layout_.right = std::max(layout_.right, states[1].size());
      for (const std::string& text : states) {
        layout_.inferred |= text.ends_with('~');
        layout_.unknown |= text.ends_with('?');
      }
    });
    int64_t last_ns = 0;
    uint64_t last_frame = 0;
    for (const LadderItem& item : items_) {
      if (item.kind == Kind::change) {
        last_ns = std::max(last_ns, connection_.timeline[item.first].at.count() * 1000);
      } else if (item.kind == Kind::packet) {
        last_ns = std::max(last_ns, log_[item.first].at_ns);
        last_frame = std::max(last_frame, log_[item.first].frame);
      }
    }
    layout_.time = std::max(layout_.time, time_text(last_ns).size());
    layout_.frame = std::max(layout_.frame, fmt::formatted_size("{}", last_frame));
  }

  // The fullest form of which every label fits; a wide terminal has room for remarks, too.
  void measure_middle() {
    std::array<size_t, kDetails.size()> longest{};
    size_t longest_text = 0;
    for (const LadderItem& item : items_) {
      if (item.kind == Kind::change) {
        longest_text = std::max(longest_text, change_line(connection_.timeline[item.first]).size());
      }
      if (item.kind != Kind::packet) continue;
      const LoggedPacket& packet = log_[item.first];
      if (packet.icmp) {
        longest_text = std::max(longest_text, icmp_line(packet).size());
        continue;
      }
      for (size_t i = 0; i < kDetails.size(); ++i) {
        longest[i] = std::max(longest[i], label(packet, kDetails[i]).size());
      }
      const std::string remarks = remarks_of(packet);
      const size_t blank = remarks.empty() ? 0 : 1;
      longest_text = std::max(longest_text, label(packet, Detail::length).size() + blank +
                                                columns(remarks) + kArrowTips);
    }
    const size_t width = style_.width == 0 ? kUsualWidth : style_.width;
    const size_t others = layout_.width();
    const size_t room = std::max(kLeastMiddle, width > others ? width - others : 0);
    layout_.middle = std::clamp(longest_text, kLeastMiddle, room);
    const auto* const fits = std::ranges::find_if(
        longest, [&](size_t columns) { return columns + kArrowTips <= layout_.middle; });
    layout_.detail = fits == longest.end() ? Detail::no_window
                                           : kDetails[static_cast<size_t>(fits - longest.begin())];
  }

  static std::string time_text(int64_t at_ns) {
    return fmt::format("{:.6f}", static_cast<double>(at_ns) / 1e9);
  }

  std::string place(int64_t at_ns, uint64_t frame) const {
    return fmt::format("{:>{}} {:>{}}", time_text(at_ns), layout_.time,
                       frame == 0 ? "" : fmt::format("{}", frame), layout_.frame);
  }
  std::string no_place() const { return std::string(layout_.time + 1 + layout_.frame, ' '); }

  void write_line(std::string_view place, const std::array<std::string, 2>& states,
                  std::string_view middle, Ink ink) {
    std::string text = fmt::format("{} {:<{}} ", place, states[0], layout_.left);
    text += paint(style_, ink, middle);
    text += fmt::format(" {}", states[1]);
    out_ << text.substr(0, text.find_last_not_of(' ') + 1) << '\n';
  }

  // What the ends were in before the first packet.
  void write_start(Shown& shown) {
    if (log_.size() == 0) return;
    const auto& before = log_[0].before;
    const auto states = shown.next(before);
    if (!before[0].state && !before[1].state) {
      shown = {};
      return;
    }
    write_line(no_place(), states, std::string(layout_.middle, ' '), Ink::plain);
  }

  void write_item(const LadderItem& item, Shown& shown) {
    switch (item.kind) {
      case Kind::packet: return write_packet(log_[item.first], shown.next(log_[item.first].after));
      case Kind::transfer: return write_fold(transfer_line(log_, item));
      case Kind::probes: return write_fold(probes_line(log_, item));
      case Kind::silence:
        return write_fold(
            fmt::format("{0} {1} of silence {0}", kDots, human(Duration(item.silence_ns / 1000))));
      case Kind::silent_end:
        return write_fold(fmt::format("{0} {1} of silence, then the capture ends {0}", kDots,
                                      human(Duration(item.silence_ns / 1000))));
      case Kind::left_out:
        return write_fold(
            fmt::format("{0} {1} packets are left out here {0}", kDots, grouped(log_.left_out())));
      case Kind::change: {
        const StateChange& change = connection_.timeline[item.first];
        return write_aside(place(change.at.count() * 1000, 0), shown.next(change), change.side,
                           change_line(change), Ink::dim);
      }
    }
  }

  // A line without an arrow, about one end; its text may take several.
  void write_aside(std::string place, std::array<std::string, 2> states, Party about,
                   std::string_view text, Ink ink) {
    const std::string lines = wrapped({.colour = false, .width = layout_.middle}, 0, text);
    for (const std::string_view line : split(lines, '\n')) {
      write_line(place, states, aside(beside(about), line, layout_.middle), ink);
      place = no_place();
      states = {};
    }
  }

  void write_packet(const LoggedPacket& packet, const std::array<std::string, 2>& states) {
    const std::string at = place(packet.at_ns, packet.frame);
    if (packet.icmp) return write_aside(at, states, packet.from, icmp_line(packet), Ink::red);
    std::string text = label(packet, layout_.detail);
    const size_t room = layout_.middle - kArrowTips;
    if (layout_.detail == Detail::no_window) {
      const std::string fuller = label(packet, Detail::no_seq_word);
      if (fuller.size() <= room) text = fuller;
    }
    const std::string remarks = remarks_of(packet);
    const bool below = !remarks.empty() && text.size() + 1 + columns(remarks) > room;
    if (!remarks.empty() && !below) text += ' ' + remarks;
    const Ink ink = is_trouble(packet) ? Ink::red : Ink::cyan;
    write_line(at, states, arrow(beside(packet.from), Way::whole, text, layout_.middle), ink);
    if (below) write_below(remarks, ink == Ink::red ? Ink::red : Ink::dim);
  }

  // Under the label of the line above.
  void write_below(std::string_view text, Ink ink) {
    const size_t indent = layout_.middle_at() + 4;
    const Style style{.colour = false, .width = std::max(layout_.width(), indent + kLeastMiddle)};
    const std::string lines = wrapped(style, indent, text);
    for (const std::string_view line : split(lines, '\n')) {
      const std::string_view words = trim(line);
      out_ << std::string(indent, ' ') << paint(style_, ink, words) << '\n';
    }
  }

  // In the middle of what is right of the frame numbers.
  void write_fold(const std::string& text) {
    const size_t indent = layout_.middle_at() - layout_.left - 1;
    const size_t room = layout_.width() - indent;
    if (columns(text) <= room) {
      const size_t blanks = indent + (room - columns(text)) / 2;
      out_ << std::string(blanks, ' ') << paint(style_, Ink::dim, text) << '\n';
      return;
    }
    const std::string lines = wrapped({.colour = false, .width = layout_.width()}, indent, text);
    for (const std::string_view line : split(lines, '\n')) {
      out_ << std::string(indent, ' ') << paint(style_, Ink::dim, trim(line)) << '\n';
    }
  }

  std::ostream& out_;
  const Style& style_;
  const Connection& connection_;
  const PacketLog& log_;
  std::vector<LadderItem> items_;
  Layout layout_;
};

// --- above and below ------------------------------------------------------------------------

std::string vantage_words(Vantage vantage) {
  switch (vantage) {
    case Vantage::unknown: return "";
    case Vantage::originator:
    case Vantage::responder: return fmt::format("captured beside the {}", to_string(vantage));
    case Vantage::middle: return "captured between the ends";
  }
  return "";
}

void write_words(std::ostream& out, const Style& style, std::span<const std::string> words) {
  const Style at{.colour = false, .width = style.width == 0 ? kUsualWidth : style.width};
  out << "  " << wrapped(at, 2, fmt::format("{}", fmt::join(words, "; "))) << '\n';
}

void write_head(std::ostream& out, const Style& style, const Connection& connection) {
  const std::string link = link_of(connection);
  std::string title =
      fmt::format("connection {}: {} to {}", connection.id, to_string(connection.originator),
                  to_string(connection.responder));
  if (!link.empty()) title += fmt::format(", {}", link);
  out << paint(style, Ink::bold, title) << '\n';
  std::vector<std::string> words{how_closed(connection)};
  if (!connection.role_seen) words.emplace_back("who opened it is a guess");
  if (const auto took = handshake_time(connection)) {
    words.push_back("handshake " + short_time(*took));
  }
  for (const Party party : kParties) {
    const uint64_t bytes = connection.side(party).bytes;
    if (bytes == 0) continue;
    words.push_back(fmt::format("{} by the {}", amount_of_bytes(bytes), to_string(party)));
  }
  write_words(out, style, words);
  words = {fmt::format("begun {}", rfc3339(connection.start)),
           "lasted " + short_time(connection.duration)};
  if (connection.vantage != Vantage::unknown) words.push_back(vantage_words(connection.vantage));
  write_words(out, style, words);
  words.clear();
  for (const Note& note : notes_of(connection)) words.push_back(note.text);
  if (!words.empty()) write_words(out, style, words);
}

void write_foot(std::ostream& out, const Connection& connection, const Layout& layout) {
  out << "in the end: ";
  for (const Party party : kParties) {
    out << fmt::format("{}{} {}", party == Party::originator ? "" : ", ",
                       to_string(connection.end(party)), state_of(connection.side(party)));
  }
  out << '\n';
  const bool inferred =
      layout.inferred || std::ranges::any_of(connection.sides, [](const auto& side) {
        return side.certainty == Certainty::inferred;
      });
  if (inferred) out << "~ so by the rules or by a timer; no segment of that end proves it\n";
  if (layout.unknown) out << "? not known\n";
}

}  // namespace

void write_packet_ladder(std::ostream& out, const Style& style, const Connection& connection,
                         const PacketLog& log, bool all) {
  write_head(out, style, connection);
  out << '\n';
  Ladder ladder(out, style, connection, log, ladder_items(connection, log, all));
  ladder.write();
  out << '\n';
  write_foot(out, connection, ladder.layout());
}

}  // namespace tcpdx::view
