#include "lab/topology_json.hpp"

#include <gtest/gtest.h>

namespace tcpdx::lab {
namespace {

TEST(TopologyJson, reads_what_is_written) {
  const auto read = read_topology(R"({
    "hosts": [{"name": "a"},
              {"name": "b", "forwards": true, "sysctls": {"net.ipv4.icmp_ratelimit": "0"},
               "rules": "table inet f {}",
               "routes": [{"to": "10.7.0.0/16", "kind": "blackhole"}],
               "servers": [{"port": 80, "service": "reply", "octets": 9000, "after_ms": 2.5}]}],
    "links": [{"ends": [{"host": "a", "device": "x", "addresses": ["10.1.0.1/24", "fd00::1/64"],
                         "sends": {"delay_ms": 5, "loss": 0.1, "queue_length": 3, "mtu": 1400,
                                   "tells_mtu": true, "seed": 7}},
                        {"host": "b", "device": "y", "addresses": ["10.1.0.2/24"], "mtu": 1400}]}]
  })");
  ASSERT_TRUE(read) << read.error().sentence;
  ASSERT_EQ(read->hosts.size(), 2U);
  const Host& b = read->hosts[1];
  EXPECT_TRUE(b.forwards);
  EXPECT_EQ(b.sysctls.at(0).name, "net.ipv4.icmp_ratelimit");
  EXPECT_EQ(b.routes.at(0).kind, RouteKind::blackhole);
  EXPECT_EQ(b.servers.at(0).service, Service::reply);
  EXPECT_EQ(b.servers.at(0).after, 2500us);
  ASSERT_EQ(read->links.size(), 1U);
  const auto& [first, second] = read->links[0].ends;
  EXPECT_EQ(to_string(first.addresses.at(1)), "fd00::1/64");
  ASSERT_TRUE(first.sends);
  EXPECT_EQ(first.sends->delay, 5ms);
  EXPECT_EQ(first.sends->mtu, 1400U);
  EXPECT_EQ(first.sends->seed, 7U);
  EXPECT_FALSE(second.sends);
  EXPECT_EQ(second.mtu, 1400);
  EXPECT_TRUE(check(*read));
}

TEST(TopologyJson, adds_to_a_chain) {
  const auto read = read_topology(R"({"chain": ["a", "r", "b"],
    "hosts": [{"name": "r", "rules": "x"}],
    "sends": [{"link": 1, "end": 1, "loss": 0.5}]})");
  ASSERT_TRUE(read) << read.error().sentence;
  const Topology plain = chain({"a", "r", "b"});
  ASSERT_EQ(read->hosts.size(), 3U);
  EXPECT_EQ(read->hosts[1].rules, "x");
  EXPECT_TRUE(read->hosts[1].forwards);
  EXPECT_EQ(read->hosts[0].routes.size(), plain.hosts[0].routes.size());
  ASSERT_TRUE(read->links[1].ends[1].sends);
  EXPECT_DOUBLE_EQ(read->links[1].ends[1].sends->loss, 0.5);
  EXPECT_TRUE(read->links[0].is_cable());
}

TEST(TopologyJson, says_what_is_wrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"{", "this is no JSON"},
      {"[]", "a topology is no object"},
      {R"({"host": []})", "a topology has no \"host\""},
      {R"({"hosts": [{"name": 1}]})", "\"name\" is no text"},
      {R"({"hosts": [{"servers": [{"port": 65536}]}]})", "\"port\" is no number from 0 to 65535"},
      {R"({"hosts": [{"servers": [{"port": -1}]}]})", "\"port\" is no number from 0 to 65535"},
      {R"({"hosts": [{"servers": [{"service": "smtp"}]}]})", "no server does 'smtp'"},
      {R"({"hosts": [{"routes": [{"to": "10.0.0.0/33"}]}]})",
       "'10.0.0.0/33' is no address with the length of its prefix"},
      {R"({"hosts": [{"routes": [{"kind": "throw"}]}]})", "'throw' is no kind of route"},
      {R"({"links": [{"ends": []}]})", "\"ends\" is no list of two"},
      {R"({"chain": ["a", "b"], "sends": [{"link": 1, "end": 0}]})",
       "the chain has no link 1 with an end 0"},
      {R"({"chain": ["a", "b"], "sends": [{"loss": 1}]})",
       "an entry of \"sends\" has no \"link\" or no \"end\""},
  };
  for (const auto& [text, sentence] : cases) {
    const auto read = read_topology(text);
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().sentence, sentence);
  }
}

TEST(TopologyJson, reads_an_impairment_alone) {
  const auto read = read_impairment(R"({"rate": 125000, "queue": 3000, "jitter_ms": 1.5})");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->rate, 125'000U);
  EXPECT_EQ(read->jitter, 1500us);
  EXPECT_FALSE(read_impairment(R"({"delay_ms": -1})"));
  EXPECT_FALSE(read_impairment(R"({"delay": 1})"));
}

}  // namespace
}  // namespace tcpdx::lab
