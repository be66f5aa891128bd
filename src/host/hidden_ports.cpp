#include "host/hidden_ports.hpp"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <thread>

#include "base/file.hpp"
#include "host/netlink.hpp"
#include "host/proc_net_tcp.hpp"

namespace tcpdx::host {
namespace {

constexpr int kRounds = 3;
constexpr auto kBetweenRounds = std::chrono::milliseconds(30);
constexpr int kAnswerWithinMs = 200;
constexpr size_t kMostAddresses = 16;

// A socket address of either family.
struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;

  const sockaddr* get() const {
    return static_cast<const sockaddr*>(static_cast<const void*>(&storage));
  }
  int family() const { return storage.ss_family; }
  void set_port(uint16_t port) {
    // sin_port and sin6_port are in the same place.
    auto* in = static_cast<sockaddr_in*>(static_cast<void*>(&storage));
    in->sin_port = htons(port);
  }
};

Address any_address(int family) {
  Address any;
  any.storage.ss_family = static_cast<sa_family_t>(family);
  any.length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
  return any;
}

std::vector<Address> own_addresses() {
  std::vector<Address> found;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return found;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(list, ::freeifaddrs);
  for (const ifaddrs* one = list; one != nullptr && found.size() < kMostAddresses;
       one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    Address address = any_address(family);
    std::memcpy(&address.storage, one->ifa_addr, address.length);
    found.push_back(address);
  }
  return found;
}

Fd tcp_socket(int family) {
  return Fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// A connection whose own port is the one it calls has met itself.
bool met_itself(const Fd& fd, uint16_t port) {
  Address own;
  own.length = sizeof own.storage;
  auto* name = static_cast<sockaddr*>(static_cast<void*>(&own.storage));
  if (::getsockname(fd.get(), name, &own.length) != 0) return true;
  const auto* in = static_cast<const sockaddr_in*>(static_cast<const void*>(&own.storage));
  return ntohs(in->sin_port) == port;
}

bool connects(const Address& to, uint16_t port) {
  const Fd fd = tcp_socket(to.family());
  if (!fd) return false;
  if (::connect(fd.get(), to.get(), to.length) != 0) {
    if (errno != EINPROGRESS) return false;
    pollfd wait{.fd = fd.get(), .events = POLLOUT, .revents = 0};
    if (::poll(&wait, 1, kAnswerWithinMs) != 1) return false;
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) {
      return false;
    }
  }
  return !met_itself(fd, port);
}

// The ports of one family in the table of sock_diag, bound sockets included.
Result<void> add_diag_ports(Netlink& netlink, uint8_t family, PortSet& into) {
  inet_diag_req_v2 request{};
  request.sdiag_family = family;
  request.sdiag_protocol = IPPROTO_TCP;
  request.idiag_states = ~0U;  // also those that have no state of RFC 9293
  const auto answer =
      netlink.ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP, std::as_bytes(std::span(&request, 1)),
                  [&](std::span<const std::byte> payload) {
                    inet_diag_msg message{};
                    if (payload.size() < sizeof message) return;
                    std::memcpy(&message, payload.data(), sizeof message);
                    into.set(ntohs(message.id.idiag_sport));
                  });
  if (!answer) return std::unexpected(answer.error());
  if (answer->refusal.error != 0) return fail("{}", answer->refusal.sentence());
  return {};
}

class KernelPorts : public Ports {
 public:
  explicit KernelPorts(std::string proc)
      : proc_(std::move(proc)), addresses_(own_addresses()), family_(AF_INET6) {
    if (!tcp_socket(AF_INET6)) family_ = AF_INET;  // a kernel without IPv6
  }

  Result<PortSet> listed() override {
    PortSet ports;
    auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
    if (!netlink) return std::unexpected(netlink.error());
    for (const uint8_t family : {uint8_t{AF_INET}, uint8_t{AF_INET6}}) {
      const auto added = add_diag_ports(*netlink, family, ports);
      if (!added && family == AF_INET) return std::unexpected(added.error());
    }
    // What hides from one table may stand in the other.
    std::vector<Socket> sockets;
    for (const auto& [family, file] : {std::pair(Family::v4, "tcp"), {Family::v6, "tcp6"}}) {
      const auto path = fmt::format("{}/thread-self/net/{}", proc_, file);
      const auto read = read_proc_net_tcp(path, family, false, 0, sockets);
      if (!read && family == Family::v4) return std::unexpected(read.error());
    }
    for (const Socket& socket : sockets) ports.set(socket.local.port);
    return ports;
  }

  bool lists_bound() override {
    const Fd fd = tcp_socket(AF_INET);
    Address own = any_address(AF_INET);
    auto* name = static_cast<sockaddr*>(static_cast<void*>(&own.storage));
    if (!fd || ::bind(fd.get(), own.get(), own.length) != 0 ||
        ::getsockname(fd.get(), name, &own.length) != 0) {
      return false;
    }
    const auto* in = static_cast<const sockaddr_in*>(static_cast<const void*>(&own.storage));
    const auto ports = listed();
    return ports && ports->test(ntohs(in->sin_port));
  }

  // A dual-stack socket on :: conflicts with listeners of both families and on any address or
  // device. With SO_REUSEADDR it passes sockets that set it too and do not listen, and programs
  // that set it pass ours.
  int take(uint16_t port) override {
    const Fd fd = tcp_socket(family_);
    if (!fd) return errno;
    const int on = 1;
    const int off = 0;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (family_ == AF_INET6) {
      ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    Address any = any_address(family_);
    any.set_port(port);
    return ::bind(fd.get(), any.get(), any.length) == 0 ? 0 : errno;
  }

  bool answers(uint16_t port) override {
    return std::ranges::any_of(addresses_, [&](Address to) {
      to.set_port(port);
      return connects(to, port);
    });
  }

  void pause() override { std::this_thread::sleep_for(kBetweenRounds); }

 private:
  std::string proc_;
  std::vector<Address> addresses_;
  int family_;
};

}  // namespace

Result<Sweep> find_hidden(Ports& ports) {
  Sweep sweep;
  auto shown = ports.listed();
  if (!shown) return std::unexpected(shown.error());
  std::vector<uint16_t> held;
  for (uint32_t number = 1; number < shown->size(); ++number) {
    const auto port = static_cast<uint16_t>(number);
    if (shown->test(port)) continue;
    const int error = ports.take(port);
    if (error == EADDRINUSE) held.push_back(port);
    if (error == EACCES || error == EPERM) ++sweep.refused;
  }
  for (int round = 1; round < kRounds && !held.empty(); ++round) {
    ports.pause();
    shown = ports.listed();
    if (!shown) return std::unexpected(shown.error());
    std::erase_if(
        held, [&](uint16_t port) { return shown->test(port) || ports.take(port) != EADDRINUSE; });
  }
  const bool bound_are_listed = held.empty() || ports.lists_bound();
  for (const uint16_t port : held) {
    const bool answers = ports.answers(port);
    if (answers || bound_are_listed) {
      sweep.found.push_back({.netns = 0, .port = port, .answers = answers});
    } else {
      ++sweep.undecided;
    }
  }
  return sweep;
}

Result<Sweep> sweep_hidden(const std::string& proc) {
  KernelPorts ports(proc);
  return find_hidden(ports);
}

}  // namespace tcpdx::host
