// Looks a name up in all the ways that `tcpdx dns` compares, side by side.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "probe/dns_look.hpp"

namespace tcpdx::engine {

struct LookUpOptions {
  std::string name;                    // or an address, whose name is wanted
  std::vector<SocketAddress> servers;  // empty: those of resolv.conf
  std::vector<wire::DnsType> types;    // empty: A and AAAA; PTR for an address
  Duration timeout = 2s;               // for each question
  bool dnssec = false;
  std::string resolv_conf = "/etc/resolv.conf";
  std::string hosts = "/etc/hosts";
};

probe::DnsLook look_up(const LookUpOptions& options);

}  // namespace tcpdx::engine
