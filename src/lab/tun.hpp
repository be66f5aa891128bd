// A TUN device: the kernel's IP on one side, a descriptor that speaks whole IP datagrams on the
// other (Documentation/networking/tuntap.rst). It goes with its descriptor.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/file.hpp"
#include "base/result.hpp"

namespace tcpdx::lab {

// An address of the kernel's side; the rest of its prefix lies behind the device.
struct TunAddress {
  IpAddress address;
  uint8_t prefix = 24;
};

struct TunSettings {
  std::string name;  // at most 15 octets
  std::vector<TunAddress> addresses;
  uint16_t mtu = 1500;
  // Datagrams that wait to be read; beyond them the kernel loses its own.
  uint16_t queue = 10000;
};

class Tun {
 public:
  // Makes the device in the network namespace of the calling thread and sets it up. Needs
  // CAP_NET_ADMIN there and /dev/net/tun.
  static Result<Tun> open(const TunSettings& settings);

  int fd() const { return fd_.get(); }
  // The next datagram that the kernel sent, in the buffer. Empty: none waits.
  std::span<const std::byte> read(std::span<std::byte> buffer) const;
  // Hands a datagram to the kernel; false where it did not take it.
  bool write(std::span<const std::byte> datagram) const;

 private:
  explicit Tun(Fd fd) : fd_(std::move(fd)) {}

  Fd fd_;
};

}  // namespace tcpdx::lab
