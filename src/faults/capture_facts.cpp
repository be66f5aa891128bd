#include "faults/capture_facts.hpp"

#include <algorithm>

#include "faults/facts.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kMostKept = 2000;  // of one sign: enough for every share, and to name examples
constexpr size_t kMostPlaces = 65536;
constexpr uint64_t kMostAttempts = 262144;  // of all services and sources together
constexpr size_t kMostOfOne = 4096;
constexpr Duration kSettled = 1s;  // in its first second every transfer overshoots

// The entry of `key`, or null where the table is full.
template <class Map>
typename Map::mapped_type* room_for(Map& map, const typename Map::key_type& key) {
  const auto at = map.find(key);
  if (at != map.end()) return &at->second;
  return map.size() < kMostPlaces ? &map[key] : nullptr;
}

bool ended(const Connection& c) {
  return c.close.how == CloseHow::fin || c.close.how == CloseHow::reset;
}

bool is_stalled(const std::vector<Shown>& shown, Party sender) {
  return std::ranges::any_of(shown, [&](const Shown& one) {
    return one.by != sender && (one.sign == Sign::too_big || one.sign == Sign::into_void);
  });
}

}  // namespace

SocketAddress place_of(const Connection& c, Party by) {
  const SocketAddress& end = c.end(by);
  return {.addr = end.addr.unmapped(), .port = by == Party::responder ? end.port : uint16_t{0}};
}

bool CaptureFacts::is_short() const {
  return span_ < kWindow * static_cast<int64_t>(kSustainedWindows);
}

const End* CaptureFacts::end(const SocketAddress& place) const {
  const auto at = ends_.find(place);
  return at == ends_.end() ? nullptr : &at->second;
}

const std::vector<Attempt>& CaptureFacts::pending(const SocketAddress& service) const {
  static const std::vector<Attempt> kNone;
  const auto at = pending_.find(service);
  return at == pending_.end() ? kNone : at->second;
}

bool CaptureFacts::heard_after(const IpAddress& host, WallTime moment) const {
  const auto at = heard_.find(host.unmapped());
  return at != heard_.end() && at->second > moment;
}

void CaptureFacts::add(const Connection& c) {
  ++connections_;
  const bool both = c.sides[0].packets > 0 && c.sides[1].packets > 0;
  if (has(c, AnomalyKind::one_way)) ++one_way_;
  if (has(c, AnomalyKind::mid_stream)) ++mid_stream_;
  const std::vector<Shown> shown = signs_of(c);
  count_end(c, Party::responder, shown);
  // Callers that never got through may be forged, and as many as there are addresses.
  if (both && (c.handshake.complete || !c.role_seen)) count_end(c, Party::originator, shown);
  count_source(c);
  for (const Party by : {Party::originator, Party::responder}) {
    count_path(c, by, is_stalled(shown, by));
    if (c.side(by).packets == 0 || !both) continue;
    if (WallTime* last = room_for(heard_, c.end(by).addr.unmapped())) {
      *last = std::max(*last, c.start + c.side(by).last_at);
    }
  }
  if (!shown.empty()) keep(c, shown);
}

void CaptureFacts::count_end(const Connection& c, Party by, const std::vector<Shown>& shown) {
  const SocketAddress place = place_of(c, by);
  End* end = room_for(ends_, place);
  if (end == nullptr) {
    ++left_out_;
    return;
  }
  if (ended(c)) ++end->closes;
  for (const Shown& one : shown) {
    if (one.by == by) ++end->shown[static_cast<size_t>(one.sign)];
  }
  if (c.handshake.complete) ++end->complete;
  if (by != Party::responder || !c.role_seen) return;
  ++end->attempts;
  if (!never_completed(c)) return;
  ++end->pending;
  if (!syn_answered(c)) ++end->unheard;
  std::vector<Attempt>& list = pending_[place];
  if (list.size() >= kMostOfOne || attempts_kept_ >= kMostAttempts) return;
  ++attempts_kept_;
  list.push_back({.at = c.start, .other = {c.originator.addr.unmapped(), c.originator.port}});
}

void CaptureFacts::count_source(const Connection& c) {
  if (!c.role_seen) return;
  Source* source = room_for(sources_, c.originator.addr.unmapped());
  if (source == nullptr) return;
  ++source->attempts;
  const bool dropped = !c.handshake.complete && c.side(Party::originator).resets > 0;
  const bool refused = !c.handshake.complete && c.side(Party::responder).resets > 0;
  const bool unreachable = !c.handshake.complete && unreachable_note(c) != nullptr;
  if (!dropped && !refused && !unreachable && !never_completed(c)) return;
  ++source->failed;
  if (dropped || refused) ++source->answered;
  if (source->failures.size() >= kMostOfOne || attempts_kept_ >= kMostAttempts) return;
  ++attempts_kept_;
  source->failures.push_back(
      {.at = c.start, .other = {c.responder.addr.unmapped(), c.responder.port}});
}

void CaptureFacts::count_path(const Connection& c, Party by, bool stalled) {
  const ConnectionSide& side = c.side(by);
  if (side.data_packets == 0 && side.bad_checksums == 0) return;
  const IpAddress from = c.end(by).addr.unmapped();
  const IpAddress to = c.end(other(by)).addr.unmapped();
  const unsigned bits = network_bits(from.family);
  Path* path = room_for(paths_, {from.prefix(bits), to.prefix(bits)});
  if (path == nullptr) return;
  path->packets += side.packets;
  // What the receiver acknowledged although it only came damaged was whole for it.
  if (side.missed_bytes == 0) path->bad_checksums += side.bad_checksums;
  if (path->flows == 0) path->from = from, path->to = to;
  ++path->flows;
  path->first = std::min(path->first, c.start);
  path->last = std::max(path->last, c.start + c.duration);
  // What never gets through is no loss, and what the capture shuffled no reordering.
  if (c.duration < kSettled || stalled) return;
  path->data_packets += side.data_packets;
  path->retransmissions += side.retransmissions;
  path->lost += lost(side);
  path->spurious += std::min(side.spurious_retransmissions, side.retransmissions);
  if (!has(c, AnomalyKind::capture_reordered)) path->out_of_order += side.out_of_order;
  if (side.retransmissions >= path->example_repeats) {
    path->example = c.id;
    path->example_repeats = side.retransmissions;
  }
}

void CaptureFacts::keep(const Connection& c, const std::vector<Shown>& shown) {
  const auto room = [&](const Shown& one) {
    return kept_[static_cast<size_t>(one.sign)].size() < kMostKept;
  };
  if (std::ranges::none_of(shown, room)) {
    ++left_out_;
    return;
  }
  odd_.push_back(c);
  for (const Shown& one : shown) {
    if (room(one)) kept_[static_cast<size_t>(one.sign)].push_back({&odd_.back(), one.by});
  }
}

}  // namespace tcpdx::faults
