#include "view/connection_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <string_view>

#include "base/text.hpp"
#include "view/connection_text.hpp"

namespace tcpdx::view {
namespace {

constexpr size_t kShown = 5;     // of a list of the greatest
constexpr size_t kLosses = 3;    // of connections that lost most
constexpr size_t kLabel = 14;    // columns before the texts
constexpr size_t kUnknown = 11;  // behind the states

size_t place(const ConnectionSide& side) {
  return side.state ? static_cast<size_t>(*side.state) : kUnknown;
}

std::string_view state_at(size_t place) {
  return place == kUnknown ? "?" : tcp::to_string(static_cast<tcp::State>(place));
}

bool has(const Connection& connection, char letter) { return connection.history.contains(letter); }

// A SYN that got a reset for an answer.
bool is_refused(const Connection& c) {
  return c.close.how == CloseHow::reset && c.close.reset_by == ResetBy::responder && has(c, 'S') &&
         !has(c, 'h');
}

bool is_syn_alone(const Connection& c) {
  return has(c, 'S') && c.side(Party::responder).packets == 0 &&
         c.side(Party::originator).bytes == 0 && !has(c, 'A');
}

// "a 3 · b 2", and how many others there are.
class List {
 public:
  void add(std::string_view text) {
    if (text.empty()) return;
    if (!text_.empty()) text_ += " · ";
    text_ += text;
  }
  std::string text() && { return std::move(text_); }

 private:
  std::string text_;
};

std::string percent(uint64_t part, uint64_t whole) {
  const double share = 100.0 * static_cast<double>(part) / static_cast<double>(whole);
  return share < 0.01 ? "under 0.01 %" : fmt::format("{:.2g} %", share);
}

void write_line(std::ostream& out, const Style& style, std::string_view label,
                std::string_view text, Ink ink = Ink::plain) {
  if (text.empty()) return;
  out << paint(style, Ink::bold, label) << std::string(kLabel - columns(label), ' ')
      << paint(style, ink, wrapped(style, kLabel, text)) << '\n';
}

template <class Key, class Hash, class Value>
std::string greatest(const Heaviest<Key, Hash>& of, Value value_text) {
  List list;
  for (const auto& [key, weight] : of.top(kShown)) {
    list.add(
        fmt::format("{} {}{}", to_string(key), of.exact() ? "" : "at least ", value_text(weight)));
  }
  if (of.keys() > kShown && of.exact())
    list.add(fmt::format("{} more", grouped(of.keys() - kShown)));
  return std::move(list).text();
}

std::string capture_text(const CaptureFacts& facts) {
  std::string text = fmt::format("{} frames, {} TCP segments, {}", grouped(facts.frames),
                                 grouped(facts.segments), amount_of_bytes(facts.octets));
  if (facts.first && facts.last) {
    text += fmt::format(", {} from {}", human(*facts.last - *facts.first), rfc3339(*facts.first));
  }
  return text;
}

std::string unread_text(const CaptureFacts& facts) {
  List list;
  for (const auto& [name, frames] : facts.unknown_link_types) {
    list.add(fmt::format("{} frames of {}", grouped(frames), printable(name)));
  }
  if (facts.broken > 0)
    list.add(fmt::format("{} frames with broken headers", grouped(facts.broken)));
  if (facts.other > 0) list.add(fmt::format("{} frames without TCP", grouped(facts.other)));
  return std::move(list).text();
}

std::string dropped_text(const CaptureFacts& facts) {
  List list;
  if (facts.dropped_half_open > 0) {
    list.add(fmt::format("{} half-open connections forgotten", grouped(facts.dropped_half_open)));
  }
  if (facts.dropped_early > 0) {
    list.add(fmt::format("{} connections reported before their end", grouped(facts.dropped_early)));
  }
  return std::move(list).text();
}

std::string damage_text(const CaptureFacts& facts) {
  if (facts.damage.empty()) return "";
  const DamagedPlace& first = facts.damage.front();
  std::string text =
      fmt::format("{}, frame {}, octet {}: {}", printable(first.file), grouped(first.frame),
                  grouped(first.offset), printable(first.what));
  if (facts.damage.size() > 1) text += fmt::format(" · {} more", grouped(facts.damage.size() - 1));
  return text;
}

}  // namespace

void ConnectionSummary::add(const Connection& c) {
  const ConnectionSide& originator = c.side(Party::originator);
  const ConnectionSide& responder = c.side(Party::responder);
  ++count_;
  if (is_syn_alone(c)) ++syn_alone_;
  ++states_[place(originator) * kStates + place(responder)];
  const auto by = c.close.how == CloseHow::reset ? static_cast<size_t>(c.close.reset_by)
                                                 : static_cast<size_t>(c.close.first);
  ++closed_[static_cast<size_t>(c.close.how)][by];
  std::array<bool, kAnomalies> kinds{};
  for (const Anomaly& anomaly : c.anomalies) kinds[static_cast<size_t>(anomaly.kind)] = true;
  for (size_t i = 0; i < kAnomalies; ++i) anomalies_[i] += kinds[i] ? 1U : 0U;
  if (is_refused(c)) {
    ++refused_;
    refused_by_.add(c.responder, 1);
  }
  for (const Party party : {Party::originator, Party::responder}) {
    talkers_.add(c.end(party).addr, c.side(party).bytes);
    resets_.add(c.end(party).addr, c.side(party).resets);
  }
  if (const auto time = handshake_time(c); time && c.handshake.complete) {
    handshakes_.add(static_cast<uint64_t>(std::max<int64_t>(time->count(), 0)));
  }
  add_loss(c);
}

void ConnectionSummary::add_loss(const Connection& c) {
  Loss loss{c.id, c.originator, c.responder, 0, 0};
  for (const ConnectionSide& side : c.sides) {
    loss.retransmissions += side.retransmissions;
    loss.packets += side.packets;
  }
  retransmissions_ += loss.retransmissions;
  packets_ += loss.packets;
  if (loss.retransmissions == 0) return;
  const auto at = std::ranges::find_if(
      losses_, [&](const Loss& other) { return other.retransmissions < loss.retransmissions; });
  if (at == losses_.end() && losses_.size() == kLosses) return;
  losses_.insert(at, loss);
  if (losses_.size() > kLosses) losses_.pop_back();
}

std::string ConnectionSummary::states_text() const {
  std::vector<size_t> order(states_.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return states_[a] != states_[b] ? states_[a] > states_[b] : a < b;
  });
  List list;
  uint64_t others = 0;
  size_t shown = 0;
  for (const size_t at : order) {
    if (states_[at] == 0) break;
    if (++shown > kShown) {
      others += states_[at];
      continue;
    }
    list.add(fmt::format("{} / {} {}", state_at(at / kStates), state_at(at % kStates),
                         grouped(states_[at])));
  }
  if (others > 0) list.add(fmt::format("{} more", grouped(others)));
  return std::move(list).text();
}

std::string ConnectionSummary::closed_text() const {
  static constexpr std::array<std::string_view, 4> kHow{"open", "by FIN", "by RST", "timed out"};
  static constexpr std::array<std::string_view, 4> kFirst{"", "originator first", "responder first",
                                                          "both at once"};
  static constexpr std::array<std::string_view, 4> kResetBy{"", "of the originator",
                                                            "of the responder", "of a third party"};
  List list;
  for (const CloseHow how : {CloseHow::fin, CloseHow::reset, CloseHow::timeout, CloseHow::open}) {
    const auto& by = closed_[static_cast<size_t>(how)];
    const uint64_t all = std::accumulate(by.begin(), by.end(), uint64_t{0});
    if (all == 0) continue;
    std::string who;
    for (size_t i = 1; i < by.size() && (how == CloseHow::fin || how == CloseHow::reset); ++i) {
      if (by[i] == 0) continue;
      who += fmt::format("{}{} {}", who.empty() ? " (" : ", ",
                         how == CloseHow::reset ? kResetBy[i] : kFirst[i], grouped(by[i]));
    }
    if (!who.empty()) who += ')';
    list.add(fmt::format("{} {}{}", kHow[static_cast<size_t>(how)], grouped(all), who));
  }
  return std::move(list).text();
}

std::string ConnectionSummary::handshake_text() const {
  if (handshakes_.count() == 0) return "";
  const auto time = [&](double share) {
    return human(Duration(static_cast<int64_t>(handshakes_.at(share))));
  };
  return fmt::format("{} timed: median {}, 99 % within {}", grouped(handshakes_.count()), time(0.5),
                     time(0.99));
}

std::string ConnectionSummary::losses_text() const {
  if (retransmissions_ == 0) return "";
  List list;
  list.add(fmt::format("{} of {} segments sent again ({})", grouped(retransmissions_),
                       grouped(packets_), percent(retransmissions_, packets_)));
  for (const Loss& loss : losses_) {
    list.add(fmt::format("#{} {} → {} {} ({} of {})", loss.id, to_string(loss.originator),
                         to_string(loss.responder), percent(loss.retransmissions, loss.packets),
                         grouped(loss.retransmissions), grouped(loss.packets)));
  }
  return std::move(list).text();
}

std::string ConnectionSummary::anomalies_text() const {
  std::vector<size_t> order(kAnomalies);
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    return anomalies_[a] != anomalies_[b] ? anomalies_[a] > anomalies_[b] : a < b;
  });
  List list;
  for (const size_t kind : order) {
    if (anomalies_[kind] == 0) break;
    list.add(
        fmt::format("{} {}", in_words(static_cast<AnomalyKind>(kind)), grouped(anomalies_[kind])));
  }
  return std::move(list).text();
}

void ConnectionSummary::write(std::ostream& out, const Style& style,
                              const CaptureFacts& facts) const {
  const auto number = [](uint64_t n) { return grouped(n); };
  write_line(out, style, "capture", capture_text(facts));
  std::string all = grouped(count_);
  if (syn_alone_ > 0)
    all += fmt::format(", {} of them a SYN without an answer", grouped(syn_alone_));
  write_line(out, style, "connections", all);
  write_line(out, style, "final states", states_text());
  write_line(out, style, "closed", closed_text());
  if (refused_ > 0) {
    write_line(out, style, "refused",
               fmt::format("{}: {}", grouped(refused_), greatest(refused_by_, number)));
  }
  write_line(out, style, "handshakes", handshake_text());
  write_line(out, style, "most sent by", greatest(talkers_, amount_of_bytes));
  write_line(out, style, "lost", losses_text());
  write_line(out, style, "RSTs sent by", greatest(resets_, number));
  write_line(out, style, "unusual", anomalies_text());
  write_line(out, style, "not read", unread_text(facts));
  write_line(out, style, "no memory", dropped_text(facts), Ink::yellow);
  write_line(out, style, "damaged", damage_text(facts), Ink::red);
}

}  // namespace tcpdx::view
