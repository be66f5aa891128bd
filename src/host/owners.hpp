// Which descriptors of which processes refer to the sockets of a look.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/runner.hpp"
#include "host/process_table.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

struct WalkEnd {
  int error = 0;         // errno with which /proc itself could not be listed
  uint32_t refused = 0;  // processes whose descriptors may not be read
  bool hidden = false;   // there are processes that /proc does not even list (hidepid, proc(5))
};

class OwnerWalk {
 public:
  explicit OwnerWalk(std::string proc) : proc_(std::move(proc)) {}

  // Fills look.owners and each socket's part in it.
  WalkEnd run(const Runner& runner, Look& look, ProcessTable& table,
              std::vector<Process>& processes) const;

 private:
  std::string proc_;
};

}  // namespace tcpdx::host
