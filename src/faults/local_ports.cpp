#include "faults/local_ports.hpp"

#include <algorithm>
#include <map>
#include <tuple>

#include "base/text.hpp"

namespace tcpdx::faults {
namespace {

struct Range {
  uint64_t low = 0;
  uint64_t high = 0;
  uint64_t reserved = 0;

  bool has(uint16_t port) const { return port >= low && port <= high; }
  uint64_t size() const { return high - low + 1 - std::min(reserved, high - low + 1); }
};

// "8080,9000-9100": how many of them lie in the range.
uint64_t reserved_in(std::string_view text, const Range& range) {
  uint64_t total = 0;
  for (const std::string_view part : split(text, ',')) {
    const auto dash = part.find('-');
    const auto first = parse_number<uint64_t>(trim(part.substr(0, dash)));
    const auto last = dash == std::string_view::npos
                          ? first
                          : parse_number<uint64_t>(trim(part.substr(dash + 1)));
    if (!first || !last) continue;
    const uint64_t low = std::max(*first, range.low);
    const uint64_t high = std::min(*last, range.high);
    if (low <= high) total += high - low + 1;
  }
  return total;
}

std::optional<Range> range_of(const Facts& facts, size_t netns) {
  const auto low = facts.sysctl(netns, "net.ipv4.ip_local_port_range", 0);
  const auto high = facts.sysctl(netns, "net.ipv4.ip_local_port_range", 1);
  if (!low || !high || *high < *low) return std::nullopt;
  Range range{*low, *high};
  const auto& sysctls = facts.seen.namespaces[netns].sysctls;
  range.reserved =
      reserved_in(sysctls.text("net.ipv4.ip_local_reserved_ports").value_or(""), range);
  return range;
}

// With timestamps on, connect() takes over the port of a TIME-WAIT socket that is older than a
// second where tcp_tw_reuse is 1, or 2 (the default) on loopback (net/ipv4/tcp_ipv4.c,
// tcp_twsk_unique).
bool may_be_reused(const Facts& facts, const Socket& s) {
  if (facts.sysctl(s.netns, "net.ipv4.tcp_timestamps").value_or(0) == 0) return false;
  const uint64_t reuse = facts.sysctl(s.netns, "net.ipv4.tcp_tw_reuse").value_or(0);
  const bool allowed = reuse == 1 || (reuse == 2 && s.local.addr.is_loopback());
  const uint64_t delay_ms = facts.sysctl(s.netns, "net.ipv4.tcp_tw_reuse_delay").value_or(1000);
  return allowed && facts.age(s).at_least >= std::chrono::milliseconds(delay_ms);
}

}  // namespace

double PortUse::share() const {
  if (available == 0) return 0;
  return static_cast<double>(live.size() + time_wait_blocking) / static_cast<double>(available);
}

std::vector<PortUse> port_use(const Facts& facts) {
  std::vector<std::optional<Range>> ranges;
  ranges.reserve(facts.seen.namespaces.size());
  for (size_t i = 0; i < facts.seen.namespaces.size(); ++i) ranges.push_back(range_of(facts, i));

  std::map<std::tuple<uint16_t, IpAddress, SocketAddress>, PortUse> uses;
  for (const Socket& s : facts.now.sockets) {
    if (s.state == tcp::State::listen || s.state == tcp::State::syn_received) continue;
    const auto& range = ranges[s.netns];
    if (!range || !range->has(s.local.port)) continue;
    PortUse& use =
        uses[{s.netns, s.local.addr.unmapped(), {s.remote.addr.unmapped(), s.remote.port}}];
    use.example = &s;
    use.available = range->size();
    if (s.state != tcp::State::time_wait) {
      use.live.push_back(&s);
      continue;
    }
    ++use.time_wait;
    if (!may_be_reused(facts, s)) ++use.time_wait_blocking;
  }
  std::vector<PortUse> crowded;
  for (auto& [key, use] : uses) {
    if (use.available == 0) continue;  // all reserved: only programs that chose their port
    if ((use.live.size() + use.time_wait) * 2 >= use.available) crowded.push_back(std::move(use));
  }
  return crowded;
}

}  // namespace tcpdx::faults
