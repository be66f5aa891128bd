#include "faults/catalogue.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <tuple>

#include "base/text.hpp"
#include "faults/capture_build.hpp"
#include "faults/fold.hpp"

namespace tcpdx::faults {
namespace {

constexpr size_t kManyPlaces = 4;

// Equals stay in the order of the catalogue.
std::vector<Finding> worst_first(std::vector<Finding> findings) {
  std::vector<size_t> order(findings.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::sort(order, [&](size_t a, size_t b) {
    const Finding& one = findings[a];
    const Finding& other = findings[b];
    return std::tuple(other.severity, other.confidence, a) <
           std::tuple(one.severity, one.confidence, b);
  });
  std::vector<Finding> sorted;
  sorted.reserve(findings.size());
  for (const size_t i : order) sorted.push_back(std::move(findings[i]));
  return sorted;
}

// The same fault at many places of a capture is one finding, not a page of them.
std::vector<Finding> merged(std::vector<Finding> findings) {
  if (findings.size() < kManyPlaces) return findings;
  findings = worst_first(std::move(findings));
  const size_t more = findings.size() - 1;
  findings.resize(1);
  Finding& worst = findings.front();
  worst.headline += fmt::format("; the same at {} more places", grouped(more));
  add_fact(worst, "places", uint64_t{more + 1}, std::string(kCapture));
  return findings;
}

}  // namespace

std::span<const Fault> catalogue() {
  static const std::array kList{
      unexpected_listener,
      accept_queue_overflow,
      accept_stalled,
      backlog_clamped,
      fd_exhaustion_blocks_accept,
      reuseport_stuck_worker,
      syn_flood,
      syn_cookies_active,
      synack_lost,
      port_scan_inbound,
      connect_blackhole,
      host_unreachable,
      connection_refused,
      slow_handshake_syn_retransmit,
      dns_slow_or_failing,
      outbound_scan_or_worm,
      bind_conflict,
      simultaneous_open,
      stale_tuple_collision,
      ephemeral_port_exhaustion,
      half_open_busy,
      half_open_idle,
      keepalive_absent,
      reset_peer_lost_state,
      keepalive_reuse_race,
      zero_window_stuck_reader,
      receive_buffer_prune,
      tcp_memory_pressure,
      packet_loss_retransmission,
      reordering_spurious_retransmit,
      mtu_black_hole,
      bufferbloat_rtt_inflation,
      path_instability,
      bad_checksum,
      host_receive_drop,
      neighbour_table_overflow,
      duplicate_ip_arp_conflict,
      asymmetric_route_rpfilter,
      conntrack_table_full,
      rst_by_middlebox,
      rst_on_close_unread,
      rst_abortive_linger,
      rst_to_closed_socket,
      challenge_ack_or_ack_loop,
      close_wait_leak,
      fin_wait2_stuck,
      fin_wait1_stuck,
      last_ack_stuck,
      closing_stuck,
      time_wait_pileup,
      time_wait_bucket_overflow,
      orphan_limit,
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
    if (fault.find == nullptr) continue;
    std::ranges::move(fault.find(facts), std::back_inserter(findings));
  }
  return worst_first(folded(facts, std::move(findings)));
}

std::vector<Finding> diagnose(const CaptureFacts& capture) {
  std::vector<Finding> findings;
  for (const Fault& fault : catalogue()) {
    if (fault.find_in_capture == nullptr) continue;
    std::ranges::move(merged(fault.find_in_capture(capture)), std::back_inserter(findings));
  }
  return worst_first(folded(std::move(findings)));
}

}  // namespace tcpdx::faults
