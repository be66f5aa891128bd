// The MTU of each hop: packets of one size that may not be cut leave for every hop at once. The
// farthest that comes through tells how far the size goes, who lowers it says so, and where large
// ones vanish while small ones pass the way has a black hole (RFC 2923 2.1).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "probe/asker.hpp"

namespace tcpdx::probe {

struct SizeQuestion {
  unsigned size = 0;  // octets of the whole packet, IP header included
  uint8_t ttl = 0;
};

struct SizeAnswer {
  enum class Fate : uint8_t { silence, passed, too_big };

  Fate fate = Fate::silence;  // passed: the hop at that distance, or the target, answered
  unsigned mtu = 0;           // too_big: as it was told; 0: a router older than RFC 1191
  std::optional<IpAddress> by;
};

// Asks all of it at once; an answer for each question, in their order.
using AskSizes = std::function<std::vector<SizeAnswer>(const std::vector<SizeQuestion>&)>;

// Where the MTU gets smaller.
struct MtuStep {
  uint8_t behind = 0;                // the last hop that the size `before` reaches
  unsigned before = 0;               // octets
  unsigned mtu = 0;                  // the largest that goes on
  std::optional<IpAddress> told_by;  // nobody: a black hole
};

struct PathMtu {
  // By TTL, from 1: the largest packet that reaches the hop. Nothing: not known, because nobody
  // from there on answers.
  std::vector<std::optional<unsigned>> hops;
  std::vector<MtuStep> steps;
};

// Pure but for `ask`. `size`: the largest that this host can send; `hops`: how far to look.
PathMtu measure_path_mtu(unsigned size, unsigned hops, const AskSizes& ask);

// What the interface towards the target takes; 65000 where that is no less. Nothing leaves but
// where it is as much as that, and then no farther than one hop.
unsigned interface_mtu(const AskOptions& options);

// Asks the network, each question twice where nothing comes back within `patience`; ICMP echoes
// or UDP, as `method` says. The function keeps what it is given.
AskSizes size_asker(Method method, const AskOptions& options, Duration patience,
                    const std::function<bool()>& stop);

}  // namespace tcpdx::probe
