#include "faults/age.hpp"

#include <algorithm>

namespace tcpdx::faults {
namespace {

// TCP_TIMEWAIT_LEN and the usual initial RTO (net/ipv4/tcp.h).
constexpr Duration kTimeWait = 60s;
constexpr Duration kInitialRto = 1s;

// The peer's FIN, our FIN's acknowledgment and the last step of the handshake each arrive in a
// segment with an ACK, and every ACK renews tcpi_last_ack_recv: the state began no later than that.
Age since_last_ack(const TcpInfo* info) {
  if (info == nullptr) return {};
  return {std::chrono::milliseconds(info->last_ack_recv_ms), "tcpi_last_ack_recv"};
}

// Timers that ran out one after the other, each twice the one before: their sum is proven.
Age since_first_try(const Socket& socket, const TcpInfo* info) {
  if (info == nullptr || socket.timer.kind != TimerKind::retransmit) return {};
  const unsigned tries = std::min<unsigned>(socket.timer.retransmits, 16);
  return {base_rto(*info) * ((int64_t{1} << tries) - 1), "retransmission timer"};
}

Age since_timer_began(const Socket& socket, Duration length, std::string_view source) {
  if (socket.timer.kind != TimerKind::time_wait) return {};
  const Duration left = std::chrono::milliseconds(socket.timer.expires_ms);
  return {std::max(Duration{}, length - left), source};
}

}  // namespace

Duration syn_repeat_time(unsigned repeats, unsigned linear) {
  Duration total{};
  for (unsigned i = 0; i < repeats && i < 16; ++i) {
    const unsigned doublings = i < linear ? 0 : i - linear;
    total += kInitialRto * (int64_t{1} << doublings);
  }
  return total;
}

Duration base_rto(const TcpInfo& info) {
  return Duration(info.rto_us >> std::min<unsigned>(info.backoff, 31));
}

Age age_from_kernel(const Socket& socket, const TcpInfo* info, const Sysctls& sysctls) {
  using enum tcp::State;
  switch (socket.state) {
    case syn_sent: {
      const auto linear = sysctls.number("net.ipv4.tcp_syn_linear_timeouts").value_or(0);
      return {syn_repeat_time(socket.timer.retransmits, static_cast<unsigned>(linear)),
              "SYN repeats"};
    }
    case syn_received:
      // A repeated SYN of the client also counts a SYN-ACK repeat: at most two a second.
      return {kInitialRto * socket.timer.retransmits / 2, "SYN-ACK repeats"};
    case established:
    case close_wait: return since_last_ack(info);
    case fin_wait_2: {
      const auto limit = sysctls.number("net.ipv4.tcp_fin_timeout").value_or(60);
      if (socket.timer.kind == TimerKind::time_wait) {
        return since_timer_began(socket, std::chrono::seconds(limit), "FIN-WAIT-2 timer");
      }
      return since_last_ack(info);
    }
    case time_wait: return since_timer_began(socket, kTimeWait, "TIME-WAIT timer");
    case fin_wait_1:
    case closing:
    case last_ack: return since_first_try(socket, info);
    case listen:
    case closed: return {};
  }
  return {};
}

}  // namespace tcpdx::faults
