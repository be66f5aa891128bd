// What faults about a peer that went without a word share: how long a connection has been quiet,
// and whether its peer still answers elsewhere.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "faults/build.hpp"
#include "faults/facts.hpp"

namespace tcpdx::faults {

// For how long nothing has passed in either direction, keep-alives and their answers included:
// the least of tcpi_last_data_sent, _data_recv and _ack_recv. Nothing where that is longer than
// the owner has been running: these fields count from boot when nothing ever passed.
std::optional<Duration> quiet_for(const Facts& facts, const Socket& socket);

std::set<IpAddress> hosts_of(const Sockets& group);

// Connections to the same hosts, from the same namespace, that heard something within `recent` and
// do not repeat anything: then the hosts are not gone.
size_t alive_to(const Facts& facts, const Sockets& group, Duration recent);
// "the peer forgot these connections ...", by that number and the number of hosts.
std::string cause_of_silence(size_t alive, size_t hosts);

// Where its program listens for such connections; nothing for a connection that was opened here.
std::optional<SocketAddress> service_of(const Facts& facts, const Socket& socket);

// Addresses that sockets of this machine have: a peer with one of them is on this machine.
std::set<IpAddress> local_addresses(const Facts& facts);

}  // namespace tcpdx::faults
