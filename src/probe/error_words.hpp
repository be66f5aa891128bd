// Errors in words, by what ICMP said and not only by errno: several codes share one errno.
#pragma once

#include <string>

#include "probe/error_queue.hpp"

namespace tcpdx::probe {

// "10.9.3.1 says: administratively prohibited (ICMP 3/13)".
std::string words_of(const ErrorMessage& error);
// Of a call on this host: "no route to the network from this host".
std::string words_of_errno(int error);

bool says_port_unreachable(const ErrorMessage& error);
bool says_ttl_exceeded(const ErrorMessage& error);
// "Fragmentation needed", "packet too big", or this host's own knowledge of the path.
bool says_too_big(const ErrorMessage& error);

}  // namespace tcpdx::probe
