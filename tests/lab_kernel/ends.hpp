// What the tests of a testbed share: connections of the kernel's TCP across it, and datagrams with
// a number in them. Nothing blocks: the testbed works while a test waits.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "base/file.hpp"
#include "kernel/linux_socket.hpp"
#include "lab/testbed.hpp"

namespace tcpdx::lab_kernel_test {

using kernel_test::LinuxSocket;

// Brings it up, or fails the test and ends it.
lab::Testbed bring_up(const lab::Topology& topology);

// Across the networks of lab::chain(): the right end of a link, as IPv4 or IPv6.
IpAddress right_end(size_t link, Family family = Family::v4);

LinuxSocket connect(lab::Testbed& testbed, const std::string& host, const SocketAddress& to);
bool is_connected(const LinuxSocket& socket);
// Reads until the other end closes; returns the octets.
size_t drain(lab::Testbed& testbed, const LinuxSocket& socket);

class UdpSocket {
 public:
  static UdpSocket bound(lab::Testbed& testbed, const std::string& host, Family family,
                         uint16_t port);
  // A datagram of that size that begins with the number.
  void send(uint32_t number, size_t size, const SocketAddress& to) const;
  // The numbers of all datagrams that have come.
  std::vector<uint32_t> receive() const;
  int fd() const { return fd_.get(); }

 private:
  explicit UdpSocket(Fd fd) : fd_(std::move(fd)) {}
  Fd fd_;
};

}  // namespace tcpdx::lab_kernel_test
