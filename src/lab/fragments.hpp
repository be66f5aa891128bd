// What a router does with an IPv4 datagram that is too large for its next link and may be cut
// (RFC 791 3.2, "An Example Fragmentation Procedure").
#pragma once

#include <cstddef>
#include <functional>
#include <span>

namespace tcpdx::lab {

// Hands out the fragments, in order, each of at most `mtu` octets; a datagram that fits goes out as
// it is. False: it may not be cut (DF, IPv6, or no room for a header and eight octets).
bool fragment(std::span<const std::byte> datagram, size_t mtu,
              const std::function<void(std::span<const std::byte>)>& out);

}  // namespace tcpdx::lab
