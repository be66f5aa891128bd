#include "wire/link_paths.hpp"

#include <algorithm>
#include <random>
#include <span>

#include "base/siphash.hpp"

namespace tcpdx::wire {
namespace {

// Far more than a trunk has VLANs or a data centre's host networks, and still only a few megabytes.
constexpr size_t kMaxPaths = 65536;

bool is_same(const Path& path, const LinkPath& known) {
  return std::ranges::equal(std::span(path.vlans).first(path.vlan_count), known.vlans) &&
         std::ranges::equal(std::span(path.tunnels).first(path.tunnel_count), known.tunnels);
}

uint64_t to_number(const Tunnel& tunnel) {
  return (uint64_t{1} + static_cast<uint8_t>(tunnel.kind)) << 40U |
         uint64_t{tunnel.id.has_value()} << 32U | tunnel.id.value_or(0);
}

size_t place_of(const Path& path) {
  constexpr uint64_t kMix = 0x9E3779B97F4A7C15;  // 2^64 over the golden ratio
  uint64_t mixed = 0;
  for (size_t i = 0; i < path.vlan_count; ++i) mixed = (mixed + path.vlans[i]) * kMix;
  for (size_t i = 0; i < path.tunnel_count; ++i) {
    mixed = (mixed + to_number(path.tunnels[i])) * kMix;
  }
  return mixed >> 56U;
}

uint64_t hash_of(const Path& path, const std::array<uint64_t, 2>& key) {
  std::array<uint64_t, 2 * kMaxLayers> parts{};
  size_t count = 0;
  for (size_t i = 0; i < path.vlan_count; ++i) parts[count++] = path.vlans[i];
  for (size_t i = 0; i < path.tunnel_count; ++i) parts[count++] = to_number(path.tunnels[i]);
  return siphash(key, std::as_bytes(std::span(parts).first(count)));
}

}  // namespace

// The key keeps those who write captures from choosing paths that all have one hash.
LinkPaths::LinkPaths() : all_(1) {
  std::random_device random;
  for (uint64_t& word : key_) word = uint64_t{random()} << 32U | random();
}

uint32_t LinkPaths::find(const Path& path) {
  uint32_t& recent = recent_[place_of(path)];
  if (!is_same(path, all_[recent])) recent = look_up(path);
  return recent;
}

uint32_t LinkPaths::look_up(const Path& path) {
  const uint64_t hash = hash_of(path, key_);
  const auto [begin, end] = by_hash_.equal_range(hash);
  for (auto at = begin; at != end; ++at) {
    if (is_same(path, all_[at->second])) return at->second;
  }
  return add(path, hash);
}

uint32_t LinkPaths::add(const Path& path, uint64_t hash) {
  const auto index = static_cast<uint32_t>(all_.size());
  if (all_.size() > kMaxPaths) {
    ++shared_;
    return index - 1;
  }
  LinkPath& added = all_.emplace_back();
  if (index == kMaxPaths) {
    ++shared_;
    return index;  // the shared one, which tells of no VLAN and no tunnel
  }
  added.vlans.assign(path.vlans.begin(), path.vlans.begin() + path.vlan_count);
  added.tunnels.assign(path.tunnels.begin(), path.tunnels.begin() + path.tunnel_count);
  by_hash_.emplace(hash, index);
  return index;
}

}  // namespace tcpdx::wire
