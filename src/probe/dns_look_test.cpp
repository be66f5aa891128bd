// Each finding, and the look that resembles it and must not have it.
#include "probe/dns_look.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tcpdx::probe {
namespace {

using wire::DnsCode;
using wire::DnsType;

const SocketAddress kFirst{ipv4(192, 0, 2, 1), 53};
const SocketAddress kSecond{ipv4(192, 0, 2, 2), 53};

DnsReply reply(const SocketAddress& server, Transport transport, const std::string& address = {},
               DnsCode code = DnsCode::no_error) {
  DnsReply made{
      .asked = {.server = server, .transport = transport, .question = {"db.example", DnsType::a}},
      .message = wire::DnsMessage{},
      .error = {}};
  made.message->code = code;
  if (address.empty()) return made;
  made.message->answers.push_back({.name = "db.example",
                                   .type = DnsType::a,
                                   .ttl = 60,
                                   .text = address,
                                   .address = parse_address(address),
                                   .target = {}});
  return made;
}

DnsReply no_reply(const SocketAddress& server, Transport transport, bool silent = true) {
  DnsReply made = reply(server, transport);
  made.message.reset();
  made.silent = silent;
  made.error = silent ? "no answer" : "refused";
  return made;
}

DnsLook healthy() {
  DnsLook look;
  look.name = look.asked = "db.example";
  look.walk = {"db.example"};
  look.conf.servers = {kFirst.addr, kSecond.addr};
  look.system.addresses = {ipv4(10, 0, 0, 7)};
  look.system.took = 3ms;
  for (const auto& server : {kFirst, kSecond}) {
    look.replies.push_back(reply(server, Transport::udp, "10.0.0.7"));
    look.replies.push_back(reply(server, Transport::tcp, "10.0.0.7"));
  }
  return look;
}

bool has(const DnsLook& look, std::string_view id) {
  const auto findings = judge(look);
  return std::ranges::find(findings, id, &DnsFinding::id) != findings.end();
}

TEST(DnsLookTest, SaysNothingOfAHealthyName) { EXPECT_TRUE(judge(healthy()).empty()); }

TEST(DnsLookTest, TellsTheFirstSilentServerFromALaterOne) {
  DnsLook look = healthy();
  look.replies[0] = no_reply(kFirst, Transport::udp);
  look.replies[1] = no_reply(kFirst, Transport::tcp);
  EXPECT_TRUE(has(look, "first-server-silent"));
  EXPECT_FALSE(has(look, "server-silent"));
  look = healthy();
  look.replies[2] = no_reply(kSecond, Transport::udp);
  look.replies[3] = no_reply(kSecond, Transport::tcp);
  EXPECT_TRUE(has(look, "server-silent"));
  EXPECT_FALSE(has(look, "first-server-silent"));
  look.replies[0] = no_reply(kFirst, Transport::udp);
  look.replies[1] = no_reply(kFirst, Transport::tcp);
  EXPECT_TRUE(has(look, "no-server-answers"));
  // An ICMP error is an answer: the next server is asked at once.
  look = healthy();
  look.replies[0] = no_reply(kFirst, Transport::udp, false);
  EXPECT_FALSE(has(look, "first-server-silent"));
}

TEST(DnsLookTest, TellsWhichTransportIsBlocked) {
  DnsLook look = healthy();
  look.replies[1] = no_reply(kFirst, Transport::tcp, false);
  EXPECT_TRUE(has(look, "tcp-blocked"));
  EXPECT_FALSE(has(look, "udp-lost"));
  look.replies[0].message->truncated = true;
  EXPECT_TRUE(has(look, "tcp-blocked-and-needed"));
  look = healthy();
  look.replies[0] = no_reply(kFirst, Transport::udp);
  EXPECT_TRUE(has(look, "udp-lost"));
}

TEST(DnsLookTest, KnowsWhyAServerHoldsBack) {
  DnsLook look = healthy();
  look.replies[0] = reply(kFirst, Transport::udp, "", DnsCode::server_failure);
  EXPECT_TRUE(has(look, "server-fails"));
  EXPECT_FALSE(has(look, "dnssec-bogus"));
  look.replies[0].message->extended_errors = {{.code = 6, .text = ""}};
  EXPECT_TRUE(has(look, "dnssec-bogus"));
  EXPECT_FALSE(has(look, "server-fails"));
  look.replies[0].message->extended_errors = {{.code = 3, .text = "stale"}};
  EXPECT_FALSE(has(look, "dnssec-bogus"));
  look.replies[2] = reply(kSecond, Transport::udp, "", DnsCode::refused);
  EXPECT_TRUE(has(look, "server-refuses"));
}

TEST(DnsLookTest, CallsDifferentAnswersDifferent) {
  DnsLook look = healthy();
  look.replies[2] = reply(kSecond, Transport::udp, "10.0.0.8");
  EXPECT_TRUE(has(look, "servers-differ"));
  // The order of the same addresses is no difference.
  look = healthy();
  for (const size_t i : {size_t{0}, size_t{2}}) {
    auto& answers = look.replies[i].message->answers;
    answers.push_back(answers.front());
    answers.back().text = "10.0.0.9";
    if (i == 2) std::ranges::reverse(answers);
  }
  EXPECT_FALSE(has(look, "servers-differ"));
}

TEST(DnsLookTest, TellsWhoWinsOverTheHostsFile) {
  DnsLook look = healthy();
  look.in_hosts = {ipv4(10, 0, 0, 99)};
  EXPECT_TRUE(has(look, "hosts-file-overrides"));
  for (auto& one : look.replies)
    one = reply(one.asked.server, one.asked.transport, "", DnsCode::no_such_name);
  EXPECT_TRUE(has(look, "hosts-file-only"));
}

TEST(DnsLookTest, MissesARouteOnlyForAddressesThatNeedIt) {
  DnsLook look = healthy();
  look.has_ipv6_route = false;
  EXPECT_FALSE(has(look, "aaaa-without-route"));
  look.system.addresses.push_back(parse_address("2001:db8::7").value());
  EXPECT_TRUE(has(look, "aaaa-without-route"));
  look.has_ipv6_route = true;
  EXPECT_FALSE(has(look, "aaaa-without-route"));
}

TEST(DnsLookTest, HoldsTheSystemAgainstItsServers) {
  DnsLook look = healthy();
  look.system.addresses.clear();
  look.system.error = "there is no such name";
  EXPECT_TRUE(has(look, "system-fails"));
  for (auto& one : look.replies)
    one = reply(one.asked.server, one.asked.transport, "", DnsCode::no_such_name);
  EXPECT_FALSE(has(look, "system-fails"));
  look.system.took = 5015ms;
  EXPECT_TRUE(has(look, "slow-lookup"));
}

TEST(DnsLookTest, NamesALongSearchList) {
  DnsLook look = healthy();
  look.walk = {"db.example.a", "db.example.b", "db.example"};
  EXPECT_TRUE(has(look, "long-search"));
  look.walk = {"db.example", "db.example.a", "db.example.b"};
  EXPECT_FALSE(has(look, "long-search"));
}

}  // namespace
}  // namespace tcpdx::probe
