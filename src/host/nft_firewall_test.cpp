// Rulesets as nft 1.0.6 writes them with -j, and what they do with a SYN by nft(8).
#include "host/nft_firewall.hpp"

#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

namespace tcpdx::host {
namespace {

// A namespace whose tables hold these chains and sets.
struct Rules {
  struct Chain {
    std::string family = "inet";
    std::string name = "input";
    std::string hook = "input";  // empty: a chain that others jump to
    std::string policy = "accept";
    int priority = 0;
    std::vector<std::string> rules = {};  // the "expr" of each
  };
  std::vector<Chain> chains;
  std::map<std::string, std::string> sets = {};  // name -> "elem"

  Result<std::string> operator()(const std::string& command) const {
    asked->push_back(command);
    if (command == "list chains") return list_chains();
    for (const Chain& chain : chains) {
      if (command == "list chain " + chain.family + " t " + chain.name) return list_rules(chain);
    }
    for (const auto& [name, elements] : sets) {
      if (command == "list set inet t " + name) {
        return R"({"nftables": [{"set": {"name": ")" + name + R"(", "elem": )" + elements + "}}]}";
      }
    }
    return fail("No such file or directory");
  }

  std::string list_chains() const {
    std::string text = R"({"nftables": [{"metainfo": {"version": "1.0.6"}})";
    for (const Chain& chain : chains) {
      text += R"(, {"chain": {"family": ")" + chain.family + R"(", "table": "t", "name": ")" +
              chain.name + '"';
      if (!chain.hook.empty()) {
        text += R"(, "type": "filter", "hook": ")" + chain.hook + R"(", "prio": )" +
                std::to_string(chain.priority) + R"(, "policy": ")" + chain.policy + '"';
      }
      text += "}}";
    }
    return text + "]}";
  }
  static std::string list_rules(const Chain& chain) {
    std::string text = R"({"nftables": [{"metainfo": {}})";
    for (const std::string& rule : chain.rules) text += R"(, {"rule": {"expr": [)" + rule + "]}}";
    return text + "]}";
  }

  std::shared_ptr<std::vector<std::string>> asked = std::make_shared<std::vector<std::string>>();
};

std::string ask(const Rules& rules, std::string_view address, uint16_t port) {
  auto firewall = NftFirewall::read(rules);
  if (!firewall) return firewall.error().sentence;
  return firewall->ask({parse_address(address).value(), port}).words;
}

std::string match(const std::string& left, const std::string& op, const std::string& right) {
  return R"({"match": {"op": ")" + op + R"(", "left": )" + left + R"(, "right": )" + right + "}}";
}
std::string payload(const std::string& protocol, const std::string& field) {
  return R"({"payload": {"protocol": ")" + protocol + R"(", "field": ")" + field + R"("}})";
}
std::string meta(const std::string& key) { return R"({"meta": {"key": ")" + key + R"("}})"; }

const std::string kPort = payload("tcp", "dport");
const std::string kState = R"({"ct": {"key": "state"}})";
const std::string kAccept = R"({"accept": null})";
const std::string kDrop = R"({"drop": null})";

// One chain that drops by default and accepts where `condition` holds.
std::string accepts_if(const std::string& condition, std::string_view address = "0.0.0.0",
                       uint16_t port = 80) {
  Rules rules;
  rules.chains = {{.policy = "drop", .rules = {condition + ", " + kAccept}}};
  return ask(rules, address, port);
}

constexpr std::string_view kDropped = "dropped by inet t input";

TEST(NftFirewall, WithoutRulesIsOpen) { EXPECT_EQ(ask({.chains = {}}, "0.0.0.0", 80), "open"); }

TEST(NftFirewall, TakesThePolicyWhereNoRuleMatches) {
  EXPECT_EQ(ask({.chains = {{.policy = "drop"}}}, "0.0.0.0", 80), kDropped);
  EXPECT_EQ(ask({.chains = {{.policy = "accept"}}}, "0.0.0.0", 80), "open");
}

TEST(NftFirewall, ComparesPorts) {
  EXPECT_EQ(accepts_if(match(kPort, "==", "80")), "open");
  EXPECT_EQ(accepts_if(match(kPort, "==", "81")), kDropped);
  EXPECT_EQ(accepts_if(match(kPort, "!=", "80")), kDropped);
  EXPECT_EQ(accepts_if(match(kPort, "!=", "81")), "open");
  EXPECT_EQ(accepts_if(match(kPort, "==", R"({"range": [70, 90]})")), "open");
  EXPECT_EQ(accepts_if(match(kPort, "==", R"({"range": [81, 90]})")), kDropped);
  EXPECT_EQ(accepts_if(match(kPort, "==", R"({"set": [22, {"range": [79, 80]}]})")), "open");
  EXPECT_EQ(accepts_if(match(kPort, "==", R"({"set": [22, {"range": [79, 79]}]})")), kDropped);
  EXPECT_EQ(accepts_if(match(kPort, "<", "1024")), "open");
  EXPECT_EQ(accepts_if(match(kPort, ">=", "1024")), kDropped);
  EXPECT_EQ(accepts_if(match(payload("th", "dport"), "==", "80")), "open");
  EXPECT_EQ(accepts_if(match(payload("udp", "dport"), "==", "80")), kDropped);
  EXPECT_EQ(accepts_if(match(payload("udp", "dport"), "!=", "80")), kDropped);
}

TEST(NftFirewall, LooksIntoNamedSetsOfPorts) {
  const std::string rule = match(kPort, "==", R"("@allowed")") + ", " + kAccept;
  Rules rules{.chains = {{.policy = "drop", .rules = {rule}}},
              .sets = {{"allowed", R"([9000, {"range": [80, 90]}])"}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 85), "open");
  EXPECT_EQ(ask(rules, "0.0.0.0", 95), kDropped);
  rules.sets.clear();
  EXPECT_EQ(ask(rules, "0.0.0.0", 85), "depends: inet t input asks for tcp dport");
}

TEST(NftFirewall, KnowsProtocolFamilyAndState) {
  EXPECT_EQ(accepts_if(match(meta("l4proto"), "==", R"("tcp")")), "open");
  EXPECT_EQ(accepts_if(match(meta("l4proto"), "==", "6")), "open");
  EXPECT_EQ(accepts_if(match(meta("l4proto"), "==", R"({"set": ["udp", "icmp"]})")), kDropped);
  EXPECT_EQ(accepts_if(match(payload("ip", "protocol"), "==", R"("tcp")")), "open");
  EXPECT_EQ(accepts_if(match(meta("nfproto"), "==", R"("ipv6")")), kDropped);
  EXPECT_EQ(accepts_if(match(kState, "in", R"(["established", "related"])")), kDropped);
  EXPECT_EQ(accepts_if(match(kState, "in", R"(["new", "established"])")), "open");
  EXPECT_EQ(accepts_if(match(kState, "in", R"("new")")), "open");
  EXPECT_EQ(accepts_if(match(kState, "==", R"({"set": ["new", "untracked"]})")), "open");
}

TEST(NftFirewall, KnowsThatOnlySynIsSet) {
  const std::string flags = payload("tcp", "flags");
  const std::string masked = R"({"&": [)" + flags + R"(, ["fin", "syn", "rst", "ack"]]})";
  EXPECT_EQ(accepts_if(match(masked, "==", R"("syn")")), "open");
  EXPECT_EQ(accepts_if(match(masked, "!=", R"("syn")")), kDropped);
  EXPECT_EQ(accepts_if(match(flags, "in", R"("syn")")), "open");
  EXPECT_EQ(accepts_if(match(flags, "==", R"("ack")")), kDropped);
  const std::string no_flags = R"({"&": [)" + flags + R"(, {"|": ["fin", "ack"]}]})";
  EXPECT_EQ(accepts_if(match(no_flags, "==", "0")), "open");
}

TEST(NftFirewall, LoopbackIsAnotherWayIn) {
  const std::string loopback = match(meta("iifname"), "==", R"("lo")");
  EXPECT_EQ(accepts_if(loopback), kDropped);
  EXPECT_EQ(accepts_if(loopback, "127.0.0.1"), "open");
  EXPECT_EQ(accepts_if(match(meta("iif"), "!=", R"("lo")")), "open");
  EXPECT_EQ(accepts_if(match(meta("iifname"), "==", R"("eth0")"), "127.0.0.1"), kDropped);
  EXPECT_EQ(accepts_if(match(meta("iifname"), "==", R"("eth0")")),
            "depends: inet t input asks for meta iifname");
}

TEST(NftFirewall, ComparesTheAddressOfAListenerThatHasOne) {
  const std::string to = payload("ip", "daddr");
  EXPECT_EQ(accepts_if(match(to, "==", R"("10.0.0.1")"), "10.0.0.1"), "open");
  EXPECT_EQ(accepts_if(match(to, "==", R"("10.0.0.2")"), "10.0.0.1"), kDropped);
  const std::string network = R"({"prefix": {"addr": "10.0.0.0", "len": 8}})";
  EXPECT_EQ(accepts_if(match(to, "==", network), "10.0.0.1"), "open");
  EXPECT_EQ(accepts_if(match(to, "==", network), "192.168.0.1"), kDropped);
  EXPECT_EQ(accepts_if(match(to, "==", network)), "depends: inet t input asks for ip daddr");
}

TEST(NftFirewall, DependsOnWhatItDoesNotEvaluate) {
  EXPECT_EQ(accepts_if(match(payload("ip", "saddr"), "==", R"("10.0.0.9")")),
            "depends: inet t input asks for ip saddr");
  EXPECT_EQ(accepts_if(R"({"limit": {"rate": 5, "per": "second"}})"),
            "depends: inet t input asks for limit");
  EXPECT_EQ(accepts_if(R"({"xt": {"type": "match", "name": "conntrack"}})"),
            "depends: inet t input asks for an extension of iptables");
  // What comes before does not matter where the rest is certain.
  Rules rules;
  rules.chains = {
      {.rules = {match(payload("ip", "saddr"), "==", R"("10.0.0.9")") + ", " + kDrop, kDrop}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), kDropped);
}

TEST(NftFirewall, SaysHowItIsRefused) {
  Rules rules;
  rules.chains = {{.rules = {R"({"reject": {"type": "tcp reset"}})"}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "rejected by inet t input");
  rules.chains = {{.name = "pre", .hook = "prerouting", .rules = {R"({"redirect": {"port": 8}})"}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "sent elsewhere by inet t pre");
}

TEST(NftFirewall, FollowsJumpsAndReturns) {
  Rules rules;
  rules.chains = {{.policy = "drop", .rules = {R"({"jump": {"target": "web"}})"}},
                  {.name = "web",
                   .hook = "",
                   .rules = {match(kPort, "==", "22") + R"(, {"return": null})",
                             match(kPort, "==", "80") + ", " + kAccept}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "open");
  EXPECT_EQ(ask(rules, "0.0.0.0", 22), kDropped);
  rules.chains[0].rules = {R"({"goto": {"target": "web"}})", kAccept};
  EXPECT_EQ(ask(rules, "0.0.0.0", 443), kDropped);  // what a goto leaves goes to the policy
  rules.chains[0].rules = {R"({"jump": {"target": "web"}})", kAccept};
  EXPECT_EQ(ask(rules, "0.0.0.0", 443), "open");
}

TEST(NftFirewall, AJumpInACircleEnds) {
  Rules rules;
  rules.chains = {
      {.rules = {R"({"jump": {"target": "input"}})", R"({"jump": {"target": "input"}})"}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80).substr(0, 8), "depends:");
}

TEST(NftFirewall, ReadsVerdictMaps) {
  Rules rules;
  rules.chains = {{.policy = "drop",
                   .rules = {R"({"vmap": {"key": )" + kState +
                                 R"(, "data": {"set": [["invalid", {"drop": null}], )"
                                 R"(["established", {"accept": null}]]}}})",
                             R"({"vmap": {"key": )" + kPort +
                                 R"(, "data": {"set": [[80, {"accept": null}], )"
                                 R"([81, {"jump": {"target": "x"}}]]}}})"}},
                  {.name = "x", .hook = "", .rules = {R"({"reject": null})"}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "open");
  EXPECT_EQ(ask(rules, "0.0.0.0", 81), "rejected by inet t x");
  EXPECT_EQ(ask(rules, "0.0.0.0", 82), kDropped);
}

TEST(NftFirewall, AnAcceptEndsOneBaseChainNotTheNext) {
  Rules rules;
  rules.chains = {{.name = "late", .priority = 10, .rules = {kDrop}},
                  {.name = "early", .priority = -10, .rules = {kAccept}}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "dropped by inet t late");
}

TEST(NftFirewall, AWildcardListenerOfIPv6TakesBothFamilies) {
  Rules rules;
  rules.chains = {{.family = "ip6", .policy = "drop"}};
  EXPECT_EQ(ask(rules, "0.0.0.0", 80), "open");
  EXPECT_EQ(ask(rules, "::1", 80), "dropped by ip6 t input");
  EXPECT_EQ(ask(rules, "::", 80), "IPv4 open; IPv6 dropped by ip6 t input");
  rules.chains = {{.policy = "drop"}};
  EXPECT_EQ(ask(rules, "::", 80), kDropped);
}

TEST(NftFirewall, ReadsEachChainOnce) {
  Rules rules;
  rules.chains = {{.policy = "drop", .rules = {match(kPort, "==", "80") + ", " + kAccept}}};
  auto firewall = NftFirewall::read(rules);
  ASSERT_TRUE(firewall);
  for (uint16_t port = 80; port < 90; ++port) firewall->ask({ipv4(0, 0, 0, 0), port});
  EXPECT_EQ(rules.asked->size(), 2U);
}

TEST(NftFirewall, WhatItCannotReadIsNoAnswer) {
  const RunNft refused = [](const std::string&) -> Result<std::string> {
    return fail("Operation not permitted");
  };
  ASSERT_FALSE(NftFirewall::read(refused));
  const RunNft garbage = [](const std::string&) -> Result<std::string> { return "not json"; };
  ASSERT_FALSE(NftFirewall::read(garbage));
  Rules rules;  // chains that vanish between listing and reading
  rules.chains = {{.policy = "drop"}};
  auto firewall = NftFirewall::read([rules](const std::string& command) -> Result<std::string> {
    return command == "list chains" ? rules(command) : fail("No such file or directory");
  });
  ASSERT_TRUE(firewall);
  EXPECT_EQ(firewall->ask({ipv4(0, 0, 0, 0), 80}).passage, Passage::depends);
}

}  // namespace
}  // namespace tcpdx::host
