#include "kernel/linux_socket.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpdx::kernel_test {
namespace {

socklen_t to_system(const SocketAddress& end, sockaddr_storage& into) {
  into = {};
  if (end.addr.family == Family::v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(end.port);
    std::memcpy(&in.sin_addr, end.addr.bytes.data(), sizeof in.sin_addr);
    std::memcpy(&into, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(end.port);
  std::memcpy(&in.sin6_addr, end.addr.bytes.data(), sizeof in.sin6_addr);
  std::memcpy(&into, &in, sizeof in);
  return sizeof in;
}

SocketAddress from_system(const sockaddr_storage& from) {
  SocketAddress end;
  if (from.ss_family == AF_INET) {
    sockaddr_in in{};
    std::memcpy(&in, &from, sizeof in);
    end.port = ntohs(in.sin_port);
    std::memcpy(end.addr.bytes.data(), &in.sin_addr, sizeof in.sin_addr);
    return end;
  }
  sockaddr_in6 in{};
  std::memcpy(&in, &from, sizeof in);
  end.addr.family = Family::v6;
  end.port = ntohs(in.sin6_port);
  std::memcpy(end.addr.bytes.data(), &in.sin6_addr, sizeof in.sin6_addr);
  return end;
}

sockaddr* as_address(sockaddr_storage& storage) {
  return static_cast<sockaddr*>(static_cast<void*>(&storage));
}

}  // namespace

LinuxSocket LinuxSocket::open(Family family, const LinuxOptions& options) {
  LinuxSocket made(Fd(::socket(family == Family::v4 ? AF_INET : AF_INET6,
                               SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)));
  if (!made) return made;
  made.set(SOL_SOCKET, SO_REUSEADDR, 1);
  if (options.receive_buffer > 0) made.set(SOL_SOCKET, SO_RCVBUF, options.receive_buffer);
  if (options.send_buffer > 0) made.set(SOL_SOCKET, SO_SNDBUF, options.send_buffer);
  if (options.from) {
    sockaddr_storage address;
    const socklen_t size = to_system(*options.from, address);
    if (::bind(made.fd_.get(), as_address(address), size) != 0) made.close();
  }
  return made;
}

LinuxSocket LinuxSocket::listening(const SocketAddress& at, int backlog,
                                   const LinuxOptions& options) {
  LinuxOptions with = options;
  with.from = at;
  LinuxSocket made = open(at.addr.family, with);
  if (!made) return made;
  if (::listen(made.fd_.get(), backlog) != 0) made.close();
  return made;
}

LinuxSocket LinuxSocket::connecting(const SocketAddress& to, const LinuxOptions& options) {
  LinuxSocket made = open(to.addr.family, options);
  if (!made) return made;
  sockaddr_storage address;
  const socklen_t size = to_system(to, address);
  if (::connect(made.fd_.get(), as_address(address), size) != 0 && errno != EINPROGRESS) {
    made.close();
  }
  return made;
}

std::optional<LinuxSocket> LinuxSocket::accept() const {
  Fd fd(::accept4(fd_.get(), nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (!fd) return {};
  return LinuxSocket(std::move(fd));
}

size_t LinuxSocket::send(std::span<const std::byte> octets) const {
  const ssize_t size = ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
  return size > 0 ? static_cast<size_t>(size) : 0;
}

LinuxSocket::Read LinuxSocket::receive(std::span<std::byte> into) const {
  const ssize_t size = ::recv(fd_.get(), into.data(), into.size(), 0);
  if (size > 0) return {.size = static_cast<size_t>(size)};
  if (size == 0) return {.end = true};
  return {.error = errno == EAGAIN ? 0 : errno};
}

void LinuxSocket::shutdown_sending() const { ::shutdown(fd_.get(), SHUT_WR); }

void LinuxSocket::reset() {
  const linger now{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
  fd_.reset();
}

int LinuxSocket::error() const {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error;
}

void LinuxSocket::set(int level, int option, int value) const {
  ::setsockopt(fd_.get(), level, option, &value, sizeof value);
}

SocketAddress LinuxSocket::local() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(fd_.get(), as_address(address), &size);
  return from_system(address);
}

SocketAddress LinuxSocket::remote() const {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(fd_.get(), as_address(address), &size);
  return from_system(address);
}

tcp_info LinuxSocket::info() const {
  tcp_info info{};
  socklen_t size = sizeof info;
  ::getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size);
  return info;
}

}  // namespace tcpdx::kernel_test
