#include "host/lookups.hpp"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

namespace tcpdx::host {

namespace {

inet_diag_req_v2 request_of(Family family) {
  inet_diag_req_v2 body{};
  body.sdiag_family = family == Family::v4 ? AF_INET : AF_INET6;
  body.sdiag_protocol = IPPROTO_TCP;
  return body;
}

constexpr uint8_t kInfo = 1U << (INET_DIAG_INFO - 1);

}  // namespace

Result<Lookups> Lookups::open(const std::string& proc, const std::string& run_netns) {
  auto home = home_namespace();
  if (!home) return std::unexpected(home.error());
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (!netlink) return std::unexpected(netlink.error());
  Lookups lookups(proc, run_netns, std::move(*home));
  lookups.sockets_.emplace(lookups.home_.inode, std::move(*netlink));
  lookups.refresh();
  return lookups;
}

void Lookups::add(const NamespaceHandle& space) {
  if (sockets_.contains(space.inode)) return;
  NamespaceVisit visit;
  if (visit.enter(space, home_) != 0) return;
  auto netlink = Netlink::open(NETLINK_SOCK_DIAG);
  if (netlink) sockets_.emplace(space.inode, std::move(*netlink));
}

// A netlink socket keeps its namespace alive, so one that nobody else has is let go.
void Lookups::refresh() {
  const FoundNamespaces found = find_namespaces(proc_, run_netns_, home_);
  names_ = {{home_.inode, found.home_name}};
  for (const NamespaceHandle& space : found.others) {
    add(space);
    names_[space.inode] = space.name;
  }
  std::erase_if(sockets_, [&](const auto& entry) { return !names_.contains(entry.first); });
}

std::optional<DiagMessage> Lookups::find(const SocketName& name) {
  const auto socket = sockets_.find(name.netns);
  if (socket == sockets_.end()) return std::nullopt;
  inet_diag_req_v2 body = request_of(name.local.addr.family);
  body.idiag_ext = kInfo;
  std::memcpy(body.id.idiag_src, name.local.addr.bytes.data(), sizeof body.id.idiag_src);
  std::memcpy(body.id.idiag_dst, name.remote.addr.bytes.data(), sizeof body.id.idiag_dst);
  body.id.idiag_sport = htons(name.local.port);
  body.id.idiag_dport = htons(name.remote.port);
  body.id.idiag_cookie[0] = static_cast<uint32_t>(name.cookie);
  body.id.idiag_cookie[1] = static_cast<uint32_t>(name.cookie >> 32);
  std::optional<DiagMessage> found;
  const auto answer = socket->second.ask(SOCK_DIAG_BY_FAMILY, 0, std::as_bytes(std::span(&body, 1)),
                                         [&](std::span<const std::byte> payload) {
                                           DiagMessage message;
                                           if (read_diag_message(payload, message)) found = message;
                                         });
  if (!answer || answer->refusal.error != 0) return std::nullopt;
  if (found) found->congestion = {};  // it pointed into the message
  return found;
}

Lookups::Answer Lookups::is_there(const SocketName& name) {
  if (!sockets_.contains(name.netns)) return Answer::unknown;
  return find(name) ? Answer::there : Answer::gone;
}

void Lookups::each(std::initializer_list<tcp::State> states, bool infos,
                   const std::function<void(uint64_t netns, const DiagMessage&)>& on_socket) {
  uint32_t mask = 0;
  for (const tcp::State state : states) mask |= 1U << tcp::to_kernel(state);
  DiagMessage message;
  for (auto& [inode, socket] : sockets_) {
    const uint64_t netns = inode;
    const auto hand_over = [&](std::span<const std::byte> payload) {
      if (read_diag_message(payload, message)) on_socket(netns, message);
    };
    for (const Family family : {Family::v4, Family::v6}) {
      inet_diag_req_v2 body = request_of(family);
      body.idiag_states = mask;
      body.idiag_ext = infos ? kInfo : uint8_t{0};
      const auto answer = socket.ask(SOCK_DIAG_BY_FAMILY, NLM_F_DUMP,
                                     std::as_bytes(std::span(&body, 1)), hand_over);
      if (!answer) break;  // the socket itself fails: this namespace is told no more
    }
  }
}

}  // namespace tcpdx::host
