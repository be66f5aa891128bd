#include "probe/verdict.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <utility>

#include "base/result.hpp"
#include "probe/error_words.hpp"
#include "wire/icmp.hpp"

namespace tcpdx::probe {
namespace {

bool from_this_host(const AttemptSigns& signs) {
  const auto& message = signs.message;
  if (!message) return false;
  if (message->origin == Origin::local) return true;
  return message->offender && (message->offender == signs.source ||
                               (message->offender->is_loopback() && !signs.target.is_loopback()));
}

// "Host unreachable", the code that a router sends when nobody answers its ARP (RFC 1812 5.2.7.1).
bool says_nobody_there(const ErrorMessage& message, const IpAddress& target) {
  return target.family == Family::v4
             ? message.type == wire::icmp4::kUnreachable && message.code == wire::icmp4::kHost
             : message.type == wire::icmp6::kUnreachable && message.code == wire::icmp6::kAddress;
}

// Multicast, and broadcast on any link (RFC 5771, RFC 4291 2.7, RFC 919 7).
bool is_of_many(const IpAddress& address) {
  if (address.family == Family::v6) return address.bytes[0] == 0xff;
  return (address.bytes[0] & 0xf0U) == 0xe0 || address == ipv4(255, 255, 255, 255);
}

// RFC 4291 2.5.6: fe80::/10.
bool is_link_local6(const IpAddress& address) {
  return address.family == Family::v6 && address.bytes[0] == 0xfe &&
         (address.bytes[1] & 0xc0U) == 0x80;
}

// The kernel's own routes fail the call, or the error comes from ourselves after the neighbour was
// asked for in vain (3 s), or at once from a rule that rejects.
Verdict of_this_host(const AttemptSigns& signs) {
  if (is_of_many(signs.target)) {
    return {Why::other, "it is an address of many hosts, and TCP speaks with one"};
  }
  switch (signs.error) {
    case EHOSTUNREACH:
      if (!signs.at_once) {
        return {Why::dead_neighbour,
                "nobody answers for its address, or its gateway's, on this host's own link"};
      }
      return {Why::no_route, "a route of this host says unreachable"};
    case ENETUNREACH: return {Why::no_route, "this host has no route there"};
    case EINVAL:
      if (is_link_local6(signs.target)) {
        return {Why::other, "such an address is there on each link: say which by -I INTERFACE"};
      }
      return {Why::route_forbids, "a route of this host throws it away (blackhole)"};
    case EACCES: return {Why::route_forbids, "a route of this host forbids it (prohibit)"};
    case EADDRNOTAVAIL: return {Why::no_local_port, "this host has no free source port towards it"};
    case EPERM:
    case ECONNREFUSED: return {Why::local_firewall, "this host's own firewall rejects it"};
    default: return {Why::other, words_of_errno(signs.error)};
  }
}

Verdict of_icmp(const AttemptSigns& signs, const ErrorMessage& message) {
  const std::string said = words_of(message);
  if (says_nobody_there(message, signs.target) && message.offender != signs.target) {
    return {Why::far_neighbour_dead,
            fmt::format("nobody answers there on the last link: {}", said)};
  }
  const bool by_target = message.offender == signs.target;
  return {Why::rejected_by_icmp, by_target ? fmt::format("the host's own rules reject it: {}", said)
                                           : fmt::format("rejected on the way: {}", said)};
}

}  // namespace

std::string_view to_string(Why why) {
  switch (why) {
    case Why::ok: return "ok";
    case Why::refused: return "refused";
    case Why::rejected_by_icmp: return "rejected-by-icmp";
    case Why::silent: return "silent";
    case Why::no_route: return "no-route";
    case Why::route_forbids: return "route-forbids";
    case Why::dead_neighbour: return "dead-neighbour";
    case Why::far_neighbour_dead: return "far-neighbour-dead";
    case Why::local_firewall: return "local-firewall";
    case Why::no_local_port: return "no-local-port";
    case Why::reset_after_accept: return "reset-after-accept";
    case Why::closed_after_accept: return "closed-after-accept";
    case Why::other: return "other";
  }
  std::unreachable();
}

Verdict judge(const AttemptSigns& signs) {
  if (signs.connected) {
    if (signs.error == ECONNRESET || signs.error == EPIPE) {
      return {Why::reset_after_accept,
              "connected, then reset: TCP works, the program or a proxy "
              "before it refuses"};
    }
    return {Why::ok, "connected"};
  }
  if (signs.timed_out) {
    return {Why::silent,
            fmt::format("no answer to {} SYN{}: dropped on the way, at the host or on the way back",
                        signs.syn_repeats + 1, signs.syn_repeats == 0 ? "" : "s")};
  }
  if (from_this_host(signs) || (signs.at_once && signs.error != ECONNREFUSED)) {
    return of_this_host(signs);
  }
  if (signs.message) return of_icmp(signs, *signs.message);
  if (signs.error == ECONNREFUSED) {
    return {Why::refused,
            "refused: a RST answered, so something there lives, but nothing listens on "
            "that port (or a box on the way answers for it)"};
  }
  if (signs.error == ETIMEDOUT) return {Why::silent, "no answer: the kernel gave up"};
  return {Why::other, errno_text(signs.error)};
}

}  // namespace tcpdx::probe
