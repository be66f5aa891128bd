// Asking by TCP: each probe is a connection of its own, closed as soon as it is answered. SYN,ACK
// and RST are both answers: the host is there. The kernel measures the SYN's round trip (TCP_INFO).
#include "probe/asker_tcp.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "probe/error_queue.hpp"
#include "probe/error_words.hpp"
#include "probe/socket.hpp"
#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

// Leaves no TIME-WAIT behind: a probe a second would fill the port range (RFC 9293 3.9.1, ABORT).
void abort_on_close(int socket) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(socket, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

std::optional<Duration> rtt_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  // After a repeated SYN the kernel cannot tell which one was answered.
  if (info.tcpi_rtt == 0 || info.tcpi_total_retrans != 0) return std::nullopt;
  return Duration(info.tcpi_rtt);
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

}  // namespace

Result<void> TcpAsker::send(uint64_t seq, uint8_t ttl) {
  AskOptions options = options_;
  if (ttl != 0) options.ttl = ttl;
  auto socket = open_socket(SOCK_STREAM, IPPROTO_TCP, options);
  if (!socket) return std::unexpected(socket.error());
  abort_on_close(socket->get());
  const SystemAddress to = system_address(options_.target);
  const int error = ::connect(socket->get(), to.get(), to.size) == 0 ? 0 : errno;
  // Over loopback a refusal may come back before the call does.
  if (error != 0 && error != EINPROGRESS && error != ECONNREFUSED) {
    return fail("{}", words_of_errno(error));
  }
  waiting_.push_back({.seq = seq, .socket = std::move(*socket), .refused = error == ECONNREFUSED});
  return {};
}

// What became of it; nothing: not yet known. The error queue first: reading SO_ERROR empties it of
// nothing, but errno alone does not tell who said what.
std::optional<Heard> TcpAsker::fate_of(const Waiting& probe) const {
  Heard heard{.seq = probe.seq,
              .what = Heard::What::answer,
              .rtt = {},
              .from = options_.target.addr,
              .ttl = {},
              .damaged = false,
              .words = {},
              .message = {}};
  while (auto error = next_error(probe.socket.get())) {
    if (error->origin == Origin::sent) continue;
    heard.what = Heard::What::error;
    heard.from = error->offender;
    heard.ttl = error->ttl;
    heard.words = words_of(*error);
    heard.message = std::move(error);
    return heard;
  }
  pollfd ready{.fd = probe.socket.get(), .events = POLLOUT, .revents = 0};
  if (!probe.refused && ::poll(&ready, 1, 0) <= 0) return std::nullopt;
  const int error = probe.refused ? ECONNREFUSED : pending_error(probe.socket.get());
  // A RST in SYN-SENT is ECONNREFUSED; with ECONNRESET the connection was there, and has ended
  // since.
  if (error == 0 || error == ECONNRESET) {
    heard.rtt = rtt_of(probe.socket.get());
    return heard;
  }
  heard.words = error == ECONNREFUSED ? "refused" : words_of_errno(error);
  if (error != ECONNREFUSED) {
    heard.what = Heard::What::error;
    heard.from.reset();
  }
  return heard;
}

void TcpAsker::hear(std::vector<Heard>& into) {
  std::erase_if(waiting_, [&](const Waiting& probe) {
    auto heard = fate_of(probe);
    if (heard) into.push_back(std::move(*heard));
    return heard.has_value();
  });
}

void TcpAsker::forget(uint64_t seq) {
  std::erase_if(waiting_, [&](const Waiting& probe) { return probe.seq == seq; });
}

void TcpAsker::add_polls(std::vector<pollfd>& into) const {
  for (const Waiting& probe : waiting_) {
    into.push_back({.fd = probe.socket.get(), .events = POLLOUT, .revents = 0});
  }
}

}  // namespace tcpdx::probe
