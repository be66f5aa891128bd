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
  // Of a black hole: whether a packet that vanished reaches the host all the same. One sent by UDP
  // to a port that nobody has does, when the host refuses it: that answer is small. Then what
  // vanishes is the large answer, on its way back. Nothing: the host refuses small ones neither.
  std::optional<bool> large_arrives{};
};

// Two echoes of each size, and UDP where they show a black hole. Blocks for at most three seconds.
MtuLook look_at_sizes(const AskOptions& options, const std::function<bool()>& stop);

// The smallest size that vanished and is larger than the largest that came back.
std::optional<unsigned> vanished_size(const MtuLook& look);

// Pure: what the echoes mean.
MtuLook judge_sizes(std::vector<SizeProbe> sizes);

}  // namespace tcpdx::probe
