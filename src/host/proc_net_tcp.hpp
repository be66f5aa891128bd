// /proc/net/tcp and /proc/net/tcp6: what is left where sock_diag(7) is not to be had.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "model/socket.hpp"

namespace tcpdx::host {

// One row (net/ipv4/tcp_ipv4.c, tcp4_seq_show). Nothing for the heading and for damaged rows. The
// limit of a listener's queue, cookies, TCP_INFO, marks and cgroups are not in these tables.
std::optional<Socket> parse_proc_net_tcp_row(std::string_view row, Family family);

// Appends the sockets of a whole table, read in pieces. Listeners come first in it, so that
// `listeners_only` reads no further than them.
Result<void> read_proc_net_tcp(const std::string& path, Family family, bool listeners_only,
                               uint16_t netns, std::vector<Socket>& into);

}  // namespace tcpdx::host
