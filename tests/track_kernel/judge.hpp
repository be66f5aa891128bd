// What the tracker makes of a capture, beside the kernel's own states.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/connection.hpp"
#include "track/tracker.hpp"
#include "track_kernel/tap.hpp"
#include "track_kernel/watch.hpp"

namespace tcpdx::track_kernel {

struct Tracked {
  std::vector<Connection> connections;
  std::vector<int64_t> frame_times;    // of frame n at n - 1
  std::map<Ends, int64_t> first_fins;  // when an end sent its first FIN
};
Tracked track(const std::vector<Seen>& seen, Vantage vantage);

struct Score {
  uint64_t changes = 0;                  // of the longer of both sequences of states
  uint64_t right = 0;                    // in both, in the same order
  uint64_t undecidable = 0;              // ends left out of the two above: no packet tells them
  uint64_t proofs = 0;                   // changes marked `seen`
  std::vector<std::string> wrong;        // proofs that are not true
  std::vector<std::string> differences;  // ends whose sequences differ, told in full

  Score& operator+=(const Score& other);
};

Score compare(const Tracked& tracked, const Ends& ends, const std::vector<Moment>& truth);

}  // namespace tcpdx::track_kernel
