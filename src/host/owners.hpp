// Which descriptors of which processes refer to the sockets of a look.
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/runner.hpp"
#include "host/process_info.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

struct WalkEnd {
  int error = 0;         // errno with which /proc itself could not be listed
  uint32_t refused = 0;  // processes whose descriptors may not be read
};

// Remembers the processes it has met, so that one that is met again in a later look is the same
// entry of Observation::processes, refreshed.
class OwnerWalk {
 public:
  explicit OwnerWalk(std::string proc) : proc_(std::move(proc)) {}

  // Fills look.owners and each socket's part in it.
  WalkEnd run(const Runner& runner, Look& look, std::vector<Process>& processes);

 private:
  struct Known {
    uint64_t start_ticks = 0;
    uint32_t index = 0;
  };

  uint32_t index_of(ProcessRecord record, std::vector<Process>& processes);

  std::string proc_;
  std::unordered_map<uint32_t, Known> known_;  // by pid
};

}  // namespace tcpdx::host
