#include "view/trace_line.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <string_view>
#include <utility>

#include "base/text.hpp"
#include "view/packet_line.hpp"

namespace tcpdx::view {

namespace {

using tcp::State;

std::string in_state(const TraceEvent& event) {
  if (event.who.cookie == 0 || event.from == State::closed) return {};
  return fmt::format(" in {}", tcp::to_string(event.from));
}

std::string after(const TraceEvent& event) {
  return event.duration ? fmt::format(" after {}", human(*event.duration)) : std::string();
}

std::string connect_words(const TraceEvent& event) {
  switch (event.error) {
    case 0:
      return event.duration ? fmt::format("connected in {}", human(*event.duration))
                            : std::string("connected");
    case ECONNREFUSED: return "refused" + after(event);
    case ETIMEDOUT: return "no answer: timed out" + after(event);
    case ECANCELED: return "given up by the program" + after(event);
    default: return "failed" + after(event) + ": " + errno_text(event.error);
  }
}

std::string retransmit_words(const TraceEvent& event) {
  switch (event.retransmit) {
    case RetransmitKind::syn: return "SYN again";
    case RetransmitKind::syn_ack: return "SYN-ACK again";
    case RetransmitKind::fast: return "fast retransmission" + in_state(event);
    case RetransmitKind::timeout: return "after a timeout" + in_state(event);
    case RetransmitKind::tail_loss_probe: return "tail loss probe" + in_state(event);
    case RetransmitKind::spurious:
      return fmt::format("{} not needed: the peer had it already", event.count);
    case RetransmitKind::none: break;
  }
  return "retransmission" + in_state(event);
}

std::string state_words(const TraceEvent& event) {
  std::string text = fmt::format("{} → {}", tcp::to_string(event.from), tcp::to_string(event.to));
  if (event.error != 0) text += fmt::format(": {}", errno_text(event.error));
  return text;
}

Ink ink_of(const TraceEvent& event) {
  switch (event.kind) {
    case EventKind::state: return event.error != 0 ? Ink::yellow : Ink::plain;
    case EventKind::connect: return event.error != 0 ? Ink::red : Ink::green;
    case EventKind::retransmit: return Ink::yellow;
    default: return Ink::red;
  }
}

std::string process_text(const TraceSubject& who) {
  if (!who.owner) return "-";
  std::string text = fmt::format("{}/{}", one_word(who.owner->comm), who.owner->pid);
  if (who.owner_listens) text += "?";
  return text;
}

std::string time_text(WallTime at) {
  return clock_time(std::chrono::nanoseconds(at.time_since_epoch()).count());
}

std::string bytes_text(uint64_t bytes) {
  constexpr uint64_t kStep = 1024;
  if (bytes < 10 * kStep) return fmt::format("{} B", bytes);
  if (bytes < 10 * kStep * kStep) return fmt::format("{} KiB", bytes / kStep);
  return fmt::format("{} MiB", bytes / kStep / kStep);
}

std::string ending_words(const TraceLife& life) {
  switch (life.closed_by) {
    case ClosedBy::local: return "closed here first";
    case ClosedBy::remote: return "closed by the peer first";
    case ClosedBy::both: return "closed by both at once";
    case ClosedBy::local_reset: return "reset from here";
    case ClosedBy::remote_reset: return "reset by the peer";
    case ClosedBy::error: return errno_text(life.error);
    case ClosedBy::unknown: break;
  }
  return "-";
}

// A socket that has handed its connection over to an entry of the kernel: the entry's own states
// are told instead.
bool goes_on(const TraceEvent& event) {
  return event.kind == EventKind::state && !event.joined && event.error == 0 &&
         event.to == State::closed &&
         (event.from == State::fin_wait_2 || event.from == State::closing);
}

}  // namespace

std::string event_words(const TraceEvent& event) {
  switch (event.kind) {
    case EventKind::state: return state_words(event);
    case EventKind::connect: return connect_words(event);
    case EventKind::retransmit: return retransmit_words(event);
    case EventKind::reset_sent:
    case EventKind::drop:
      return (event.reason.empty() ? "reason not told" : event.reason) + in_state(event);
    case EventKind::reset_received: return "believed" + in_state(event);
    case EventKind::zero_window:
      return event.reason == "local" ? "our window: the program does not read"
                                     : "the peer's window: it does not read";
    case EventKind::accept_drop:
      return fmt::format("{} refused: the accept queue is full", event.count);
    case EventKind::bind_failed: return errno_text(event.error);
  }
  std::unreachable();
}

std::string TraceTable::padded(size_t column, const std::string& text) {
  const size_t length = columns(text);
  size_t& width = widths_[column];
  width = std::max(width, length);
  return text + std::string(width - length, ' ');
}

std::string TraceTable::where(const TraceSubject& who) const {
  if (who.netns == 0 || who.netns == home_) return {};
  const std::string name =
      who.netns_name.empty() ? std::to_string(who.netns) : one_word(who.netns_name);
  return paint(style_, Ink::dim, fmt::format("  netns {}", name));
}

void TraceTable::write_heading() {
  out_ << paint(style_, Ink::bold,
                fmt::format("{:<15} {:<14} {} {} {} {}\n", "TIME", "EVENT", padded(0, "PROCESS"),
                            padded(1, "LOCAL"), padded(2, "REMOTE"), "WHAT"));
}

void TraceTable::write(const TraceEvent& event) {
  if (goes_on(event)) return;
  out_ << fmt::format("{:<15} {:<14} {} {} {} {}{}{}\n", time_text(event.at), to_string(event.kind),
                      padded(0, process_text(event.who)), padded(1, to_string(event.who.local)),
                      padded(2, to_string(event.who.remote)),
                      paint(style_, ink_of(event), event_words(event)),
                      event.joined ? paint(style_, Ink::dim, " (joined)") : "", where(event.who));
}

void TraceTable::write_life_heading() {
  out_ << paint(style_, Ink::bold,
                fmt::format("{:<15} {} {} {} {:>10} {:>9} {:>9} {:>7} {:>9} {}\n", "TIME",
                            padded(0, "PROCESS"), padded(1, "LOCAL"), padded(2, "REMOTE"),
                            "DURATION", "SENT", "RECEIVED", "RETRANS", "RTT", "END"));
}

void TraceTable::write(const TraceLife& life) {
  const std::string duration = life.duration ? human(*life.duration) : "-";
  const std::string rtt = life.rtt ? human(*life.rtt) : "-";
  const std::string last =
      life.last == State::closed ? std::string() : fmt::format(", {}", tcp::to_string(life.last));
  out_ << fmt::format("{:<15} {} {} {} {:>10} {:>9} {:>9} {:>7} {:>9} {}{}{}\n", time_text(life.at),
                      padded(0, process_text(life.who)), padded(1, to_string(life.who.local)),
                      padded(2, to_string(life.who.remote)), duration, bytes_text(life.bytes_sent),
                      bytes_text(life.bytes_received), life.retransmits, rtt, ending_words(life),
                      last, where(life.who));
}

}  // namespace tcpdx::view
