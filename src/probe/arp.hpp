// Asks a link who has an IPv4 address, and listens to everybody who says "I" (RFC 826): a second
// answerer is an address conflict (RFC 5227). Needs CAP_NET_RAW.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/address.hpp"
#include "base/mac_address.hpp"
#include "base/result.hpp"

namespace tcpdx::probe {

// Three requests within a second at most; each answerer once, in order of their first answers.
// Empty: nobody answered. An error is one of this host or of its rights.
Result<std::vector<MacAddress>> who_has(const IpAddress& address, const std::string& interface,
                                        const std::function<bool()>& stop);

}  // namespace tcpdx::probe
