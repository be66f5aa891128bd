// What was seen of a machine: a value that can be saved, sent to a colleague and judged again.
//
// An Observation has full looks at its ends (every socket with its owners) and samples in between
// (listeners and counters only: they cost almost nothing). With a window of zero there is one look
// and one sample. All times are offsets from the first look.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "model/closer_look.hpp"
#include "model/counters.hpp"
#include "model/event.hpp"
#include "model/neighbours.hpp"
#include "model/probing.hpp"
#include "model/process.hpp"
#include "model/socket.hpp"

namespace tcpdx {

// A network namespace, by the inode number of its nsfs file; names as in /run/netns.
struct Namespace {
  uint64_t inode = 0;
  std::string name;  // empty: nameless
  bool ours = false;
  Sysctls sysctls;
};

struct Look {
  Duration at{};
  std::vector<Socket> sockets;  // of all namespaces, each cookie once
  std::vector<TcpInfo> infos;   // Socket::info points here; LISTEN, TIME-WAIT ... have none
  std::vector<Owner> owners;    // sorted by inode; Socket::first_owner points here
};

// A listening socket at one moment of the window.
struct ListenerSample {
  uint16_t netns = 0;
  SocketAddress local;
  uint64_t cookie = 0;
  uint32_t queued = 0;
  uint32_t limit = 0;             // not known where the cookie is 0 (/proc/net/tcp)
  std::optional<uint32_t> drops;  // sk_drops: what this listener refused since it was opened
};

struct Sample {
  Duration at{};
  std::vector<ListenerSample> listeners;
  std::vector<Counters> counters;  // one per namespace, in their order
};

// A neighbour entry (rtnetlink, NUD_*) of an address that a half-open connection needs: the
// destination itself or the gateway towards it.
enum class NeighbourState : uint8_t {
  incomplete,
  reachable,
  stale,
  delay,
  probe,
  failed,
  permanent,
  noarp,
  none
};
std::string_view to_string(NeighbourState state);

// The way from here to the destination of a connection in SYN-SENT.
struct Route {
  uint16_t netns = 0;
  IpAddress destination;
  // 0, or the errno with which the kernel refuses: ENETUNREACH, EHOSTUNREACH, EACCES, EINVAL.
  int error = 0;
  std::optional<IpAddress> gateway;
  std::string interface;
  std::optional<NeighbourState> neighbour;  // of the gateway, or of the destination when on link
};

// Per CPU, summed: /proc/net/softnet_stat.
struct Softnet {
  uint64_t processed = 0;
  uint64_t dropped = 0;
  uint64_t squeezed = 0;
};

// Something that could not be seen, why, and what would show it ("CAP_SYS_PTRACE").
struct Missing {
  std::string what;
  std::string why;
  std::string needs;  // empty: nothing would
};

struct Observation {
  std::string host;
  std::string kernel;  // uname -r
  WallTime at{};       // of the first look
  Duration window{};   // from the first look to the last
  std::vector<Namespace> namespaces;
  std::vector<Process> processes;
  std::vector<Look> looks;      // one or two; the last is the present
  std::vector<Sample> samples;  // in time order; the first and the last belong to the looks
  std::vector<Route> routes;
  std::vector<Softnet> softnet;                  // at the first look and at the last
  EventLog events;                               // what happened within the window
  CloserLook closer;                             // at the listeners
  std::vector<NeighbourTable> neighbour_tables;  // of both families, at each look
  // Of IPv4 neighbours that had several link-layer addresses within the window: each that differs
  // from the one before, in time order.
  std::vector<NeighbourSighting> neighbour_moves;
  std::optional<ProbeResults> probes;  // nothing: the network was not asked
  std::vector<std::string> congestion_names{""};
  std::vector<std::string> sources;  // how it was seen: "sock_diag", "/proc/net/tcp" ...
  std::vector<Missing> missing;

  const Look& now() const { return looks.back(); }
};

// What belongs to a socket of a look.
std::span<const Owner> owners_of(const Look& look, const Socket& socket);
const TcpInfo* info_of(const Look& look, const Socket& socket);
// "billing-api (pid 2210)" for people; printable.
std::string describe(const Process& process);

}  // namespace tcpdx
