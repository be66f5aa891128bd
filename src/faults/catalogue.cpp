#include "faults/catalogue.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "faults/fold.hpp"

namespace tcpdx::faults {

std::span<const Fault> catalogue() {
  static const std::array kList{
      accept_queue_overflow,
      accept_stalled,
      fd_exhaustion_blocks_accept,
      syn_flood,
      connect_blackhole,
      host_unreachable,
      ephemeral_port_exhaustion,
      half_open_busy,
      zero_window_stuck_reader,
      close_wait_leak,
      fin_wait2_stuck,
      fin_wait1_stuck,
      last_ack_stuck,
      time_wait_pileup,
  };
  return kList;
}

const Fault* find_fault(std::string_view id) {
  const auto list = catalogue();
  const auto at = std::ranges::find(list, id, [](const Fault& f) { return f.info->id; });
  return at == list.end() ? nullptr : &*at;
}

std::vector<Finding> diagnose(const Observation& observation) {
  const Facts facts(observation);
  std::vector<Finding> findings;
  for (const Fault& fault : catalogue()) {
    std::ranges::move(fault.find(facts), std::back_inserter(findings));
  }
  findings = folded(facts, std::move(findings));
  std::ranges::stable_sort(findings, std::greater<>{},
                           [](const Finding& f) { return std::tuple(f.severity, f.confidence); });
  return findings;
}

}  // namespace tcpdx::faults
