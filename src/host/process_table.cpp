// See process_table.hpp.
#include "host/process_table.hpp"

#include <utility>

namespace tcpdx::host {

uint32_t ProcessTable::index_of(ProcessRecord record, std::vector<Process>& processes) {
  const auto found = known_.find(record.process.pid);
  if (found != known_.end() && found->second.start_ticks == record.start_ticks) {
    processes[found->second.index] = std::move(record.process);
    return found->second.index;
  }
  const auto index = static_cast<uint32_t>(processes.size());
  known_[record.process.pid] = {record.start_ticks, index};
  processes.push_back(std::move(record.process));
  return index;
}

}  // namespace tcpdx::host
