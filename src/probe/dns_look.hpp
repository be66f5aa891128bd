// A name seen from both sides: what applications get on this host, and what each name server says;
// and what that means.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "probe/dns_client.hpp"
#include "probe/resolv_conf.hpp"

namespace tcpdx::probe {

// What getaddrinfo(3) gave.
struct SystemAnswer {
  std::vector<IpAddress> addresses;
  std::string error;  // empty: none
  Duration took{};
};

struct DnsLook {
  std::string name;  // as it was given
  ResolvConf conf;
  std::vector<std::string> walk;  // the names that are asked for
  std::string asked;              // the name that the servers were asked for
  SystemAnswer system;
  std::vector<IpAddress> in_hosts;  // of /etc/hosts
  bool stub = false;                // the only server is systemd-resolved's own
  bool has_ipv6_route = true;       // to an address that the name has
  std::vector<DnsReply> replies;    // server by server
};

struct DnsFinding {
  std::string id;    // kebab-case
  std::string text;  // one sentence
};

// Pure. The worst first.
std::vector<DnsFinding> judge(const DnsLook& look);

}  // namespace tcpdx::probe
