// Finds the owners of a look's sockets: by the kernel's iterator over open files where that may be
// used, else by a walk over /proc/PID/fd.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/runner.hpp"
#include "host/owner_iterator.hpp"
#include "host/owners.hpp"
#include "host/process_table.hpp"
#include "host/sources.hpp"
#include "model/observation.hpp"

namespace tcpdx::host {

struct SearchEnd {
  OwnerSource source = OwnerSource::proc;  // never automatic
  int error = 0;                           // errno with which /proc itself could not be listed
  uint32_t refused = 0;                    // processes whose descriptors may not be read
  uint32_t hidden = 0;                     // owners that /proc does not show
  bool unlisted = false;                   // there may be owners that /proc does not show
};

class OwnerSearch {
 public:
  OwnerSearch(std::string proc, OwnerSource source)
      : proc_(std::move(proc)), source_(source), walk_(proc_) {}

  // Where the iterator was asked for by name: loads it, or says why it cannot be.
  Result<void> prepare();

  // Goes on with what another search has loaded.
  void take_over(OwnerSearch& other);

  // The part for which the sockets need not be known; it may run beside the reading of the tables.
  void begin();

  // The rest: fills look.owners and each socket's part in it. Fails only where the iterator was
  // asked for by name and its pass failed.
  Result<SearchEnd> finish(const Runner& run, Look& look, std::vector<Process>& processes);

 private:
  std::string proc_;
  OwnerSource source_;
  std::optional<OwnerIterator> iterator_;
  std::optional<Result<OwnerPass>> pass_;  // of the look that is being made
  ProcessTable table_;
  OwnerWalk walk_;
};

}  // namespace tcpdx::host
