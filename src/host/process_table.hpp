// The processes of an Observation, each once however many looks meet it.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "host/process_info.hpp"

namespace tcpdx::host {

class ProcessTable {
 public:
  // Its index in `processes`: that of the entry it has there already, which is refreshed, or of a
  // new one. A pid with another start is another process.
  uint32_t index_of(ProcessRecord record, std::vector<Process>& processes);

 private:
  struct Known {
    uint64_t start_ticks = 0;
    uint32_t index = 0;
  };
  std::unordered_map<uint32_t, Known> known_;  // by pid
};

}  // namespace tcpdx::host
