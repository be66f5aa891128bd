// Single questions to the socket tables of the namespaces, cheap enough to be asked again and
// again: is this one socket still there, and which sockets are in these few states.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

#include "base/address.hpp"
#include "base/result.hpp"
#include "host/namespaces.hpp"
#include "host/netlink.hpp"
#include "host/sock_diag.hpp"
#include "tcp/state.hpp"

namespace tcpdx::host {

struct SocketName {
  uint64_t netns = 0;  // inode number
  SocketAddress local;
  SocketAddress remote;
  uint64_t cookie = 0;

  bool operator==(const SocketName&) const = default;
};

class Lookups {
 public:
  // Keeps a netlink socket in each namespace that can be entered.
  static Result<Lookups> open(const std::string& proc, const std::string& run_netns);

  // Looks for namespaces that have come since.
  void refresh();

  // Namespaces by inode number, with their names.
  const std::map<uint64_t, std::string>& names() const { return names_; }

  // The socket, its time-wait entry or its request; nothing: it is gone, or cannot be asked for.
  std::optional<DiagMessage> find(const SocketName& name);

  enum class Answer : uint8_t { there, gone, unknown };
  Answer is_there(const SocketName& name);

  // Every socket in one of the states, with TCP_INFO when `infos`.
  void each(std::initializer_list<tcp::State> states, bool infos,
            const std::function<void(uint64_t netns, const DiagMessage&)>& on_socket);

 private:
  Lookups(std::string proc, std::string run_netns, NamespaceHandle home)
      : proc_(std::move(proc)), run_netns_(std::move(run_netns)), home_(std::move(home)) {}

  void add(const NamespaceHandle& space);

  std::string proc_;
  std::string run_netns_;
  NamespaceHandle home_;
  std::map<uint64_t, Netlink> sockets_;
  std::map<uint64_t, std::string> names_;
};

}  // namespace tcpdx::host
