// The table that joins struct tcp_info of linux/tcp.h with TcpInfo, and its readers.
#include "model/socket.hpp"

#include <linux/tcp.h>

#include <algorithm>
#include <array>
#include <cstring>

namespace tcpdx {
namespace {

// Fields that the installed linux/tcp.h may lack: offsets from include/uapi/linux/tcp.h of
// Linux 6.2 (commit 71fc704768f6, "tcp: add rcv_wnd info"), which append only.
constexpr uint16_t kRcvWndOffset = 232;
static_assert(kRcvWndOffset == offsetof(tcp_info, tcpi_snd_wnd) + sizeof(uint32_t));

// The byte of the two bit-fields tcpi_snd_wscale and tcpi_rcv_wscale, after tcpi_options.
constexpr uint16_t kWindowScalesOffset = offsetof(tcp_info, tcpi_options) + 1;

template <class Kernel, class Ours>
constexpr uint16_t same_size() {
  static_assert(sizeof(Kernel) == sizeof(Ours));
  return sizeof(Kernel);
}

#define TCPDX_FIELD(ours, kernel)                                                                 \
  TcpInfoField {                                                                                  \
    #ours, offsetof(tcp_info, kernel),                                                            \
        same_size<decltype(tcp_info::kernel), decltype(TcpInfo::ours)>(), offsetof(TcpInfo, ours) \
  }

constexpr std::array kFields{
    TCPDX_FIELD(ca_state, tcpi_ca_state),
    TCPDX_FIELD(retransmits, tcpi_retransmits),
    TCPDX_FIELD(probes, tcpi_probes),
    TCPDX_FIELD(backoff, tcpi_backoff),
    TCPDX_FIELD(options, tcpi_options),
    TcpInfoField{"window_scales", kWindowScalesOffset, 1, offsetof(TcpInfo, window_scales)},
    TCPDX_FIELD(rto_us, tcpi_rto),
    TCPDX_FIELD(ato_us, tcpi_ato),
    TCPDX_FIELD(snd_mss, tcpi_snd_mss),
    TCPDX_FIELD(rcv_mss, tcpi_rcv_mss),
    TCPDX_FIELD(unacked, tcpi_unacked),
    TCPDX_FIELD(lost, tcpi_lost),
    TCPDX_FIELD(last_data_sent_ms, tcpi_last_data_sent),
    TCPDX_FIELD(last_data_recv_ms, tcpi_last_data_recv),
    TCPDX_FIELD(last_ack_recv_ms, tcpi_last_ack_recv),
    TCPDX_FIELD(pmtu, tcpi_pmtu),
    TCPDX_FIELD(rtt_us, tcpi_rtt),
    TCPDX_FIELD(rttvar_us, tcpi_rttvar),
    TCPDX_FIELD(snd_ssthresh, tcpi_snd_ssthresh),
    TCPDX_FIELD(snd_cwnd, tcpi_snd_cwnd),
    TCPDX_FIELD(reordering, tcpi_reordering),
    TCPDX_FIELD(total_retrans, tcpi_total_retrans),
    TCPDX_FIELD(bytes_acked, tcpi_bytes_acked),
    TCPDX_FIELD(bytes_received, tcpi_bytes_received),
    TCPDX_FIELD(notsent_bytes, tcpi_notsent_bytes),
    TCPDX_FIELD(min_rtt_us, tcpi_min_rtt),
    TCPDX_FIELD(data_segs_in, tcpi_data_segs_in),
    TCPDX_FIELD(data_segs_out, tcpi_data_segs_out),
    TCPDX_FIELD(delivery_rate, tcpi_delivery_rate),
    TCPDX_FIELD(busy_time_us, tcpi_busy_time),
    TCPDX_FIELD(rwnd_limited_us, tcpi_rwnd_limited),
    TCPDX_FIELD(sndbuf_limited_us, tcpi_sndbuf_limited),
    TCPDX_FIELD(bytes_sent, tcpi_bytes_sent),
    TCPDX_FIELD(bytes_retrans, tcpi_bytes_retrans),
    TCPDX_FIELD(dsack_dups, tcpi_dsack_dups),
    TCPDX_FIELD(reord_seen, tcpi_reord_seen),
    TCPDX_FIELD(rcv_ooopack, tcpi_rcv_ooopack),
    TCPDX_FIELD(snd_wnd, tcpi_snd_wnd),
    TcpInfoField{"rcv_wnd", kRcvWndOffset, 4, offsetof(TcpInfo, rcv_wnd)},
};
#undef TCPDX_FIELD

template <class Number>
uint64_t number_at(const std::byte* at) {
  Number value{};
  std::memcpy(&value, at, sizeof value);
  return value;
}

}  // namespace

std::string_view to_string(TimerKind kind) {
  switch (kind) {
    case TimerKind::none: return "off";
    case TimerKind::retransmit: return "on";
    case TimerKind::keepalive: return "keepalive";
    case TimerKind::time_wait: return "timewait";
    case TimerKind::persist: return "persist";
  }
  return "off";
}

std::span<const TcpInfoField> tcp_info_fields() { return kFields; }

const TcpInfoField* tcp_info_field(std::string_view name) {
  const auto* const field = std::ranges::find(kFields, name, &TcpInfoField::name);
  return field == kFields.end() ? nullptr : field;
}

bool field_known(const TcpInfo& info, const TcpInfoField& field) {
  return field.kernel_offset + field.kernel_size <= info.known_bytes;
}

uint64_t field_value(const TcpInfo& info, const TcpInfoField& field) {
  const std::byte* const at = std::as_bytes(std::span(&info, 1)).data() + field.offset;
  if (field.kernel_size == 1) return number_at<uint8_t>(at);
  return field.kernel_size == 4 ? number_at<uint32_t>(at) : number_at<uint64_t>(at);
}

std::optional<uint64_t> known_value(const TcpInfo& info, std::string_view name) {
  const TcpInfoField* const field = tcp_info_field(name);
  if (field == nullptr || !field_known(info, *field)) return std::nullopt;
  return field_value(info, *field);
}

void read_tcp_info(std::span<const std::byte> kernel, TcpInfo& into) {
  constexpr size_t kMost = std::numeric_limits<uint16_t>::max();
  into.known_bytes = static_cast<uint16_t>(std::min(kernel.size(), kMost));
  std::byte* const ours = std::as_writable_bytes(std::span(&into, 1)).data();
  for (const TcpInfoField& field : kFields) {
    if (!field_known(into, field)) {
      std::memset(ours + field.offset, 0, field.kernel_size);
      continue;
    }
    std::memcpy(ours + field.offset, kernel.data() + field.kernel_offset, field.kernel_size);
  }
}

}  // namespace tcpdx
