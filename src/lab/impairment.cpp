#include "lab/impairment.hpp"

#include <algorithm>

namespace tcpdx::lab {

Line::Line(const Impairment& impairment) : impairment_(impairment), chance_(impairment.seed) {}

void Line::change(const Impairment& impairment) {
  impairment_ = impairment;
  chance_ = Chance(impairment.seed);
  counts_ = {};
}

// When the last octet is on the line; nothing: the queue is full.
std::optional<tcp::Time> Line::leaves_queue(tcp::Time now, size_t octets) {
  if (impairment_.rate == 0) return now;
  while (!leave_at_.empty() && leave_at_.front() <= now) leave_at_.pop_front();
  const tcp::Time begins = leave_at_.empty() ? now : leave_at_.back();
  const auto waiting =
      static_cast<double>((begins - now).count()) * 1e-6 * static_cast<double>(impairment_.rate);
  if (waiting > static_cast<double>(impairment_.queue)) return std::nullopt;
  if (leave_at_.size() > impairment_.queue_length) return std::nullopt;
  const auto takes = static_cast<double>(octets) * 1e6 / static_cast<double>(impairment_.rate);
  leave_at_.push_back(begins + Duration(static_cast<int64_t>(takes)));
  return leave_at_.back();
}

unsigned Line::put(tcp::Time now, std::span<const std::byte> datagram) {
  ++counts_.put;
  if (datagram.size() > impairment_.mtu) return ++counts_.too_large, 0;
  if (chance_(impairment_.loss)) return ++counts_.lost, 0;
  const auto sent = leaves_queue(now, datagram.size());
  if (!sent) return ++counts_.overflowed, 0;
  const unsigned copies = chance_(impairment_.duplication) ? 2 : 1;
  counts_.doubled += copies - 1;
  for (unsigned copy = 0; copy < copies; ++copy) {
    tcp::Time arrives = *sent + impairment_.delay;
    if (impairment_.jitter > Duration{}) {
      const double added = chance_.share() * static_cast<double>(impairment_.jitter.count());
      arrives = std::max(arrives + Duration(static_cast<int64_t>(added)), last_arrival_);
      last_arrival_ = arrives;
    }
    if (chance_(impairment_.reordering)) {
      arrives += impairment_.held_back;
      ++counts_.held_back;
    }
    under_way_.emplace(arrives, std::vector(datagram.begin(), datagram.end()));
  }
  return copies;
}

void Line::release(tcp::Time now, const std::function<void(std::span<const std::byte>)>& out) {
  while (!under_way_.empty() && under_way_.begin()->first <= now) {
    const auto datagram = under_way_.extract(under_way_.begin());
    ++counts_.released;
    counts_.octets_released += datagram.mapped().size();
    out(datagram.mapped());
  }
}

std::optional<tcp::Time> Line::next() const {
  if (under_way_.empty()) return {};
  return under_way_.begin()->first;
}

}  // namespace tcpdx::lab
