// The kernel's end of a connection: a plain socket that never blocks.
#pragma once

#include <linux/tcp.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/address.hpp"
#include "base/file.hpp"

namespace tcpdx::kernel_test {

struct LinuxOptions {
  std::optional<SocketAddress> from{};  // else the kernel chooses
  int receive_buffer = 0;               // SO_RCVBUF; 0: the kernel's own
  int send_buffer = 0;
};

class LinuxSocket {
 public:
  struct Read {
    size_t size = 0;
    bool end = false;
    int error = 0;  // EAGAIN left out
  };

  LinuxSocket() = default;
  static LinuxSocket listening(const SocketAddress& at, int backlog, const LinuxOptions& = {});
  // The handshake is under way when it returns.
  static LinuxSocket connecting(const SocketAddress& to, const LinuxOptions& = {});
  std::optional<LinuxSocket> accept() const;

  // Returns how many octets the kernel took.
  size_t send(std::span<const std::byte> octets) const;
  Read receive(std::span<std::byte> into) const;
  void shutdown_sending() const;
  void close() { fd_.reset(); }
  // close(2) with SO_LINGER of zero: the kernel sends RST.
  void reset();
  // SO_ERROR, which reading clears.
  int error() const;
  void set(int level, int option, int value) const;

  SocketAddress local() const;
  SocketAddress remote() const;
  tcp_info info() const;
  explicit operator bool() const { return static_cast<bool>(fd_); }

 private:
  explicit LinuxSocket(Fd fd) : fd_(std::move(fd)) {}
  static LinuxSocket open(Family family, const LinuxOptions& options);

  Fd fd_;
};

}  // namespace tcpdx::kernel_test
