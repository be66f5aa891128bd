// Why a connection did not come about: from the errno, the ICMP error behind it and who sent it,
// the repeats of the SYN and the time that it took. errno alone does not tell: ICMP 3/1, 3/10 and
// 3/13 share EHOSTUNREACH with this host's own neighbour table.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/time.hpp"
#include "probe/error_queue.hpp"

namespace tcpdx::probe {

enum class Why : uint8_t {
  ok,
  refused,              // a RST answered the SYN
  rejected_by_icmp,     // someone on the way, or the target's own rules, said no by ICMP
  silent,               // no answer at all
  no_route,             // this host has no route, or one that says unreachable
  route_forbids,        // a route of this host says prohibit or blackhole
  dead_neighbour,       // nobody answers ARP or neighbour discovery on a link of this host
  far_neighbour_dead,   // the last router says that nobody answers there
  local_firewall,       // this host's own rules reject it
  no_local_port,        // no free source port towards this destination
  reset_after_accept,   // connected, and reset before it said anything
  closed_after_accept,  // connected, and closed before it said anything
  other                 // an errno that none of these explain
};
// The id of JSON and scripts: "rejected-by-icmp".
std::string_view to_string(Why why);

// What was seen of one attempt to connect.
struct AttemptSigns {
  int error = 0;  // errno of connect(2) or SO_ERROR; 0: connected, or no answer yet
  bool connected = false;
  bool timed_out = false;               // the caller gave up
  bool at_once = false;                 // the call itself failed
  std::optional<ErrorMessage> message;  // the first of the error queue
  std::optional<IpAddress> source;      // this host's address, where it has one
  IpAddress target;
  unsigned syn_repeats = 0;
};

struct Verdict {
  Why why = Why::other;
  std::string sentence;  // who, what; never more than was seen
};

Verdict judge(const AttemptSigns& signs);

}  // namespace tcpdx::probe
