// How this host looks names up: its name servers, its search list (resolv.conf(5)) and its own
// table of hosts (hosts(5)).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/time.hpp"

namespace tcpdx::probe {

struct ResolvConf {
  std::vector<IpAddress> servers;  // the first three, as glibc takes them
  bool configured = false;  // the file names one: otherwise it is this host's own, by default
  std::vector<std::string> search;
  unsigned ndots = 1;
  Duration timeout = 5s;  // for one server
  unsigned attempts = 2;
};

// Lines that say nothing to us are passed over; numbers are capped as glibc caps them. Without a
// server it is this host's own, 127.0.0.1.
ResolvConf parse_resolv_conf(std::string_view text);

// The names that are asked for, in their order: a name with fewer dots than ndots goes through the
// search list first, one that ends in a dot is asked as it is.
std::vector<std::string> search_walk(std::string_view name, const ResolvConf& conf);

// Addresses that the text of a hosts file gives a name, in their order; names are not
// case-sensitive.
std::vector<IpAddress> addresses_in_hosts(std::string_view text, std::string_view name);

}  // namespace tcpdx::probe
