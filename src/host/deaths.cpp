#include "host/deaths.hpp"

#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "host/namespaces.hpp"
#include "host/netlink.hpp"

namespace tcpdx::host {

namespace {

constexpr int kReceiveBuffer = 8 << 20;
constexpr uint32_t group(unsigned number) { return 1U << (number - 1); }

}  // namespace

Result<Deaths::Ear> Deaths::listen(uint64_t netns) {
  Ear ear{netns, Fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG))};
  if (!ear.socket) return fail("cannot open a sock_diag socket: {}", errno_text(errno));
  // More than an ordinary user may have is cut to what he may.
  ::setsockopt(ear.socket.get(), SOL_SOCKET, SO_RCVBUF, &kReceiveBuffer, sizeof kReceiveBuffer);
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = group(SKNLGRP_INET_TCP_DESTROY) | group(SKNLGRP_INET6_TCP_DESTROY);
  // The socket calls take every family's address by its common beginning.
  const auto* common = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  if (::bind(ear.socket.get(), common, sizeof address) != 0) {
    return fail("cannot hear of sockets that end (SKNLGRP_INET_TCP_DESTROY): {}",
                errno_text(errno));
  }
  return ear;
}

Result<Deaths> Deaths::open(const std::string& proc, const std::string& run_netns) {
  auto home = home_namespace();
  if (!home) return std::unexpected(home.error());
  Deaths deaths;
  auto ear = listen(home->inode);
  if (!ear) return std::unexpected(ear.error());
  deaths.ears_.push_back(std::move(*ear));
  for (const NamespaceHandle& space : find_namespaces(proc, run_netns, *home).others) {
    NamespaceVisit visit;
    if (visit.enter(space, *home) != 0) continue;
    if (auto other = listen(space.inode)) deaths.ears_.push_back(std::move(*other));
  }
  return deaths;
}

void read_deaths(std::span<const std::byte> bytes,
                 const std::function<void(const DiagMessage&)>& on_death) {
  nlmsghdr header{};
  while (bytes.size() >= sizeof header) {
    header = number_of<nlmsghdr>(bytes);
    if (header.nlmsg_len < sizeof header || header.nlmsg_len > bytes.size()) return;
    DiagMessage message;
    if (header.nlmsg_type == SOCK_DIAG_BY_FAMILY &&
        read_diag_message(bytes.first(header.nlmsg_len).subspan(sizeof header), message)) {
      on_death(message);
    }
    bytes = bytes.subspan(std::min(netlink_aligned(header.nlmsg_len), bytes.size()));
  }
}

void Deaths::poll(const OnDeath& on_death) {
  for (const Ear& ear : ears_) {
    while (true) {
      const ssize_t got = ::recv(ear.socket.get(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (got < 0 && errno == ENOBUFS) {
        ++overruns_;
        continue;
      }
      if (got <= 0) break;
      read_deaths(std::span(buffer_).first(static_cast<size_t>(got)),
                  [&](const DiagMessage& message) { on_death(ear.netns, message); });
    }
  }
}

}  // namespace tcpdx::host
