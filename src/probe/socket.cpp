#include "probe/socket.hpp"

#include <linux/errqueue.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>

#include "base/stopwatch.hpp"
#include "base/text.hpp"
#include "probe/error_queue.hpp"
#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

constexpr size_t kControl = 256;
constexpr Duration kSlice = 100ms;  // how long a stop may go unnoticed
constexpr int kPendingErrors = 16;  // that one send may meet before it is given up

bool set(int socket, int level, int name, int value) {
  return ::setsockopt(socket, level, name, &value, sizeof value) == 0;
}

// The first option that the kernel refuses, as a sentence.
Result<void> apply(int socket, int kind, const AskOptions& options) {
  const bool v4 = options.target.addr.family == Family::v4;
  const int level = v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6};
  if (options.ttl && !set_ttl(socket, options.target.addr.family, *options.ttl)) {
    return fail("cannot set the TTL {}: {}", *options.ttl, errno_text(errno));
  }
  if (options.dscp != 0 && !set(socket, level, v4 ? IP_TOS : IPV6_TCLASS, options.dscp << 2U)) {
    return fail("cannot set DSCP {}: {}", options.dscp, errno_text(errno));
  }
  // PROBE: with DF, and whatever path MTU the kernel remembers (ip(7)). TCP's way is not ours to
  // change: it is what is asked about.
  if (kind != SOCK_STREAM && !set(socket, level, v4 ? IP_MTU_DISCOVER : IPV6_MTU_DISCOVER,
                                  options.dont_fragment ? IP_PMTUDISC_PROBE : IP_PMTUDISC_DONT)) {
    return fail("cannot set how fragments are made: {}", errno_text(errno));
  }
  if (!options.interface.empty() &&
      ::setsockopt(socket, SOL_SOCKET, SO_BINDTODEVICE, options.interface.data(),
                   static_cast<socklen_t>(options.interface.size())) != 0) {
    return fail("cannot send from the interface {}: {}", printable(options.interface),
                errno_text(errno));
  }
  if (options.source || options.source_port != 0) {
    const IpAddress any{.bytes = {}, .family = options.target.addr.family};
    const SocketAddress source{options.source.value_or(any), options.source_port};
    const SystemAddress bound = system_address(source);
    if (::bind(socket, bound.get(), bound.size) != 0) {
      return fail("cannot send from {}: {}", to_string(source), errno_text(errno));
    }
  }
  return {};
}

void read_control(msghdr& message, Received& into) {
  for (cmsghdr* header = CMSG_FIRSTHDR(&message); header != nullptr;
       header = CMSG_NXTHDR(&message, header)) {
    const size_t size = header->cmsg_len - CMSG_LEN(0);
    const bool ttl = (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_TTL) ||
                     (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_HOPLIMIT);
    if (ttl && size >= sizeof(int)) {
      int value = 0;
      std::memcpy(&value, CMSG_DATA(header), sizeof value);
      into.ttl = static_cast<uint8_t>(value);
    } else if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_TIMESTAMPING &&
               size >= sizeof(timespec)) {
      timespec stamp{};
      std::memcpy(&stamp, CMSG_DATA(header), sizeof stamp);
      if (stamp.tv_sec != 0) into.at = wall_of(stamp);
    }
  }
}

}  // namespace

bool set_ttl(int socket, Family family, uint8_t ttl) {
  const bool v4 = family == Family::v4;
  return set(socket, v4 ? int{IPPROTO_IP} : int{IPPROTO_IPV6}, v4 ? IP_TTL : IPV6_UNICAST_HOPS,
             ttl);
}

Result<Fd> open_socket(int kind, int protocol, const AskOptions& options) {
  const Family family = options.target.addr.family;
  Fd socket(::socket(system_family(family), kind | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (!socket) return fail("cannot open a socket: {}", errno_text(errno));
  if (const auto done = apply(socket.get(), kind, options); !done)
    return std::unexpected(done.error());
  if (!ask_for_errors(socket.get(), family)) {
    return fail("cannot ask for ICMP errors: {}", errno_text(errno));
  }
  return socket;
}

std::optional<Received> next_datagram(int socket, std::span<std::byte> buffer) {
  alignas(cmsghdr) std::array<std::byte, kControl> control{};
  sockaddr_storage name{};
  iovec piece{.iov_base = buffer.data(), .iov_len = buffer.size()};
  for (int tries = 0; tries < kPendingErrors; ++tries) {
    msghdr message{};
    message.msg_name = &name;
    message.msg_namelen = sizeof name;
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    message.msg_control = control.data();
    message.msg_controllen = control.size();
    const ssize_t size = ::recvmsg(socket, &message, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (size < 0) continue;  // an ICMP error's errno, or a signal
    Received received{.octets = buffer.first(static_cast<size_t>(size)),
                      .from = address_of(name).value_or(SocketAddress{}),
                      .ttl = {},
                      .at = {}};
    read_control(message, received);
    return received;
  }
  return std::nullopt;
}

int send_datagram(int socket, std::span<const std::byte> octets, const SocketAddress& target) {
  const SystemAddress to = system_address(target);
  for (int tries = 0; tries < kPendingErrors; ++tries) {
    if (::sendto(socket, octets.data(), octets.size(), 0, to.get(), to.size) >= 0) return 0;
    int pending = 0;
    socklen_t size = sizeof pending;
    // A pending error is taken by whichever call comes next; this host's own errors stay.
    const int error = errno;
    const bool was_pending =
        ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &pending, &size) == 0 && pending != 0;
    if (error != EINTR && !was_pending && tries > 0) return error;
  }
  return EAGAIN;
}

bool wait_for(int socket, int16_t events, Duration longest, const std::function<bool()>& stop) {
  const Stopwatch watch;
  while (!(stop && stop())) {
    const Duration left = longest - watch.elapsed();
    if (left <= Duration{}) return false;
    pollfd ready{.fd = socket, .events = events, .revents = 0};
    const auto slice = std::max<int64_t>(1, milliseconds(std::min(left, kSlice)));
    if (::poll(&ready, 1, static_cast<int>(slice)) > 0) return true;
  }
  return false;
}

}  // namespace tcpdx::probe
