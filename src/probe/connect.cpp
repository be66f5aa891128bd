#include "probe/connect.hpp"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <utility>

#include "base/stopwatch.hpp"
#include "probe/socket.hpp"
#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

constexpr size_t kMostAnswer = 4096;  // octets that are kept
// tcpi_options of linux/tcp.h.
constexpr unsigned kTimestamps = 1;
constexpr unsigned kSack = 2;
constexpr unsigned kWindowScale = 4;
constexpr unsigned kEcn = 8;

tcp_info info_of(int socket) {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size);
  return info;
}

int pending_error(int socket) {
  int error = 0;
  socklen_t size = sizeof error;
  return ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

std::optional<SocketAddress> local_of(int socket) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  auto* name = static_cast<sockaddr*>(static_cast<void*>(&storage));
  if (::getsockname(socket, name, &size) != 0) return std::nullopt;
  const auto address = address_of(storage);
  if (!address || address->addr.is_any()) return std::nullopt;
  return address;
}

Agreed agreed_of(const tcp_info& info) {
  Agreed agreed{.snd_mss = info.tcpi_snd_mss,
                .pmtu = info.tcpi_pmtu,
                .timestamps = (info.tcpi_options & kTimestamps) != 0,
                .sack = (info.tcpi_options & kSack) != 0,
                .ecn = (info.tcpi_options & kEcn) != 0,
                .window_scale = {},
                .own_window_scale = {}};
  if ((info.tcpi_options & kWindowScale) != 0) {
    agreed.window_scale = info.tcpi_snd_wscale;
    agreed.own_window_scale = info.tcpi_rcv_wscale;
  }
  return agreed;
}

// The first ICMP error, if any; the queue is read before SO_ERROR, which it would empty.
std::optional<ErrorMessage> first_error(int socket) {
  std::optional<ErrorMessage> first;
  while (auto error = next_error(socket)) {
    if (!first && error->origin != Origin::sent) first = std::move(error);
  }
  return first;
}

// Reads what is there; the end it finds, or none.
Ending drain(int socket, Attempt& into, int& error) {
  std::array<char, kMostAnswer> buffer{};
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size == 0) return Ending::closed_by_peer;
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) {
      if (errno == EAGAIN || errno == EWOULDBLOCK) return Ending::none;
      error = errno;
      return Ending::reset_by_peer;
    }
    const size_t room = kMostAnswer - std::min(kMostAnswer, into.answer.size());
    into.answer.append(buffer.data(), std::min(room, static_cast<size_t>(size)));
  }
}

// The request, and its answer until it holds what is expected, ends, or takes too long.
void converse(int socket, const ConnectOptions& options, const std::function<bool()>& stop,
              Attempt& into, int& error) {
  if (!options.send.empty() &&
      ::send(socket, options.send.data(), options.send.size(), MSG_NOSIGNAL) < 0) {
    error = errno;
    into.ending = Ending::reset_by_peer;
    return;
  }
  const bool asks = !options.send.empty() || !options.expect.empty();
  const Duration longest = asks ? options.timeout : options.watch;
  const Stopwatch watch;
  const auto satisfied = [&] {
    return asks && !into.answer.empty() &&
           (options.expect.empty() || into.answer.find(options.expect) != std::string::npos);
  };
  while (into.ending == Ending::none && !satisfied() &&
         wait_for(socket, POLLIN, longest - watch.elapsed(), stop)) {
    into.ending = drain(socket, into, error);
    if (!into.answered_after && !into.answer.empty()) into.answered_after = watch.elapsed();
  }
  if (!options.expect.empty()) into.as_expected = satisfied();
}

void note_transfer(const tcp_info& info, bool asked, Attempt& into) {
  into.out_of_order = info.tcpi_rcv_ooopack;
  into.rcv_mss = into.answer.empty() ? 0 : info.tcpi_rcv_mss;
  if (asked && into.answer.empty() && into.ending == Ending::none) {
    into.request_acked = info.tcpi_unacked == 0 && info.tcpi_notsent_bytes == 0;
  }
}

void handshake(int socket, const ConnectOptions& options, const std::function<bool()>& stop,
               AttemptSigns& signs, Attempt& into) {
  const SystemAddress to = system_address(options.ask.target);
  const Stopwatch watch;
  if (::connect(socket, to.get(), to.size) != 0 && errno != EINPROGRESS) {
    signs.error = errno;
    signs.at_once = true;
  } else if (wait_for(socket, POLLOUT, options.timeout, stop)) {
    signs.message = first_error(socket);
    signs.error = pending_error(socket);
    // A SYN is refused by ECONNREFUSED; ECONNRESET needs a connection (net/ipv4/tcp_input.c,
    // tcp_reset), so one was there, however short.
    signs.connected = signs.error == ECONNRESET || (signs.error == 0 && !signs.message);
    if (signs.message && signs.error == 0) signs.error = signs.message->error;
  } else {
    signs.timed_out = true;
    signs.message = first_error(socket);
    if (signs.message && signs.message->error != 0) {
      signs.timed_out = false;
      signs.error = signs.message->error;
    }
  }
  into.took = watch.elapsed();
  if (signs.at_once) signs.message = first_error(socket);
}

}  // namespace

std::string_view to_string(Ending ending) {
  switch (ending) {
    case Ending::none: return "none";
    case Ending::closed_by_us: return "closed-by-us";
    case Ending::closed_by_peer: return "closed-by-peer";
    case Ending::reset_by_peer: return "reset-by-peer";
  }
  std::unreachable();
}

Attempt attempt(const ConnectOptions& options, const std::function<bool()>& stop) {
  Attempt made{.target = options.ask.target,
               .local = {},
               .verdict = {},
               .rtt = {},
               .message = {},
               .agreed = {},
               .answered_after = {},
               .answer = {},
               .as_expected = {}};
  AttemptSigns signs;
  signs.target = options.ask.target.addr;
  const auto socket = open_socket(SOCK_STREAM, IPPROTO_TCP, options.ask);
  if (!socket) {
    made.verdict = {Why::other, socket.error().sentence};
    return made;
  }
  if (options.largest_segment != 0) {
    const int largest = options.largest_segment;
    ::setsockopt(socket->get(), IPPROTO_TCP, TCP_MAXSEG, &largest, sizeof largest);
  }
  handshake(socket->get(), options, stop, signs, made);
  made.local = local_of(socket->get());
  if (made.local) signs.source = made.local->addr;
  const tcp_info info = info_of(socket->get());
  made.syn_repeats = info.tcpi_total_retrans;
  signs.syn_repeats = made.syn_repeats;
  made.message = signs.message;
  if (signs.connected) {
    // After a repeated SYN nobody knows which one was answered (RFC 9293 3.8.1, Karn).
    if (made.syn_repeats == 0 && info.tcpi_rtt != 0) made.rtt = Duration(info.tcpi_rtt);
    made.agreed = agreed_of(info);
    if (signs.error != 0) {
      made.ending = Ending::reset_by_peer;
    } else {
      converse(socket->get(), options, stop, made, signs.error);
    }
    note_transfer(info_of(socket->get()), !options.send.empty(), made);
    if (made.ending == Ending::none) made.ending = Ending::closed_by_us;
  }
  made.verdict = judge(signs);
  if (made.verdict.why == Why::ok && made.ending == Ending::closed_by_peer && made.answer.empty()) {
    made.verdict = {Why::closed_after_accept,
                    "connected, then closed without a word: the program or "
                    "a proxy before it has nothing to say"};
  }
  return made;
}

}  // namespace tcpdx::probe
