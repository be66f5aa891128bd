#include "probe/arp.hpp"

#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <span>

#include "base/file.hpp"
#include "base/stopwatch.hpp"
#include "base/time.hpp"
#include "wire/arp.hpp"

namespace tcpdx::probe {
namespace {

constexpr unsigned kRequests = 3;
constexpr Duration kBetween = 300ms;
constexpr int kSliceMs = 50;
constexpr size_t kLongest = 1500;

// This host on that link.
struct Self {
  int index = 0;
  MacAddress mac;
  IpAddress address;  // any: the interface has no IPv4 address, and asks as a newcomer does
};

sockaddr* generic(sockaddr_ll& address) {
  return static_cast<sockaddr*>(static_cast<void*>(&address));
}

Result<Self> self_on(const std::string& interface) {
  const Fd any(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  ifreq request{};
  if (!any || interface.size() >= sizeof request.ifr_name)
    return fail("no interface {}", interface);
  std::ranges::copy(interface, std::begin(request.ifr_name));
  Self self;
  if (::ioctl(any.get(), SIOCGIFINDEX, &request) != 0) {
    return fail("interface {}: {}", interface, errno_text(errno));
  }
  self.index = request.ifr_ifindex;
  if (::ioctl(any.get(), SIOCGIFHWADDR, &request) != 0 ||
      request.ifr_hwaddr.sa_family != ARPHRD_ETHER) {
    return fail("interface {} has no Ethernet address", interface);
  }
  std::memcpy(self.mac.bytes.data(), request.ifr_hwaddr.sa_data, self.mac.bytes.size());
  if (::ioctl(any.get(), SIOCGIFADDR, &request) == 0) {
    sockaddr_in own{};
    std::memcpy(&own, &request.ifr_addr, sizeof own);
    std::memcpy(self.address.bytes.data(), &own.sin_addr, sizeof own.sin_addr);
  }
  return self;
}

sockaddr_ll everybody_on(int index) {
  sockaddr_ll link{};
  link.sll_family = AF_PACKET;
  link.sll_protocol = htons(ETH_P_ARP);
  link.sll_ifindex = index;
  link.sll_halen = ETH_ALEN;
  std::ranges::fill(std::span(link.sll_addr).first(ETH_ALEN), 0xFF);
  return link;
}

Result<Fd> open_link(int index) {
  Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, htons(ETH_P_ARP)));
  if (!socket) return fail("{}", errno_text(errno));
  sockaddr_ll link = everybody_on(index);
  if (::bind(socket.get(), generic(link), sizeof link) != 0) return fail("{}", errno_text(errno));
  return socket;
}

void send_request(int socket, const Self& self, const IpAddress& address) {
  const auto request = wire::write_arp({.operation = wire::ArpOperation::request,
                                        .sender_mac = self.mac,
                                        .sender = self.address,
                                        .target_mac = {},
                                        .target = address});
  sockaddr_ll link = everybody_on(self.index);
  // A request that is lost is one of several.
  (void)::sendto(socket, request.data(), request.size(), 0, generic(link), sizeof link);
}

void hear(int socket, const IpAddress& address, std::vector<MacAddress>& into) {
  std::array<std::byte, kLongest> buffer;
  for (;;) {
    const ssize_t size = ::recv(socket, buffer.data(), buffer.size(), 0);
    if (size <= 0) return;
    const auto message = wire::parse_arp(std::span(buffer).first(static_cast<size_t>(size)));
    const bool answers =
        message && message->operation == wire::ArpOperation::reply && message->sender == address;
    if (answers && std::ranges::find(into, message->sender_mac) == into.end()) {
      into.push_back(message->sender_mac);
    }
  }
}

}  // namespace

Result<std::vector<MacAddress>> who_has(const IpAddress& address, const std::string& interface,
                                        const std::function<bool()>& stop) {
  const auto self = self_on(interface);
  if (!self) return std::unexpected(self.error());
  const auto socket = open_link(self->index);
  if (!socket) return std::unexpected(socket.error());
  std::vector<MacAddress> macs;
  const Stopwatch watch;
  unsigned sent = 0;
  while (watch.elapsed() < kRequests * kBetween && !(stop && stop())) {
    if (sent < kRequests && watch.elapsed() >= sent * kBetween) {
      send_request(socket->get(), *self, address);
      ++sent;
    }
    pollfd ready{.fd = socket->get(), .events = POLLIN, .revents = 0};
    ::poll(&ready, 1, kSliceMs);
    hear(socket->get(), address, macs);
  }
  return macs;
}

}  // namespace tcpdx::probe
