#include "probe/resolv_conf.hpp"

#include <gtest/gtest.h>

namespace tcpdx::probe {
namespace {

using Names = std::vector<std::string>;

TEST(ResolvConfTest, ReadsWhatGlibcReads) {
  const ResolvConf conf = parse_resolv_conf(
      "# made by hand\n"
      "domain old.example\n"
      "nameserver 192.0.2.1\n"
      "nameserver fe80::1%eth0 ; a comment\n"
      "search one.example  two.example\n"
      "options ndots:5 timeout:1 attempts:9 rotate\n"
      "nameserver 192.0.2.3\n"
      "nameserver 192.0.2.4\n");
  EXPECT_EQ(conf.servers, (std::vector{ipv4(192, 0, 2, 1), parse_address("fe80::1").value(),
                                       ipv4(192, 0, 2, 3)}));
  EXPECT_TRUE(conf.configured);
  EXPECT_EQ(conf.search, (Names{"one.example", "two.example"}));
  EXPECT_EQ(conf.ndots, 5U);
  EXPECT_EQ(conf.timeout, 1s);
  EXPECT_EQ(conf.attempts, 5U);
}

TEST(ResolvConfTest, HasDefaults) {
  const ResolvConf conf = parse_resolv_conf("nameserver nonsense\noptions ndots: timeout:0\n\n");
  EXPECT_EQ(conf.servers, std::vector{ipv4(127, 0, 0, 1)});
  EXPECT_FALSE(conf.configured);
  EXPECT_TRUE(parse_resolv_conf("  nameserver 192.0.2.1\n").configured);
  EXPECT_EQ(conf.ndots, 1U);
  EXPECT_EQ(conf.timeout, 5s);
  EXPECT_EQ(conf.attempts, 2U);
}

TEST(ResolvConfTest, WalksTheSearchList) {
  const ResolvConf conf = parse_resolv_conf("search a.example b.example\noptions ndots:2\n");
  EXPECT_EQ(search_walk("host", conf), (Names{"host.a.example", "host.b.example", "host"}));
  EXPECT_EQ(search_walk("x.y", conf), (Names{"x.y.a.example", "x.y.b.example", "x.y"}));
  EXPECT_EQ(search_walk("x.y.z", conf), (Names{"x.y.z", "x.y.z.a.example", "x.y.z.b.example"}));
  EXPECT_EQ(search_walk("host.", conf), (Names{"host."}));
}

TEST(ResolvConfTest, FindsNamesInHosts) {
  constexpr std::string_view kHosts =
      "127.0.0.1 localhost\n"
      "192.0.2.9\tdb db.example # the old one\n"
      "#192.0.2.8 db\n"
      "2001:db8::9 DB\n"
      "broken\n";
  EXPECT_EQ(addresses_in_hosts(kHosts, "db"),
            (std::vector{ipv4(192, 0, 2, 9), parse_address("2001:db8::9").value()}));
  EXPECT_TRUE(addresses_in_hosts(kHosts, "old").empty());
}

}  // namespace
}  // namespace tcpdx::probe
