// The rows of the matrix: what the kernel shows for each cause, as seen on Linux, and the neighbour
// with the same errno.
#include "probe/verdict.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace tcpdx::probe {
namespace {

const IpAddress kTarget = ipv4(10, 9, 9, 9);
const IpAddress kSelf = ipv4(10, 9, 0, 1);
const IpAddress kRouter = ipv4(10, 9, 3, 1);

AttemptSigns failed(int error) {
  AttemptSigns signs;
  signs.error = error;
  signs.source = kSelf;
  signs.target = kTarget;
  return signs;
}

AttemptSigns said(int error, IpAddress by, uint8_t type, uint8_t code) {
  AttemptSigns signs = failed(error);
  ErrorMessage message;
  message.origin = Origin::icmp;
  message.error = error;
  message.type = type;
  message.code = code;
  message.offender = by;
  signs.message = message;
  return signs;
}

AttemptSigns at_once(int error) {
  AttemptSigns signs = failed(error);
  signs.at_once = true;
  return signs;
}

TEST(Judge, TellsARstFromAFirewallOfThisHost) {
  EXPECT_EQ(judge(failed(ECONNREFUSED)).why, Why::refused);
  EXPECT_EQ(judge(said(ECONNREFUSED, kSelf, 3, 3)).why, Why::local_firewall);
  // Over loopback a refusal comes before the call returns.
  EXPECT_EQ(judge(at_once(ECONNREFUSED)).why, Why::refused);
}

TEST(Judge, TellsWhoRejects) {
  const Verdict box = judge(said(EHOSTUNREACH, kRouter, 3, 13));
  EXPECT_EQ(box.why, Why::rejected_by_icmp);
  EXPECT_NE(box.sentence.find("on the way: 10.9.3.1 says: administratively prohibited"),
            std::string::npos)
      << box.sentence;
  const Verdict host = judge(said(ECONNREFUSED, kTarget, 3, 3));
  EXPECT_EQ(host.why, Why::rejected_by_icmp);
  EXPECT_NE(host.sentence.find("the host's own rules"), std::string::npos) << host.sentence;
}

TEST(Judge, TellsTheDeadNeighbourNearAndFar) {
  AttemptSigns near = failed(EHOSTUNREACH);
  near.message = ErrorMessage{.origin = Origin::icmp,
                              .error = EHOSTUNREACH,
                              .type = 3,
                              .code = 1,
                              .offender = kSelf,
                              .ttl = {},
                              .at = {},
                              .quoted = {},
                              .labels = {}};
  EXPECT_EQ(judge(near).why, Why::dead_neighbour);
  EXPECT_EQ(judge(said(EHOSTUNREACH, kRouter, 3, 1)).why, Why::far_neighbour_dead);
  // Host prohibited has the same errno and is a rule.
  EXPECT_EQ(judge(said(EHOSTUNREACH, kRouter, 3, 10)).why, Why::rejected_by_icmp);
}

TEST(Judge, KnowsThisHostsRoutes) {
  EXPECT_EQ(judge(at_once(ENETUNREACH)).why, Why::no_route);
  EXPECT_EQ(judge(at_once(EHOSTUNREACH)).why, Why::no_route);
  EXPECT_EQ(judge(at_once(EINVAL)).why, Why::route_forbids);
  EXPECT_EQ(judge(at_once(EACCES)).why, Why::route_forbids);
  EXPECT_EQ(judge(at_once(EADDRNOTAVAIL)).why, Why::no_local_port);
  // The same errno from a router is its word, not ours.
  EXPECT_EQ(judge(said(ENETUNREACH, kRouter, 3, 0)).why, Why::rejected_by_icmp);
}

// The kernel has the same errno for them as for routes.
TEST(Judge, KnowsAddressesThatNoConnectionGoesTo) {
  AttemptSigns many = at_once(ENETUNREACH);
  for (const char* address : {"224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"}) {
    many.target = parse_address(address).value();
    EXPECT_EQ(judge(many).why, Why::other) << address;
  }
  many.target = ipv4(223, 255, 255, 255);
  EXPECT_EQ(judge(many).why, Why::no_route);

  AttemptSigns link = at_once(EINVAL);
  link.target = parse_address("fe80::1").value();
  EXPECT_EQ(judge(link).why, Why::other);
  EXPECT_NE(judge(link).sentence.find("-I INTERFACE"), std::string::npos);
  link.target = parse_address("fec0::1").value();
  EXPECT_EQ(judge(link).why, Why::route_forbids);
}

TEST(Judge, ClaimsOfSilenceNoMoreThanWasSeen) {
  AttemptSigns silent = failed(0);
  silent.timed_out = true;
  silent.syn_repeats = 3;
  const Verdict verdict = judge(silent);
  EXPECT_EQ(verdict.why, Why::silent);
  EXPECT_NE(verdict.sentence.find("4 SYNs"), std::string::npos);
  EXPECT_EQ(judge(failed(ETIMEDOUT)).why, Why::silent);
}

TEST(Judge, TellsAResetBehindTheHandshakeFromARefusal) {
  AttemptSigns reset = failed(ECONNRESET);
  reset.connected = true;
  EXPECT_EQ(judge(reset).why, Why::reset_after_accept);
  reset.error = 0;
  EXPECT_EQ(judge(reset).why, Why::ok);
}

// RFC 4443 3.1: address unreachable, port unreachable and prohibited.
TEST(Judge, KnowsIpv6) {
  AttemptSigns signs = failed(EHOSTUNREACH);
  signs.target = parse_address("fd09::9").value();
  signs.source = parse_address("fd09::1").value();
  ErrorMessage message;
  message.origin = Origin::icmp;
  message.type = 1;
  message.code = 3;
  message.offender = parse_address("fd09:3::1");
  signs.message = message;
  EXPECT_EQ(judge(signs).why, Why::far_neighbour_dead);
  signs.message->code = 1;
  signs.error = EACCES;
  EXPECT_EQ(judge(signs).why, Why::rejected_by_icmp);
}

}  // namespace
}  // namespace tcpdx::probe
