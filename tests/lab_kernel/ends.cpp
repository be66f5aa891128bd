#include "lab_kernel/ends.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <stdexcept>

namespace tcpdx::lab_kernel_test {
namespace {

socklen_t fill(const SocketAddress& from, sockaddr_storage& into) {
  if (from.addr.family == Family::v4) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(from.port);
    std::memcpy(&in.sin_addr, from.addr.bytes.data(), sizeof in.sin_addr);
    std::memcpy(&into, &in, sizeof in);
    return sizeof in;
  }
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  in.sin6_port = htons(from.port);
  std::memcpy(&in.sin6_addr, from.addr.bytes.data(), sizeof in.sin6_addr);
  std::memcpy(&into, &in, sizeof in);
  return sizeof in;
}

const sockaddr* name_of(const sockaddr_storage& storage) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
}

}  // namespace

lab::Testbed bring_up(const lab::Topology& topology) {
  auto made = lab::Testbed::bring_up(topology);
  if (!made) throw std::runtime_error(made.error().sentence);
  return std::move(*made);
}

IpAddress right_end(size_t link, Family family) {
  const auto text =
      family == Family::v4 ? fmt::format("10.99.{}.2", link) : fmt::format("fd99:{}::2", link);
  return parse_address(text).value_or(IpAddress{});
}

LinuxSocket connect(lab::Testbed& testbed, const std::string& host, const SocketAddress& to) {
  const lab::Visit there(testbed.space(host));
  return LinuxSocket::connecting(to);
}

bool is_connected(const LinuxSocket& socket) {
  constexpr uint8_t kEstablished = 1;  // include/net/tcp_states.h
  constexpr uint8_t kCloseWait = 8;
  const uint8_t state = socket.info().tcpi_state;
  return state == kEstablished || state == kCloseWait;
}

size_t drain(lab::Testbed& testbed, const LinuxSocket& socket) {
  std::vector<std::byte> buffer(1 << 16);
  size_t octets = 0;
  const bool ended = testbed.until(
      [&] {
        for (;;) {
          const auto read = socket.receive(buffer);
          octets += read.size;
          EXPECT_EQ(read.error, 0);
          if (read.end || read.error != 0) return true;
          if (read.size == 0) return false;
        }
      },
      60s);
  EXPECT_TRUE(ended) << "the other end does not close";
  return octets;
}

UdpSocket UdpSocket::bound(lab::Testbed& testbed, const std::string& host, Family family,
                           uint16_t port) {
  const lab::Visit there(testbed.space(host));
  Fd fd(::socket(family == Family::v4 ? AF_INET : AF_INET6,
                 SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) {
    ADD_FAILURE() << "cannot open a UDP socket: " << errno_text(errno);
    return UdpSocket(std::move(fd));
  }
  sockaddr_storage any{};
  SocketAddress at;
  at.addr.family = family;
  at.port = port;
  const socklen_t size = fill(at, any);
  EXPECT_EQ(::bind(fd.get(), name_of(any), size), 0) << errno_text(errno);
  const int room = 1 << 22;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  return UdpSocket(std::move(fd));
}

void UdpSocket::send(uint32_t number, size_t size, const SocketAddress& to) const {
  std::vector<std::byte> text(std::max(size, sizeof number));
  std::memcpy(text.data(), &number, sizeof number);
  sockaddr_storage name{};
  const socklen_t length = fill(to, name);
  const ssize_t sent = ::sendto(fd_.get(), text.data(), text.size(), 0, name_of(name), length);
  EXPECT_EQ(sent, static_cast<ssize_t>(text.size())) << errno_text(errno);
}

std::vector<uint32_t> UdpSocket::receive() const {
  std::vector<uint32_t> numbers;
  std::array<std::byte, 65536> buffer{};
  for (;;) {
    const ssize_t size = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
    if (size < static_cast<ssize_t>(sizeof(uint32_t))) return numbers;
    std::memcpy(&numbers.emplace_back(), buffer.data(), sizeof(uint32_t));
  }
}

}  // namespace tcpdx::lab_kernel_test
