// The name servers that this host's programs ask.
#pragma once

#include <string>
#include <vector>

#include "base/address.hpp"
#include "probe/resolv_conf.hpp"

namespace tcpdx::engine {

struct NameServers {
  probe::ResolvConf conf;
  bool stub = false;  // the only one is systemd-resolved's own, which asks others
  // In the order in which they are asked; behind the stub those that it asks.
  std::vector<SocketAddress> servers;
};

NameServers name_servers(const std::string& resolv_conf);

}  // namespace tcpdx::engine
