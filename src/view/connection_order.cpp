#include "view/connection_order.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

#include "base/text.hpp"

namespace tcpdx::view {
namespace {

constexpr int64_t kUnknown = -1;  // of an amount: behind all that are known

template <auto kMember>
int64_t sum(const Connection& c) {
  return static_cast<int64_t>(c.side(Party::originator).*kMember) +
         static_cast<int64_t>(c.side(Party::responder).*kMember);
}

int64_t handshake_time(const Connection& c) {
  if (!c.handshake.client_rtt && !c.handshake.server_rtt) return kUnknown;
  return (c.handshake.client_rtt.value_or(0us) + c.handshake.server_rtt.value_or(0us)).count();
}

int64_t longest_rtt(const Connection& c) {
  int64_t longest = kUnknown;
  for (const ConnectionSide& side : c.sides) {
    if (side.rtt) longest = std::max<int64_t>(longest, side.rtt->p99.count());
  }
  return longest;
}

constexpr std::array kKeys{
    ConnectionKey{"id", "in the order of their first packets (the default)",
                  [](const Connection& c) { return static_cast<int64_t>(c.id); }},
    ConnectionKey{"start", "the earliest first",
                  [](const Connection& c) { return c.start.time_since_epoch().count(); }},
    ConnectionKey{"duration", "the longest first",
                  [](const Connection& c) { return int64_t{c.duration.count()}; }, true},
    ConnectionKey{"bytes", "text of both ends together", sum<&ConnectionSide::bytes>, true},
    ConnectionKey{"packets", "of both ends together", sum<&ConnectionSide::packets>, true},
    ConnectionKey{"retransmissions", "of both ends together", sum<&ConnectionSide::retransmissions>,
                  true},
    ConnectionKey{"handshake", "the slowest first", handshake_time, true},
    ConnectionKey{"rtt", "by the 99th percentile of the slower direction", longest_rtt, true},
    ConnectionKey{"resets", "sent by either end", sum<&ConnectionSide::resets>, true},
    ConnectionKey{"zero_windows", "of both ends together", sum<&ConnectionSide::zero_windows>,
                  true},
    ConnectionKey{"anomalies", "how many",
                  [](const Connection& c) {
                    return static_cast<int64_t>(c.anomalies.size() + c.anomalies_left_out);
                  },
                  true},
};

}  // namespace

Result<const ConnectionKey*> connection_key(std::string_view name) {
  std::string wanted = lower(name);
  std::ranges::replace(wanted, '-', '_');
  const auto* const found = std::ranges::find(kKeys, wanted, &ConnectionKey::name);
  if (found != kKeys.end()) return found;
  std::string names;
  for (const ConnectionKey& key : kKeys) {
    names += fmt::format("{}{}", names.empty() ? "" : ", ", key.name);
  }
  return fail("connections cannot be sorted by '{}'; the keys are {}", printable(name), names);
}

std::string describe_connection_keys() {
  std::string text;
  for (const ConnectionKey& key : kKeys) text += fmt::format("  {:<16} {}\n", key.name, key.about);
  return text;
}

bool FirstConnections::before(const Kept& a, const Kept& b) {
  return std::tie(a.rank, a.id) < std::tie(b.rank, b.id);
}

void FirstConnections::take(Connection&& connection) {
  const int64_t value = key_.of(connection);
  Kept next{key_.descending ? -value : value, connection.id, nullptr};
  const bool full = limit_ != 0 && kept_.size() == limit_;
  if (full) {
    ++left_out_;
    if (!before(next, kept_.front())) return;
    std::ranges::pop_heap(kept_, before);
    kept_.pop_back();
  }
  next.connection = std::make_unique<Connection>(std::move(connection));
  kept_.push_back(std::move(next));
  if (limit_ != 0) std::ranges::push_heap(kept_, before);
}

std::vector<std::unique_ptr<Connection>> FirstConnections::sorted() && {
  std::ranges::sort(kept_, before);
  std::vector<std::unique_ptr<Connection>> all;
  all.reserve(kept_.size());
  for (Kept& one : kept_) all.push_back(std::move(one.connection));
  kept_.clear();
  return all;
}

}  // namespace tcpdx::view
