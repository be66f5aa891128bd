// One TCP socket as the kernel's tables show it. Kept small: a machine may have hundreds of
// thousands. Sources: sock_diag(7), linux/inet_diag.h, linux/tcp.h, net/ipv4/inet_diag.c.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "tcp/state.hpp"

namespace tcpdx {

// idiag_timer of inet_diag_msg.
enum class TimerKind : uint8_t {
  none = 0,
  retransmit = 1,
  keepalive = 2,
  time_wait = 3,
  persist = 4
};

// "off", "on", "keepalive", "timewait", "persist": the words of ss(8).
std::string_view to_string(TimerKind kind);

struct Timer {
  TimerKind kind = TimerKind::none;
  // Retransmissions (kind retransmit), unanswered probes (keepalive, persist), SYN-ACK repeats.
  uint8_t retransmits = 0;
  uint32_t expires_ms = 0;
};

// The part of struct tcp_info (linux/tcp.h) that people and faults look at, and the socket's
// memory (SK_MEMINFO). Older kernels send a shorter tcp_info: `known_bytes` is what this one sent,
// and field_known() says whether a field was in it. Times in microseconds or, in last_*,
// milliseconds, as the kernel gives them; sizes in bytes or, where TCP counts so, in segments.
struct TcpInfo {
  uint16_t known_bytes = 0;
  uint8_t ca_state = 0;
  uint8_t retransmits = 0;  // of the segment at the head of the queue
  uint8_t probes = 0;       // zero-window or keep-alive probes not answered
  uint8_t backoff = 0;
  uint8_t options = 0;        // TCPI_OPT_*
  uint8_t window_scales = 0;  // low four bits: what the peer asked for; high four bits: ours

  uint32_t rto_us = 0;
  uint32_t ato_us = 0;
  uint32_t snd_mss = 0;
  uint32_t rcv_mss = 0;
  uint32_t unacked = 0;
  uint32_t lost = 0;
  uint32_t last_data_sent_ms = 0;
  uint32_t last_data_recv_ms = 0;
  uint32_t last_ack_recv_ms = 0;
  uint32_t pmtu = 0;
  uint32_t rtt_us = 0;
  uint32_t rttvar_us = 0;
  uint32_t snd_ssthresh = 0;
  uint32_t snd_cwnd = 0;
  uint32_t reordering = 0;
  uint32_t total_retrans = 0;
  uint64_t bytes_acked = 0;
  uint64_t bytes_received = 0;
  uint32_t notsent_bytes = 0;
  uint32_t min_rtt_us = 0;
  uint32_t data_segs_in = 0;
  uint32_t data_segs_out = 0;
  uint64_t delivery_rate = 0;  // bytes per second
  uint64_t busy_time_us = 0;
  uint64_t rwnd_limited_us = 0;
  uint64_t sndbuf_limited_us = 0;
  uint64_t bytes_sent = 0;
  uint64_t bytes_retrans = 0;
  uint32_t dsack_dups = 0;
  uint32_t reord_seen = 0;
  uint32_t rcv_ooopack = 0;
  uint32_t snd_wnd = 0;
  uint32_t rcv_wnd = 0;

  // From INET_DIAG_SKMEMINFO.
  uint32_t mem_receive = 0;      // bytes of memory held by the receive queue
  uint32_t mem_receive_max = 0;  // SO_RCVBUF
  uint32_t mem_send = 0;         // bytes of memory held by the send queue
  uint32_t mem_send_max = 0;     // SO_SNDBUF
  uint32_t drops = 0;            // packets this socket dropped
};

// One row for each field above that comes from tcp_info: its name in JSON and columns, its place
// in the kernel's structure, and its place in ours. Readers, writers and views walk this table.
struct TcpInfoField {
  std::string_view name;
  uint16_t kernel_offset;
  uint16_t kernel_size;  // bytes: 1, 4 or 8
  uint16_t offset;       // in TcpInfo
};
std::span<const TcpInfoField> tcp_info_fields();
const TcpInfoField* tcp_info_field(std::string_view name);
bool field_known(const TcpInfo& info, const TcpInfoField& field);
uint64_t field_value(const TcpInfo& info, const TcpInfoField& field);
// The value, or nothing where this kernel's tcp_info ends before the field. The name must be one
// of the table's.
std::optional<uint64_t> known_value(const TcpInfo& info, std::string_view name);
// Fills `into` from the kernel's structure, however long it is.
void read_tcp_info(std::span<const std::byte> kernel, TcpInfo& into);

// A descriptor of a process that refers to a socket. A forked socket has several.
struct Owner {
  uint32_t inode = 0;    // of the socket
  uint32_t process = 0;  // index into Observation::processes
  int32_t fd = -1;
};

inline constexpr uint32_t kNoIndex = std::numeric_limits<uint32_t>::max();

struct Socket {
  SocketAddress local;
  SocketAddress remote;
  uint64_t cookie = 0;     // the kernel's name of the socket; 0 where the source has none
  uint64_t cgroup_id = 0;  // 0: not given
  // 0: not accepted yet (ESTABLISHED, CLOSE-WAIT), closed by its program (FIN-WAIT-*, CLOSING,
  // LAST-ACK), or of a kind that never has one (SYN-RECEIVED, TIME-WAIT).
  uint32_t inode = 0;
  uint32_t uid = 0;
  // LISTEN: connections that wait for accept(). Otherwise bytes not yet read by the program.
  uint32_t recv_q = 0;
  // LISTEN: the limit of that queue (see queue_limit). Otherwise bytes not yet acknowledged.
  uint32_t send_q = 0;
  uint32_t interface = 0;  // SO_BINDTODEVICE, 0: none
  uint32_t mark = 0;
  uint32_t info = kNoIndex;         // index into Look::infos
  uint32_t first_owner = kNoIndex;  // index into Look::owners
  uint16_t owner_count = 0;
  uint16_t netns = 0;  // index into Observation::namespaces
  Timer timer;
  tcp::State state = tcp::State::closed;
  uint8_t congestion = 0;  // index into Observation::congestion_names; 0: not given
  // RCV_SHUTDOWN 1, SEND_SHUTDOWN 2; INET_DIAG_SHUTDOWN.
  uint8_t shutdown = 0;
};

// How many connections may wait for accept() on this LISTEN socket, less one (it is full above the
// limit). /proc/net/tcp, which gives no cookie either, does not tell it.
inline std::optional<uint32_t> queue_limit(const Socket& listener) {
  return listener.cookie == 0 ? std::nullopt : std::optional(listener.send_q);
}

}  // namespace tcpdx
