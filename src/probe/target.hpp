// The hosts that a user names: "example.net", "192.0.2.1", "example.net:443", "[2001:db8::1]:443".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"

namespace tcpdx::probe {

struct TargetName {
  std::string host;  // a name or an address, without brackets
  std::optional<uint16_t> port;
};

// A port may be a number or the name of a TCP service. A bare IPv6 address has none.
Result<TargetName> parse_target(std::string_view text);

// All addresses in the order in which applications get them (getaddrinfo(3), gai.conf(5)); of one
// family, if wanted. Addresses are not looked up. An error says what the resolver said.
Result<std::vector<IpAddress>> resolve(const std::string& host, std::optional<Family> family);

// The order in which clients that race addresses try them (RFC 8305 4): by turns of one family and
// the other, each family in the order given, beginning with the first address.
std::vector<IpAddress> racing_order(const std::vector<IpAddress>& addresses);

}  // namespace tcpdx::probe
