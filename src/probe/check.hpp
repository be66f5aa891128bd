// The whole chain of a connection and what its parts say together: where and why it fails.
// Gathering is the engine's; this judges, and claims no more than was seen.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/finding.hpp"
#include "model/observation.hpp"
#include "probe/connect.hpp"
#include "probe/dns_look.hpp"
#include "probe/mtu.hpp"
#include "probe/path.hpp"

namespace tcpdx::probe {

// Probes that only the host itself can answer.
struct ProbeTally {
  unsigned sent = 0;
  unsigned answered = 0;
};

// What this host's kernel dropped while the probes were under way, of all its traffic.
struct LocalDrops {
  uint64_t reverse_path = 0;                // TcpExt.IPReversePathFilter
  uint64_t conntrack = 0;                   // nf_conntrack.drop
  std::optional<uint64_t> conntrack_count;  // entries of its table of connections
  std::optional<uint64_t> conntrack_max;
};

// What was gathered about one address and port. What was not looked at, or not allowed, is absent.
struct CheckSigns {
  std::string name;  // as it was given
  SocketAddress target;
  std::optional<Duration> name_took;
  std::optional<DnsLook> dns;  // looked at where the name gave no address
  std::optional<Route> route;  // with its neighbour, after the probes went out
  Attempt attempt;
  std::optional<Attempt> other_port;  // one that hardly anybody listens on
  std::optional<PathResult> by_port;  // the way of SYNs to this very port
  std::optional<PathResult> by_echo;  // the way of echoes (or UDP, where echoes are not allowed)
  std::optional<MtuLook> sizes;
  std::optional<PathResult> sizes_by_hop;  // with the MTU of each hop, where sizes vanish
  // The request again, in the smallest segments that every path carries: where none of the usual
  // size brought an answer.
  std::optional<Attempt> small_segments;
  // SYNs to the port and echoes, evenly over the same time: where SYNs seem to be lost.
  std::optional<ProbeTally> syns;
  std::optional<ProbeTally> echoes;
  std::optional<LocalDrops> local_drops;
  bool target_is_here = false;
  // Of a listener of this host on that port: how many wait for accept(), and how many may.
  std::optional<std::pair<uint32_t, uint32_t>> queue;
};

enum class Place : uint8_t {
  none,
  local,
  neighbour,
  hop,
  between_hops,
  target,
  return_path,
  name_service
};
std::string_view to_string(Place place);  // "between-hops"

struct CheckVerdict {
  // As contract: ok, refused, refused-by-box, rejected-by-icmp, filtered, silent, no-route,
  // route-forbids, dead-neighbour, local-firewall, no-local-port, accept-queue-full,
  // mtu-black-hole, reset-after-accept, name-not-found, name-server-silent, name-server-refuses,
  // slow ...; ours beside them: docs/json.md.
  std::string why;
  Place place = Place::none;
  std::optional<unsigned> hop;
  std::optional<IpAddress> address;  // of the hop, the neighbour or the target
  Confidence confidence = Confidence::suspected;
  std::string sentence;
  std::string advice;  // what to do or whom to call; empty: nothing is wrong
};

CheckVerdict judge(const CheckSigns& signs);

}  // namespace tcpdx::probe
