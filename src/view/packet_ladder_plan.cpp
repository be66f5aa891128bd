#include "view/packet_ladder_plan.hpp"

#include <algorithm>
#include <optional>
#include <span>

namespace tcpdx::view {
namespace {

using track::Remark;
using Kind = LadderItem::Kind;

constexpr int64_t kSilence = 1'000'000'000;  // ns: an RTO of RFC 6298 and longer
// Runs that are longer are folded, up to their first and last packets.
constexpr size_t kLongestRun = 8;
constexpr size_t kKeptFirst = 3;
constexpr size_t kKeptLast = 2;

// What a packet can be folded with.
enum class Fold : uint8_t { nothing, transfer, probes };

bool has_other_than(track::Remarks remarks, std::initializer_list<Remark> known) {
  for (size_t i = 0; i < track::kRemarks; ++i) {
    const auto remark = static_cast<Remark>(i);
    if (remarks.has(remark) && std::ranges::find(known, remark) == known.end()) return true;
  }
  return false;
}

Fold fold_of(const LoggedPacket& packet) {
  const wire::TcpFlags flags = packet.flags;
  if (packet.icmp || flags.syn || flags.fin || flags.rst || packet.before != packet.after) {
    return Fold::nothing;
  }
  const track::Remarks remarks = packet.remarks;
  if (remarks.has(Remark::keep_alive) || remarks.has(Remark::keep_alive_ack) ||
      remarks.has(Remark::zero_window_probe) || remarks.has(Remark::zero_window)) {
    const bool plain = !has_other_than(
        remarks, {Remark::keep_alive, Remark::keep_alive_ack, Remark::zero_window_probe,
                  Remark::zero_window, Remark::duplicate_ack, Remark::offloaded_checksum});
    return plain && packet.length <= 1 ? Fold::probes : Fold::nothing;
  }
  // Each of these may be beside every packet of a transfer.
  const bool plain =
      !has_other_than(remarks, {Remark::duplicate_ack, Remark::window_update,
                                Remark::capture_duplicate, Remark::offloaded_checksum});
  return plain ? Fold::transfer : Fold::nothing;
}

// The timers', and what another connection's packet did.
bool has_own_line(const StateChange& change) {
  return (change.frame == 0 && change.cause != Cause::mid_stream) ||
         change.cause == Cause::new_connection;
}

class Planner {
 public:
  Planner(const Connection& connection, const PacketLog& log) : connection_(connection), log_(log) {
    for (size_t i = 0; i < connection.timeline.size(); ++i) {
      if (has_own_line(connection.timeline[i])) changes_.push_back(i);
    }
  }

  std::vector<LadderItem> items() {
    for (size_t i = 0; i < log_.size(); ++i) {
      const LoggedPacket& packet = log_[i];
      if (log_.left_out() > 0 && i == log_.left_out_before()) {
        items_.push_back({.kind = Kind::left_out});
        last_.reset();
      }
      add_changes(packet.at_ns);
      add_silence(packet.at_ns, Kind::silence);
      items_.push_back({.kind = Kind::packet, .first = i, .last = i});
      last_ = packet.at_ns;
    }
    add_changes(INT64_MAX);
    if (connection_.close.how == CloseHow::open) {
      add_silence(nanoseconds(connection_.observed), Kind::silent_end);
    }
    return std::move(items_);
  }

 private:
  static int64_t nanoseconds(Duration duration) { return duration.count() * 1000; }

  void add_changes(int64_t until_ns) {
    for (; next_change_ < changes_.size(); ++next_change_) {
      const size_t index = changes_[next_change_];
      const int64_t at = nanoseconds(connection_.timeline[index].at);
      if (at > until_ns) return;
      add_silence(at, Kind::silence);
      items_.push_back({.kind = Kind::change, .first = index, .last = index});
      last_ = at;
    }
  }

  void add_silence(int64_t until_ns, Kind kind) {
    if (!last_ || until_ns - *last_ < kSilence) return;
    items_.push_back({.kind = kind, .silence_ns = until_ns - *last_});
  }

  const Connection& connection_;
  const PacketLog& log_;
  std::vector<size_t> changes_;  // of the timeline
  size_t next_change_ = 0;
  std::vector<LadderItem> items_;
  std::optional<int64_t> last_;  // when the line before was
};

// The positions of the packets that can be folded with the one at `begin`.
std::vector<size_t> run_from(const PacketLog& log, std::span<const LadderItem> items, size_t begin,
                             Fold fold) {
  std::vector<size_t> run;
  for (size_t i = begin; i < items.size(); ++i) {
    if (items[i].kind == Kind::packet && fold_of(log[items[i].first]) == fold) {
      run.push_back(i);
    } else if (items[i].kind != Kind::silence || fold != Fold::probes) {
      break;
    }
  }
  return run;
}

std::vector<LadderItem> folded(const PacketLog& log, std::span<const LadderItem> items) {
  std::vector<LadderItem> kept;
  for (size_t i = 0; i < items.size();) {
    const Fold fold = items[i].kind == Kind::packet ? fold_of(log[items[i].first]) : Fold::nothing;
    if (fold == Fold::nothing) {
      kept.push_back(items[i++]);
      continue;
    }
    const std::vector<size_t> run = run_from(log, items, i, fold);
    const size_t end = run.back() + 1;
    if (run.size() <= kLongestRun) {
      kept.insert(kept.end(), items.begin() + static_cast<ptrdiff_t>(i),
                  items.begin() + static_cast<ptrdiff_t>(end));
    } else {
      const size_t tail = run[run.size() - kKeptLast];
      kept.insert(kept.end(), items.begin() + static_cast<ptrdiff_t>(i),
                  items.begin() + static_cast<ptrdiff_t>(run[kKeptFirst - 1] + 1));
      kept.push_back({.kind = fold == Fold::probes ? Kind::probes : Kind::transfer,
                      .first = items[run[kKeptFirst]].first,
                      .last = items[run[run.size() - kKeptLast - 1]].first});
      kept.insert(kept.end(), items.begin() + static_cast<ptrdiff_t>(tail),
                  items.begin() + static_cast<ptrdiff_t>(end));
    }
    i = end;
  }
  return kept;
}

}  // namespace

std::vector<LadderItem> ladder_items(const Connection& connection, const PacketLog& log, bool all) {
  std::vector<LadderItem> items = Planner(connection, log).items();
  return all ? items : folded(log, items);
}

}  // namespace tcpdx::view
