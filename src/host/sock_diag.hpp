// The kernel's socket table over sock_diag(7): the request, and what its messages mean.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "base/address.hpp"
#include "base/result.hpp"
#include "host/netlink.hpp"
#include "model/observation.hpp"
#include "model/socket.hpp"

namespace tcpdx::host {

// One message of a dump (inet_diag_msg and its attributes, linux/inet_diag.h).
struct DiagMessage {
  Socket socket;
  bool has_info = false;
  TcpInfo info;
  std::string_view congestion;  // points into the message; empty: not given
};

// False for what is no TCP socket: too short, unknown family or state.
bool read_diag_message(std::span<const std::byte> payload, DiagMessage& into);

struct DumpRequest {
  Family family = Family::v4;
  bool listeners_only = false;
  bool infos = true;  // false: only listeners get a TcpInfo, for their drops
};

// What a dump added to a look, and how it went.
struct DumpEnd {
  bool interrupted = false;  // even after the repeats
  NetlinkRefusal refusal;
};

// Appends the sockets of one family of the namespace that is asked (a NETLINK_SOCK_DIAG socket).
// `netns` is stored with each. A dump that the kernel marks as interrupted is thrown away and
// repeated, at most three times. Fails when the netlink socket fails.
Result<DumpEnd> dump_sockets(const Ask& ask, const DumpRequest& request, uint16_t netns, Look& look,
                             std::vector<std::string>& congestion_names);

// Asks for one socket, by its addresses and cookie: the kernel looks it up in its hash table.
// False: it is gone. Not for listeners: of several that share a port the kernel finds any one.
Result<bool> fetch_socket(const Ask& ask, const Socket& socket, bool infos, DiagMessage& into);

// Removes all but the last socket of each cookie from position `first` on. A socket that moves
// through the table during the walk is seen twice, and TIME-WAIT inherits its predecessor's
// cookie. Returns how many were removed.
size_t drop_duplicates(std::vector<Socket>& sockets, size_t first);

}  // namespace tcpdx::host
