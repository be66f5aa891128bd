#include "lab/topology.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace tcpdx::lab {
namespace {

std::string via(const Host& host, std::string_view network) {
  const auto at = std::ranges::find(host.routes, parse_prefix(network), &Route::to);
  return at == host.routes.end() || !at->via ? std::string{} : to_string(*at->via);
}

//   a ── net1 ── r ── net2 ── b
TEST(Topology, a_chain_knows_its_ways) {
  const Topology made = chain({"a", "r", "b"});
  ASSERT_TRUE(check(made)) << check(made).error().sentence;
  EXPECT_EQ(via(made.hosts[0], "10.99.2.0/24"), "10.99.1.2");
  EXPECT_EQ(via(made.hosts[0], "fd99:2::/64"), "fd99:1::2");
  EXPECT_EQ(via(made.hosts[0], "10.99.1.0/24"), "");  // its own
  EXPECT_TRUE(made.hosts[1].routes.empty());
  EXPECT_EQ(via(made.hosts[2], "fd99:1::/64"), "fd99:2::1");
  EXPECT_FALSE(made.hosts[0].forwards);
  EXPECT_TRUE(made.hosts[1].forwards);
}

//   a ── 1 ── r ── 2 ── b
//   └──────── 3 ────────┘
TEST(Topology, routes_take_the_fewest_links) {
  Topology ring{.hosts = {{.name = "a"}, {.name = "r"}, {.name = "b"}}, .links = {}};
  const auto link = [&](const char* left, const char* right, int number) {
    const auto end = [&](const char* host, int place) {
      const auto address = fmt::format("10.0.{}.{}/24", number, place);
      return LinkEnd{.host = host,
                     .device = fmt::format("d{}", number),
                     .addresses = {parse_prefix(address).value()}};
    };
    ring.links.push_back({.ends = {end(left, 1), end(right, 2)}});
  };
  link("a", "r", 1);
  link("r", "b", 2);
  link("a", "b", 3);
  add_routes(ring);
  EXPECT_EQ(ring.hosts[0].routes.size(), 1U);
  EXPECT_EQ(via(ring.hosts[0], "10.0.2.0/24"), "10.0.1.2");
  ASSERT_EQ(ring.hosts[2].routes.size(), 1U);
  EXPECT_TRUE(via(ring.hosts[2], "10.0.1.0/24") == "10.0.2.1" ||  // both are one link away
              via(ring.hosts[2], "10.0.1.0/24") == "10.0.3.1");
  EXPECT_EQ(ring.hosts[1].routes.size(), 1U);
}

TEST(Topology, says_what_cannot_be) {
  const auto complaint = [](const std::function<void(Topology&)>& spoil) {
    Topology made = chain({"a", "b"});
    spoil(made);
    const auto checked = check(made);
    return checked ? std::string("nothing") : checked.error().sentence;
  };
  EXPECT_EQ(complaint([](Topology&) {}), "nothing");
  EXPECT_EQ(complaint([](Topology& t) { t.hosts[1].name = "a"; }),
            "a host has no name, or the name 'a' is there twice");
  EXPECT_EQ(complaint([](Topology& t) { t.links[0].ends[0].host = "c"; }),
            "a link ends at 'c', which is no host");
  EXPECT_EQ(complaint([](Topology& t) { t.links[0].ends[0].mtu = 67; }),
            "net1 of a: MTU 67 is below 68");
  EXPECT_EQ(complaint([](Topology& t) { t.links[0].ends[0].sends = Impairment{.loss = 1.1}; }),
            "net1 of a: a probability lies between 0 and 1");
  EXPECT_EQ(complaint([](Topology& t) { t.hosts[0].sysctls = {{"kernel.panic", "1"}}; }),
            "a: 'kernel.panic' is no setting of a network namespace");
  for (const char* leaves : {"net.//.kernel.panic", "net...kernel.panic", "net/../kernel/panic"}) {
    EXPECT_NE(complaint([&](Topology& t) {
                t.hosts[0].sysctls = {{leaves, "1"}};
              }).find("is no setting of a network namespace"),
              std::string::npos)
        << leaves;
  }
  EXPECT_EQ(complaint([](Topology& t) { t.hosts[0].servers = {{.port = 1}, {.port = 1}}; }),
            "a: a server's port is 0 or 1 has two");
  EXPECT_EQ(complaint([](Topology& t) { t.hosts[0].routes.push_back({.to = {}}); }),
            "a: the route to 0.0.0.0/0 leads nowhere");
  EXPECT_NE(complaint([](Topology& t) { t.links[0].ends[0].device = "sixteen_octets__"; }),
            "nothing");
}

TEST(Topology, reads_prefixes) {
  EXPECT_EQ(to_string(parse_prefix("10.0.0.1/24").value()), "10.0.0.1/24");
  for (const char* text : {"", "10.0.0.1", "10.0.0.1/33", "fd00::1/129", "fd00::1/", "x/1"}) {
    EXPECT_FALSE(parse_prefix(text)) << text;
  }
}

}  // namespace
}  // namespace tcpdx::lab
