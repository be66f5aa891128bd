// The distinct link paths of a capture, by number: most frames are without any, and most others are
// of a path that was there a moment ago.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "wire/decode.hpp"
#include "wire/layers.hpp"

namespace tcpdx::wire {

class LinkPaths {
 public:
  LinkPaths();

  uint32_t index(const Path& path) { return path.empty() ? 0 : find(path); }
  const std::vector<LinkPath>& all() const { return all_; }
  // Frames of paths beyond the limit, which share the last number.
  uint64_t shared() const { return shared_; }

 private:
  uint32_t find(const Path& path);
  uint32_t look_up(const Path& path);
  uint32_t add(const Path& path, uint64_t hash);

  std::vector<LinkPath> all_;
  std::unordered_multimap<uint64_t, uint32_t> by_hash_;
  std::array<uint64_t, 2> key_{};
  std::array<uint32_t, 256> recent_{};  // by a hash that anybody can foresee
  uint64_t shared_ = 0;
};

}  // namespace tcpdx::wire
