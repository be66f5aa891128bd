// How large a packet may be on the way to a host and back: echoes of several sizes at once, none of
// which may be cut.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "probe/asker.hpp"

namespace tcpdx::probe {

struct SizeProbe {
  unsigned mtu = 0;  // octets of the whole packet, IP header included
  bool answered = false;
  std::optional<ErrorMessage> told;  // "too big", with the MTU, by a router or this host
};

struct MtuLook {
  std::vector<SizeProbe> sizes;  // rising; empty: this host may send no echoes
  // The largest that came back, and what said that larger ones do not fit.
  std::optional<unsigned> largest;
  std::optional<unsigned> told_mtu;
  std::optional<IpAddress> told_by;
  // Small ones come back, larger ones vanish, and nobody says why.
  bool black_hole = false;
};

// Two echoes of each size. Blocks for at most a second.
MtuLook look_at_sizes(const AskOptions& options, const std::function<bool()>& stop);

// Pure: what the probes mean.
MtuLook judge_sizes(std::vector<SizeProbe> sizes);

}  // namespace tcpdx::probe
