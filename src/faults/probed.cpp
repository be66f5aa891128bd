#include "faults/probed.hpp"

#include <algorithm>

namespace tcpdx::faults {

const ProbedHost* probed(const Facts& facts, size_t netns, const IpAddress& address) {
  if (!facts.seen.probes) return nullptr;
  const auto& hosts = facts.seen.probes->hosts;
  const IpAddress plain = address.unmapped();
  const auto at = std::ranges::find_if(
      hosts, [&](const ProbedHost& host) { return host.netns == netns && host.address == plain; });
  return at == hosts.end() ? nullptr : &*at;
}

std::optional<Duration> median_echo(const ProbedHost& host) {
  if (host.rtts.empty()) return std::nullopt;
  std::vector<Duration> sorted = host.rtts;
  std::ranges::sort(sorted);
  return sorted[sorted.size() / 2];
}

}  // namespace tcpdx::faults
