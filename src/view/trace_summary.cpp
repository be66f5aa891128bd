#include "view/trace_summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "base/order.hpp"
#include "base/text.hpp"
#include "base/time.hpp"
#include "view/json.hpp"

namespace tcpdx::view {

namespace {

constexpr size_t kMostLines = 50;

std::string program(uint32_t pid, const std::string& comm) {
  return pid == 0 ? std::string("-") : fmt::format("{}/{}", one_word(comm), pid);
}

}  // namespace

uint64_t TraceSummary::Row::weight() const {
  return opened + failed + retransmits + resets_sent + resets_received + drops + others;
}

// The lower port is taken for the service where nothing says who called.
TraceSummary::Key TraceSummary::key_of(const TraceEvent& event) {
  const TraceSubject& who = event.who;
  Key key;
  if (who.owner) {
    key.pid = who.owner->pid;
    key.comm = who.owner->comm;
  }
  key.peer = who.remote.addr.unmapped();
  const bool calls = event.kind == EventKind::connect || who.remote.port < who.local.port;
  key.incoming = !calls || who.remote.port == 0;
  key.port = key.incoming ? who.local.port : who.remote.port;
  return key;
}

void TraceSummary::add(const TraceEvent& event) {
  Key key = key_of(event);
  if (rows_.size() >= kMostRows && !rows_.contains(key)) key = {};
  Row& row = rows_[std::move(key)];
  switch (event.kind) {
    case EventKind::state:
      // Active opens are counted by their connect.
      if (event.from == tcp::State::syn_received && event.to == tcp::State::established) {
        ++row.opened;
      }
      break;
    case EventKind::connect:
      ++(event.error == 0 ? row.opened : row.failed);
      if (event.error == 0 && event.duration) {
        row.connecting += *event.duration;
        ++row.timed;
      }
      break;
    case EventKind::retransmit: row.retransmits += event.count; break;
    case EventKind::reset_sent: ++row.resets_sent; break;
    case EventKind::reset_received: ++row.resets_received; break;
    case EventKind::drop: ++row.drops; break;
    case EventKind::zero_window:
    case EventKind::accept_drop:
    case EventKind::bind_failed: row.others += event.count; break;
  }
}

void TraceSummary::write(std::ostream& out, const Style& style) const {
  std::vector<std::pair<Key, Row>> sorted;
  for (const auto& entry : rows_) {
    if (entry.second.weight() > 0) sorted.push_back(entry);
  }
  sort_keeping_order(sorted, std::greater<>(),
                     [](const auto& entry) { return entry.second.weight(); });
  out << paint(style, Ink::bold,
               fmt::format("{:<20} {:<4} {:<28} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>6} {:>10}\n",
                           "PROCESS", "WAY", "PEER", "OPENED", "FAILED", "RETRANS", "RST SENT",
                           "RST RECV", "DROPS", "OTHER", "CONNECT"));
  for (const auto& [key, row] : std::span(sorted).first(std::min(sorted.size(), kMostLines))) {
    const std::string peer = key.incoming
                                 ? fmt::format("{} to port {}", to_string(key.peer), key.port)
                                 : to_string(SocketAddress{key.peer, key.port});
    const std::string mean =
        row.timed == 0 ? "-" : human(row.connecting / static_cast<int64_t>(row.timed));
    out << fmt::format("{:<20} {:<4} {:<28} {:>8} {:>8} {:>8} {:>9} {:>9} {:>8} {:>6} {:>10}\n",
                       program(key.pid, key.comm), key.incoming ? "in" : "out", peer, row.opened,
                       row.failed, row.retransmits, row.resets_sent, row.resets_received, row.drops,
                       row.others, mean);
  }
  if (sorted.size() > kMostLines) {
    out << fmt::format("and {} more\n", sorted.size() - kMostLines);
  }
}

void TraceSummary::write_json(std::ostream& out, WallTime at) const {
  Json rows = Json::array();
  for (const auto& [key, row] : rows_) {
    if (row.weight() == 0) continue;
    Json owner = nullptr;
    if (key.pid != 0) owner = {{"pid", key.pid}, {"comm", key.comm}, {"fd", nullptr}};
    rows.push_back({{"owner", std::move(owner)},
                    {"way", key.incoming ? "in" : "out"},
                    {"peer", to_string(key.peer)},
                    {"port", key.port},
                    {"opened", row.opened},
                    {"failed", row.failed},
                    {"retransmits", row.retransmits},
                    {"resets_sent", row.resets_sent},
                    {"resets_received", row.resets_received},
                    {"drops", row.drops},
                    {"others", row.others},
                    {"connect_mean_us", row.timed == 0 ? Json(nullptr)
                                                       : Json(row.connecting.count() /
                                                              static_cast<int64_t>(row.timed))}});
  }
  out << dump({{"schema", kSchema}, {"t", rfc3339(at)}, {"event", "summary"}, {"rows", rows}})
      << '\n';
}

}  // namespace tcpdx::view
