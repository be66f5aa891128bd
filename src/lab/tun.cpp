#include "lab/tun.hpp"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

// These two repeat parts of the headers above, and know it only when they come after them.
#include <linux/if_tun.h>
#include <linux/ipv6.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

namespace tcpdx::lab {
namespace {

ifreq request_for(const std::string& name) {
  ifreq request{};
  std::copy_n(name.data(), std::min(name.size(), size_t{IFNAMSIZ - 1}), request.ifr_name);
  return request;
}

void put_address(const IpAddress& address, sockaddr& into) {
  sockaddr_in in{};
  in.sin_family = AF_INET;
  std::memcpy(&in.sin_addr, address.bytes.data(), sizeof in.sin_addr);
  std::memcpy(&into, &in, sizeof in);
}

IpAddress netmask(uint8_t prefix) {
  IpAddress all = ipv4(255, 255, 255, 255);
  return all.prefix(prefix);
}

// netdevice(7): address first, because it resets the mask to that of its old class.
bool add_v4(int socket, const std::string& name, const TunAddress& added) {
  ifreq request = request_for(name);
  put_address(added.address, request.ifr_addr);
  if (::ioctl(socket, SIOCSIFADDR, &request) != 0) return false;
  put_address(netmask(added.prefix), request.ifr_netmask);
  return ::ioctl(socket, SIOCSIFNETMASK, &request) == 0;
}

// The kernel looks for duplicates of the address in a task of its own, even where the device has no
// neighbours (net/ipv6/addrconf.c, addrconf_dad_begin); until then nobody can use it.
bool usable_soon(int socket, const IpAddress& address) {
  sockaddr_in6 in{};
  in.sin6_family = AF_INET6;
  std::memcpy(&in.sin6_addr, address.bytes.data(), sizeof in.sin6_addr);
  sockaddr_storage storage{};
  std::memcpy(&storage, &in, sizeof in);
  const auto* end = static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  for (int tries = 0; tries < 1000; ++tries) {
    if (::bind(socket, end, sizeof in) == 0) return true;
    if (errno != EADDRNOTAVAIL) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return false;
}

bool add_v6(const std::string& name, const TunAddress& added) {
  const Fd socket(::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  in6_ifreq request{};
  std::memcpy(&request.ifr6_addr, added.address.bytes.data(), sizeof request.ifr6_addr);
  request.ifr6_prefixlen = added.prefix;
  request.ifr6_ifindex = static_cast<int>(::if_nametoindex(name.c_str()));
  return socket && ::ioctl(socket.get(), SIOCSIFADDR, &request) == 0 &&
         usable_soon(socket.get(), added.address);
}

bool set_up(int socket, const TunSettings& settings) {
  ifreq request = request_for(settings.name);
  request.ifr_mtu = settings.mtu;
  if (::ioctl(socket, SIOCSIFMTU, &request) != 0) return false;
  request = request_for(settings.name);
  request.ifr_qlen = settings.queue;
  if (::ioctl(socket, SIOCSIFTXQLEN, &request) != 0) return false;
  request = request_for(settings.name);
  request.ifr_flags = IFF_UP | IFF_RUNNING;
  return ::ioctl(socket, SIOCSIFFLAGS, &request) == 0;
}

}  // namespace

Result<Tun> Tun::open(const TunSettings& settings) {
  Fd device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
  if (!device) return fail("cannot open /dev/net/tun: {}", errno_text(errno));
  ifreq request = request_for(settings.name);
  request.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(device.get(), TUNSETIFF, &request) != 0) {
    return fail("cannot make the TUN device {}: {}", settings.name, errno_text(errno));
  }
  const Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!socket || !set_up(socket.get(), settings)) {
    return fail("cannot set up the TUN device {}: {}", settings.name, errno_text(errno));
  }
  for (const TunAddress& added : settings.addresses) {
    const bool done = added.address.family == Family::v4
                          ? add_v4(socket.get(), settings.name, added)
                          : add_v6(settings.name, added);
    if (!done) {
      return fail("cannot give {} the address {}: {}", settings.name, to_string(added.address),
                  errno_text(errno));
    }
  }
  return Tun(std::move(device));
}

std::span<const std::byte> Tun::read(std::span<std::byte> buffer) const {
  const ssize_t size = ::read(fd_.get(), buffer.data(), buffer.size());
  return buffer.first(size > 0 ? static_cast<size_t>(size) : 0);
}

bool Tun::write(std::span<const std::byte> datagram) const {
  return ::write(fd_.get(), datagram.data(), datagram.size()) ==
         static_cast<ssize_t>(datagram.size());
}

}  // namespace tcpdx::lab
