// What the sockets and counters of this machine tell of the paths that it sends over, between the
// two looks: how much was repeated, and how much of that needlessly.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

// Segments with text. A repeat is needless when the receiver says by a duplicate SACK that it had
// the segment already; those are not lost.
struct Sending {
  uint64_t segments = 0;  // sent for the first time
  uint64_t repeats = 0;
  uint64_t needless = 0;

  uint64_t lost() const { return repeats > needless ? repeats - needless : 0; }
  double loss() const { return ratio(lost(), segments); }
  Sending& operator+=(const Sending& other);
};

// The connections from one namespace to the hosts of one network (/24, /64), as their TCP_INFO
// changed between the looks.
struct LivePath {
  uint16_t netns = 0;
  IpAddress to;  // a host of that network
  size_t flows = 0;
  Sending sent;
  // Not in the above: connections that at the first look had been busy for less than a second and
  // had sent less than 1 000 segments, because a slow start fills the queue on any path; those that
  // the first look did not see; and those of which nothing was acknowledged (half-open-busy).
  Sending left_out;
  uint64_t reorderings = 0;       // tcpi_reord_seen
  const Socket* worst = nullptr;  // null: all are left out
  uint64_t worst_repeats = 0;
};
std::vector<LivePath> live_paths(const Facts& facts);

// What a namespace sent in the window besides what its large paths (of at least
// kLeastDataPackets) and left-out connections show: connections that came and went, networks with
// little traffic. By its counters, without SYNs and SYN-ACKs: TCPOrigDataSent, RetransSegs less
// TCPSynRetrans, TCPDSACKRecvSegs.
Sending sent_elsewhere(const Facts& facts, size_t netns, const std::vector<LivePath>& paths);
// Repeats came in at least two of three windows of 10 s; in a shorter look in three samples.
bool keeps_repeating(const Facts& facts, size_t netns);

// "10.0.1.0/24"
std::string network_of(const LivePath& path);
// The network to which most of the repeats went that the kernel's events tell of (SYNs left out),
// and how many of how many; empty where nothing was followed or no network has half of them.
struct MostRepeated {
  std::string network;
  uint64_t repeats = 0;
  uint64_t of = 0;
};
MostRepeated most_repeated(const Facts& facts, size_t netns);

}  // namespace tcpdx::faults
