#include "probe/target.hpp"

#include <gtest/gtest.h>

namespace tcpdx::probe {
namespace {

TEST(Target, HasHostAndPort) {
  struct Row {
    const char* text;
    const char* host;
    int port;  // 0: none
  };
  for (const Row row :
       {Row{"example.net", "example.net", 0}, Row{"192.0.2.1", "192.0.2.1", 0},
        Row{"example.net:443", "example.net", 443}, Row{"192.0.2.1:9502", "192.0.2.1", 9502},
        Row{"2001:db8::1", "2001:db8::1", 0}, Row{"::1", "::1", 0},
        Row{"[2001:db8::1]", "2001:db8::1", 0}, Row{"[2001:db8::1]:80", "2001:db8::1", 80}}) {
    const auto target = parse_target(row.text);
    ASSERT_TRUE(target) << row.text << ": " << target.error().sentence;
    EXPECT_EQ(target->host, row.host);
    EXPECT_EQ(target->port.value_or(0), row.port);
  }
}

TEST(Target, RefusesWhatNamesNoHost) {
  for (const char* text :
       {"", ":80", "a:0", "a:70000", "a:no-such-service", "[::1", "[]:80", "http://a/", "a b"}) {
    EXPECT_FALSE(parse_target(text)) << text;
  }
}

TEST(Target, IsLookedUpOnlyWhereItIsAName) {
  EXPECT_EQ(resolve("192.0.2.7", {}).value(), std::vector{ipv4(192, 0, 2, 7)});
  EXPECT_FALSE(resolve("192.0.2.7", Family::v6));
  EXPECT_EQ(resolve("::ffff:192.0.2.7", {}).value(), std::vector{ipv4(192, 0, 2, 7)});
  EXPECT_FALSE(resolve("", {}));
  const auto local = resolve("localhost", Family::v4);
  ASSERT_TRUE(local) << local.error().sentence;
  EXPECT_EQ(local->front(), ipv4(127, 0, 0, 1));
}

// RFC 8305 4, with a First Address Family Count of 1.
TEST(Target, RacesByTurnsOfBothFamilies) {
  const IpAddress six1 = parse_address("2001:db8::1").value_or(IpAddress{});
  const IpAddress six2 = parse_address("2001:db8::2").value_or(IpAddress{});
  const IpAddress six3 = parse_address("2001:db8::3").value_or(IpAddress{});
  const IpAddress four1 = ipv4(192, 0, 2, 1);
  const IpAddress four2 = ipv4(192, 0, 2, 2);
  EXPECT_EQ(racing_order({six1, six2, six3, four1, four2}),
            (std::vector{six1, four1, six2, four2, six3}));
  EXPECT_EQ(racing_order({four1, four2, six1}), (std::vector{four1, six1, four2}));
  EXPECT_EQ(racing_order({six1, six2}), (std::vector{six1, six2}));
  EXPECT_TRUE(racing_order({}).empty());
}

}  // namespace
}  // namespace tcpdx::probe
