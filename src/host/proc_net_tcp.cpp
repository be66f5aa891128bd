// Reads the columns "sl local remote st tx:rx tr:when retrnsmt uid timeout inode".
#include "host/proc_net_tcp.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "base/file.hpp"
#include "base/text.hpp"
#include "tcp/state.hpp"

namespace tcpdx::host {

namespace {

// tm->when is in clock_t ticks; USER_HZ is 100 on every Linux architecture but Alpha, which has no
// port of what this program needs (include/asm-generic/param.h).
constexpr uint32_t kMillisecondsPerTick = 10;

enum Column : size_t {
  kLocal = 1,
  kRemote,
  kState,
  kQueues,
  kTimer,
  kRetransmits,
  kUid,
  kTimeout,
  kInode,
  kColumns
};

// The first columns of a row without an allocation.
std::optional<std::array<std::string_view, kColumns>> columns_of(std::string_view row) {
  std::array<std::string_view, kColumns> columns;
  size_t at = 0;
  for (std::string_view& column : columns) {
    const size_t begin = row.find_first_not_of(' ', at);
    if (begin == std::string_view::npos) return std::nullopt;
    at = std::min(row.find(' ', begin), row.size());
    column = row.substr(begin, at - begin);
  }
  return columns;
}

// "A:B" as two hexadecimal numbers.
std::optional<std::pair<uint32_t, uint32_t>> hex_pair(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto first = parse_number<uint32_t>(text.substr(0, colon), 16);
  const auto second = parse_number<uint32_t>(text.substr(colon + 1), 16);
  if (!first || !second) return std::nullopt;
  return std::pair{*first, *second};
}

// The address is printed as 32-bit words in the machine's own byte order, %08X of a __be32: put
// back into memory as they are, they are in network order.
std::optional<SocketAddress> endpoint_of(std::string_view text, Family family) {
  const size_t digits = family == Family::v4 ? 8 : 32;
  if (text.size() != digits + 5 || text[digits] != ':') return std::nullopt;
  SocketAddress end;
  end.addr.family = family;
  for (size_t i = 0; i < digits; i += 8) {
    const auto word = parse_number<uint32_t>(text.substr(i, 8), 16);
    if (!word) return std::nullopt;
    std::memcpy(end.addr.bytes.data() + i / 2, &*word, sizeof *word);
  }
  const auto port = parse_number<uint16_t>(text.substr(digits + 1), 16);
  if (!port) return std::nullopt;
  end.port = *port;
  return end;
}

Timer timer_of(std::pair<uint32_t, uint32_t> kind_and_ticks, uint32_t retransmits) {
  Timer timer;
  const auto [kind, ticks] = kind_and_ticks;
  if (kind <= static_cast<uint32_t>(TimerKind::persist)) timer.kind = static_cast<TimerKind>(kind);
  timer.retransmits = static_cast<uint8_t>(std::min<uint32_t>(retransmits, 255));
  // A timer just past its end is printed as a negative number cut to 32 bits.
  const bool past = ticks > std::numeric_limits<uint32_t>::max() / 2;
  if (timer.kind != TimerKind::none && !past) {
    timer.expires_ms = static_cast<uint32_t>(
        std::min<uint64_t>(uint64_t{ticks} * kMillisecondsPerTick, UINT32_MAX));
  }
  return timer;
}

// The whole lines of `text`; the rest stays in it. False: no more are wanted.
template <class OnLine>
bool take_lines(std::string& text, const OnLine& on_line) {
  size_t begin = 0;
  for (size_t end = 0; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    if (!on_line(std::string_view(text).substr(begin, end - begin))) return false;
  }
  text.erase(0, begin);
  return true;
}

}  // namespace

std::optional<Socket> parse_proc_net_tcp_row(std::string_view row, Family family) {
  const auto columns = columns_of(row);
  if (!columns) return std::nullopt;
  const auto local = endpoint_of((*columns)[kLocal], family);
  const auto remote = endpoint_of((*columns)[kRemote], family);
  const auto number = parse_number<unsigned>((*columns)[kState], 16);
  const auto queues = hex_pair((*columns)[kQueues]);
  const auto timer = hex_pair((*columns)[kTimer]);
  const auto retransmits = parse_number<uint32_t>((*columns)[kRetransmits], 16);
  const auto uid = parse_number<uint32_t>((*columns)[kUid]);
  const auto inode = parse_number<uint64_t>((*columns)[kInode]);
  if (!local || !remote || !number || !queues || !timer || !retransmits || !uid || !inode) {
    return std::nullopt;
  }
  const auto state = tcp::from_kernel(*number);
  if (!state) return std::nullopt;
  Socket socket;
  socket.local = *local;
  socket.remote = *remote;
  socket.state = *state;
  socket.send_q = queues->first;
  socket.recv_q = queues->second;
  socket.timer = timer_of(*timer, *retransmits);
  socket.uid = *uid;
  socket.inode = static_cast<uint32_t>(*inode);
  return socket;
}

Result<void> read_proc_net_tcp(const std::string& path, Family family, bool listeners_only,
                               uint16_t netns, std::vector<Socket>& into) {
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return fail("cannot open {}: {}", path, errno_text(errno));
  const auto add = [&](std::string_view line) {
    std::optional<Socket> socket = parse_proc_net_tcp_row(line, family);
    if (!socket) return true;
    if (listeners_only && socket->state != tcp::State::listen) return false;
    socket->netns = netns;
    into.push_back(*socket);
    return true;
  };
  std::array<char, size_t{64} * 1024> piece;
  std::string pending;
  for (;;) {
    const ssize_t length = ::read(file.get(), piece.data(), piece.size());
    if (length < 0 && errno == EINTR) continue;
    if (length < 0) return fail("cannot read {}: {}", path, errno_text(errno));
    if (length == 0) return {};
    pending.append(piece.data(), static_cast<size_t>(length));
    if (!take_lines(pending, add)) return {};
  }
}

}  // namespace tcpdx::host
