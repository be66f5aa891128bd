#include "view/time_sequence.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/text.hpp"
#include "view/connection_text.hpp"

namespace tcpdx::view {
namespace {

using track::Remark;

constexpr double kWidth = 1100;
constexpr double kHeight = 660;
constexpr double kLeft = 96;
constexpr double kRight = kWidth - 28;
constexpr double kTop = 64;
constexpr double kBottom = kHeight - 92;
// Of more segments than that, those of one pixel column are drawn as one.
constexpr size_t kManySegments = 20'000;
constexpr double kFine = 0.1;  // pixels that are told apart otherwise
// The window line is drawn up to this many times the data: a window far above it would press the
// data down to a line.
constexpr double kMostAbove = 1.6;

constexpr std::string_view kLooks = R"(<style>
  svg { --ground: #ffffff; --ink: #24292f; --soft: #6b737c; --grid: #e4e8ec; --data: #24292f;
        --ack: #1a7f37; --window: #0a5fb4; --again: #d1242f; --late: #bc4c00; --sack: #8250df; }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #15191e; --ink: #e3e7eb; --soft: #98a1aa; --grid: #2b323a; --data: #e3e7eb;
          --ack: #4ac26b; --window: #6cb6ff; --again: #ff6b6b; --late: #f0883e; --sack: #c297ff; }
  }
  text { font: 12px Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #24292f; fill: var(--ink); }
  path { fill: none; stroke-width: 1.2; }
  .ground { fill: #ffffff; fill: var(--ground); }
  .grid { stroke: #e4e8ec; stroke: var(--grid); stroke-width: 1; }
  .axis { stroke: #24292f; stroke: var(--ink); }
  .data { stroke: #24292f; stroke: var(--data); }
  .ack { stroke: #1a7f37; stroke: var(--ack); }
  .window { stroke: #0a5fb4; stroke: var(--window); }
  .again { stroke: #d1242f; stroke: var(--again); stroke-width: 1.8; }
  .late { stroke: #bc4c00; stroke: var(--late); stroke-width: 1.8; }
  .sack { stroke: #8250df; stroke: var(--sack); stroke-width: 1.6; }
  text.again { fill: #d1242f; fill: var(--again); font-weight: bold; font-size: 11px; }
  text.late { fill: #bc4c00; fill: var(--late); font-weight: bold; font-size: 11px; }
  text.mark { font-weight: bold; font-size: 11px; }
  text.over { paint-order: stroke; stroke: #ffffff; stroke: var(--ground); stroke-width: 3; }
  text.soft { fill: #6b737c; fill: var(--soft); }
  .middle { text-anchor: middle; }
  .end { text-anchor: end; }
  .title { font-weight: bold; font-size: 15px; }
</style>
)";

// --- axes -----------------------------------------------------------------------------------

// 1, 2 or 5 times a power of ten, so that about `wanted` of it make up the span.
double step_of(double span, int wanted) {
  const double rough = span / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough) return factor * power;
  }
  return 10 * power;
}

// Digits behind the point that tell multiples of `step` apart.
int decimals_of(double step) {
  return std::max(0, static_cast<int>(std::ceil(-std::log10(step) - 1e-9)));
}

struct Scale {
  double low = 0;
  double high = 1;
  double from = 0;  // pixels
  double to = 1;

  double operator()(double value) const {
    return from + (value - low) / (high - low) * (to - from);
  }
};

// --- what is drawn --------------------------------------------------------------------------

// What a bar of sequence numbers stands for; the order is that of drawing.
enum class Bar : uint8_t { sack, data, late, again };
constexpr std::array<std::string_view, 4> kBarClass{"sack", "data", "late", "again"};

// From `top` to `bottom` in pixels at `x`.
struct Stroke {
  double x = 0;
  double top = 0;
  double bottom = 0;
};

struct Mark {
  double x = 0;
  double y = 0;
  std::string_view text;
  std::string_view look;
};

struct Point {
  double x = 0;
  double y = 0;
};

struct Bounds {
  int64_t last_ns = 0;
  int64_t low = 0;
  int64_t data = 1;    // the highest number sent or acknowledged
  int64_t window = 0;  // the highest that was allowed
  size_t segments = 0;
};

bool carries(const LoggedPacket& packet) {
  return packet.length != 0 || packet.flags.syn || packet.flags.fin;
}

// A number that no segment can have in this connection would spoil the axes: RSTs and strays of
// others are drawn where there is room.
bool bounds_axis(const LoggedPacket& packet) {
  return !packet.flags.rst && !packet.remarks.has(Remark::stray) &&
         !packet.remarks.has(Remark::refused_reset);
}

Bounds bounds_of(const PacketLog& log, Party sender) {
  Bounds bounds;
  for (size_t i = 0; i < log.size(); ++i) {
    const LoggedPacket& packet = log[i];
    bounds.last_ns = std::max(bounds.last_ns, packet.at_ns);
    if (packet.icmp || !bounds_axis(packet)) continue;
    if (packet.from == sender) {
      if (!carries(packet)) continue;
      ++bounds.segments;
      bounds.low = std::min(bounds.low, packet.seq);
      bounds.data = std::max(bounds.data, packet.end());
    } else if (packet.flags.ack) {
      bounds.data = std::max(bounds.data, packet.ack);
      bounds.window = std::max(bounds.window, packet.ack + packet.window);
    }
  }
  return bounds;
}

Bar bar_of(const LoggedPacket& packet) {
  if (packet.remarks.has(Remark::retransmission) ||
      packet.remarks.has(Remark::fast_retransmission) ||
      packet.remarks.has(Remark::spurious_retransmission)) {
    return Bar::again;
  }
  return packet.remarks.has(Remark::out_of_order) ? Bar::late : Bar::data;
}

// A line of steps: it keeps its height until the next point.
class Steps {
 public:
  void add(double x, double y) {
    if (!points_.empty()) {
      x = std::max(x, points_.back().x);
      if (y == points_.back().y) return;
      // Within one pixel column only the last height counts.
      if (x == points_.back().x) {
        points_.back().y = y;
        return;
      }
    }
    points_.push_back({x, y});
  }
  std::string path(double until) const {
    if (points_.empty()) return {};
    std::string text = fmt::format("M{:.1f} {:.1f}", points_.front().x, points_.front().y);
    for (size_t i = 1; i < points_.size(); ++i) {
      text += fmt::format("H{:.1f}V{:.1f}", points_[i].x, points_[i].y);
    }
    return text + fmt::format("H{:.1f}", until);
  }

 private:
  std::vector<Point> points_;
};

class Picture {
 public:
  Picture(const Connection& connection, const PacketLog& log, Party sender)
      : connection_(connection), log_(log), sender_(sender), bounds_(bounds_of(log, sender)) {
    // Where all was in one moment, any span will do.
    const double last = bounds_.last_ns > 0 ? static_cast<double>(bounds_.last_ns) / 1e9 : 1.0;
    time_ = {.low = last * -0.02, .high = last * 1.02, .from = kLeft, .to = kRight};
    const auto data = static_cast<double>(bounds_.data);
    const double above = std::min(static_cast<double>(bounds_.window), data * kMostAbove);
    const double top = std::max(data, above);
    const auto low = static_cast<double>(bounds_.low);
    number_ = {.low = low, .high = low + (top - low) * 1.06, .from = kBottom, .to = kTop};
    grain_ = bounds_.segments > kManySegments ? 1.0 : kFine;
    for (size_t i = 0; i < log.size(); ++i) {
      if (!log[i].icmp) take(log[i]);
    }
  }

  void write(std::ostream& out) const {
    write_frame(out);
    out << "<g clip-path=\"url(#plot)\">\n";
    write_path(out, "window", window_.path(kRight));
    write_path(out, "ack", ack_.path(kRight));
    if (!ticks_.empty()) write_path(out, "ack", ticks_);
    for (size_t i = 0; i < kBarClass.size(); ++i) write_bars(out, static_cast<Bar>(i));
    out << "</g>\n";
    for (const Mark& mark : marks_) {
      out << fmt::format("<text class=\"middle over {}\" x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n",
                         mark.look, mark.x, mark.y, mark.text);
    }
    write_legend(out);
  }

 private:
  double x_of(const LoggedPacket& packet) const {
    return std::round(time_(static_cast<double>(packet.at_ns) / 1e9) / grain_) * grain_;
  }
  double y_of(int64_t number) const { return number_(static_cast<double>(number)); }

  void take(const LoggedPacket& packet) {
    if (packet.from == sender_) {
      take_segment(packet);
    } else {
      take_answer(packet);
    }
  }

  void take_segment(const LoggedPacket& packet) {
    const double x = x_of(packet);
    const double top = y_of(packet.end());
    if (packet.flags.rst) return mark(x, inside(y_of(packet.seq)) - 6, "RST", "again");
    if (!carries(packet)) return;
    const Bar bar = bar_of(packet);
    add_bar(bar, {x, top, y_of(packet.seq)});
    if (bar == Bar::again) mark(x, top - 4, "R", "again");
    if (bar == Bar::late) mark(x, top - 4, "O", "late");
    const double higher = bar == Bar::data ? 5 : 15;  // above the letter
    if (packet.flags.syn) mark(x, top - higher, "SYN", "mark");
    if (packet.flags.fin) mark(x, top - higher, "FIN", "mark");
  }

  void take_answer(const LoggedPacket& packet) {
    const double x = x_of(packet);
    if (packet.flags.rst) {
      const double y = packet.flags.ack ? y_of(packet.ack) : y_of(acked_);
      return mark(x, inside(y) + 14, "RST", "again");
    }
    if (!packet.flags.ack || !bounds_axis(packet)) return;
    for (size_t i = 0; i < packet.sack_blocks; ++i) {
      const auto [left, right] = packet.sack_edges(i);
      // A block below the ACK tells of a segment that came twice (RFC 2883).
      if (left < right) add_bar(Bar::sack, {x, y_of(right), y_of(left)});
    }
    acked_ = std::max(acked_, packet.ack);
    ack_.add(x, y_of(acked_));
    // The right edge may only move back when the peer shrinks its window (RFC 9293 3.8.6), which
    // the picture is to show; an old ACK out of order does not move it.
    if (packet.ack == acked_) {
      const double edge = y_of(packet.ack + packet.window);
      window_.add(x, edge);
      lowest_edge_ = std::max(lowest_edge_, edge);
    }
    if (packet.remarks.has(Remark::duplicate_ack)) add_tick(x, y_of(packet.ack));
    if (packet.window == 0) mark(x, y_of(packet.ack) + 14, "Z", "again");
  }

  static double inside(double y) { return std::clamp(y, kTop + 14, kBottom - 14); }

  // A letter is not written over the same one.
  void mark(double x, double y, std::string_view text, std::string_view look) {
    const auto key = std::pair{text, static_cast<int>(y / 8)};
    const auto last = last_mark_.find(key);
    if (last != last_mark_.end() && x - last->second < 9) return;
    last_mark_[key] = x;
    marks_.push_back({x, y, text, look});
  }

  void add_bar(Bar bar, Stroke stroke) {
    std::vector<Stroke>& strokes = bars_[static_cast<size_t>(bar)];
    if (!strokes.empty() && grain_ == 1.0) {
      Stroke& last = strokes.back();
      if (last.x == stroke.x && stroke.top <= last.bottom + 1 && last.top <= stroke.bottom + 1) {
        last.top = std::min(last.top, stroke.top);
        last.bottom = std::max(last.bottom, stroke.bottom);
        return;
      }
    }
    strokes.push_back(stroke);
  }

  void add_tick(double x, double y) {
    if (x == last_tick_) return;
    last_tick_ = x;
    ticks_ += fmt::format("M{:.1f} {:.1f}v5", x, y);
  }

  static void write_path(std::ostream& out, std::string_view look, std::string_view path) {
    out << fmt::format("<path class=\"{}\" d=\"{}\"/>\n", look, path);
  }

  // With a cap at both ends, as xplot's arrows show them.
  void write_bars(std::ostream& out, Bar bar) const {
    const auto index = static_cast<size_t>(bar);
    const std::vector<Stroke>& strokes = bars_[index];
    if (strokes.empty()) return;
    const bool capped = bar != Bar::sack && strokes.size() < 2'000;
    out << fmt::format("<path class=\"{}\" d=\"", kBarClass[index]);
    for (const Stroke& stroke : strokes) {
      const double tall = std::max(0.8, stroke.bottom - stroke.top);
      out << fmt::format("M{:.1f} {:.1f}v{:.1f}", stroke.x, stroke.top, tall);
      if (capped && tall > 4) {
        out << fmt::format("M{0:.1f} {1:.1f}h4M{0:.1f} {2:.1f}h4", stroke.x - 2, stroke.top,
                           stroke.top + tall);
      }
    }
    out << "\"/>\n";
  }

  std::string title() const {
    return fmt::format("{} to {}: data of the {}", to_string(connection_.end(sender_)),
                       to_string(connection_.end(other(sender_))), to_string(sender_));
  }

  std::string subtitle() const {
    const ConnectionSide& side = connection_.side(sender_);
    std::string text =
        fmt::format("{} in {} segments", amount_of_bytes(side.bytes), grouped(bounds_.segments));
    if (side.retransmissions > 0) {
      text += fmt::format(", {} sent again", grouped(side.retransmissions));
    }
    text += "; " + how_closed(connection_);
    if (log_.left_out() > 0) {
      text += fmt::format("; {} packets in between are left out", grouped(log_.left_out()));
    }
    return text;
  }

  void write_frame(std::ostream& out) const {
    out << fmt::format(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
        "viewBox=\"0 0 {0} {1}\" role=\"img\">\n<title>{2}</title>\n",
        kWidth, kHeight, title());
    out << kLooks
        << fmt::format("<rect class=\"ground\" width=\"{}\" height=\"{}\"/>\n", kWidth, kHeight)
        << fmt::format(
               "<clipPath id=\"plot\"><rect x=\"{}\" y=\"{}\" width=\"{}\" height=\"{}\"/>"
               "</clipPath>\n",
               kLeft, kTop, kRight - kLeft, kBottom - kTop)
        << fmt::format("<text class=\"title\" x=\"{}\" y=\"26\">{}</text>\n", kLeft, title())
        << fmt::format("<text class=\"soft\" x=\"{}\" y=\"46\">{}</text>\n", kLeft, subtitle());
    write_time_axis(out);
    write_number_axis(out);
    write_path(out, "axis",
               fmt::format("M{0:.1f} {1:.1f}V{2:.1f}H{3:.1f}", kLeft, kTop, kBottom, kRight));
  }

  void write_time_axis(std::ostream& out) const {
    const double step = step_of(time_.high - time_.low, 10);
    const int decimals = decimals_of(step);
    for (int i = 0; i * step <= time_.high; ++i) {
      const double x = time_(i * step);
      write_path(out, "grid", fmt::format("M{:.1f} {:.1f}V{:.1f}", x, kTop, kBottom));
      out << fmt::format("<text class=\"middle\" x=\"{:.1f}\" y=\"{:.1f}\">{:.{}f}</text>\n", x,
                         kBottom + 18, i * step, decimals);
    }
    out << fmt::format("<text class=\"middle soft\" x=\"{:.1f}\" y=\"{:.1f}\">seconds</text>\n",
                       (kLeft + kRight) / 2, kBottom + 36);
  }

  void write_number_axis(std::ostream& out) const {
    const double step = std::max(1.0, step_of(number_.high - number_.low, 8));
    for (double value = std::ceil(number_.low / step) * step; value <= number_.high;
         value += step) {
      const double y = number_(value);
      write_path(out, "grid", fmt::format("M{:.1f} {:.1f}H{:.1f}", kLeft, y, kRight));
      const auto number = static_cast<int64_t>(std::llround(value));
      const std::string sign = number < 0 ? "-" : "";
      out << fmt::format("<text class=\"end\" x=\"{:.1f}\" y=\"{:.1f}\">{}{}</text>\n", kLeft - 8,
                         y + 4, sign, grouped(static_cast<uint64_t>(std::abs(number))));
    }
    out << fmt::format(
        "<text class=\"middle soft\" transform=\"translate(18 {:.1f}) rotate(-90)\">"
        "sequence number, from the ISN</text>\n",
        (kTop + kBottom) / 2);
  }

  struct Entry {
    std::string_view look;
    std::string_view text;
    bool level = false;  // a line from left to right, not a bar
    bool present = false;
  };

  bool has(Bar bar) const { return !bars_[static_cast<size_t>(bar)].empty(); }
  bool marked(std::string_view text) const {
    return std::ranges::any_of(marks_, [&](const Mark& mark) { return mark.text == text; });
  }

  void write_legend(std::ostream& out) const {
    const bool hidden = lowest_edge_ < kTop;  // all of the window line
    const std::array entries{
        Entry{"data", "segment", false, has(Bar::data)},
        Entry{"again", "R sent again", false, has(Bar::again)},
        Entry{"late", "O out of order", false, has(Bar::late)},
        Entry{"sack", "SACK", false, has(Bar::sack)},
        Entry{"ack", ticks_.empty() ? "ACK" : "ACK (tick: duplicate)", true, true},
        Entry{"window", hidden ? "end of the window (above)" : "end of the window", true, true},
        Entry{"again", "Z window closed", false, marked("Z")},
    };
    double x = kLeft;
    const double y = kHeight - 22;
    for (const Entry& entry : entries) {
      if (!entry.present) continue;
      write_path(out, entry.look,
                 entry.level ? fmt::format("M{:.1f} {:.1f}h16", x, y - 4)
                             : fmt::format("M{:.1f} {:.1f}v12", x + 8, y - 10));
      out << fmt::format("<text x=\"{:.1f}\" y=\"{:.1f}\">{}</text>\n", x + 22, y, entry.text);
      x += 44 + 6.6 * static_cast<double>(entry.text.size());
    }
  }

  const Connection& connection_;
  const PacketLog& log_;
  Party sender_;
  Bounds bounds_;
  Scale time_;
  Scale number_;
  double grain_ = kFine;
  std::array<std::vector<Stroke>, kBarClass.size()> bars_;
  Steps ack_;
  Steps window_;
  std::string ticks_;
  double last_tick_ = -1;
  std::vector<Mark> marks_;
  std::map<std::pair<std::string_view, int>, double> last_mark_;
  int64_t acked_ = 0;
  double lowest_edge_ = 0;  // of the window, in pixels
};

}  // namespace

Party busier_side(const Connection& connection) {
  return connection.side(Party::responder).bytes > connection.side(Party::originator).bytes
             ? Party::responder
             : Party::originator;
}

void write_time_sequence(std::ostream& out, const Connection& connection, const PacketLog& log,
                         Party sender) {
  Picture(connection, log, sender).write(out);
  out << "</svg>\n";
}

}  // namespace tcpdx::view
