// Counters and sysctls: absent is not zero.
#include "model/counters.hpp"

#include <gtest/gtest.h>

namespace tcpdx {
namespace {

TEST(Counters, AbsentIsNotZero) {
  Counters counters;
  counters.sort();
  EXPECT_EQ(counters.get("Tcp.ActiveOpens"), std::nullopt);
  counters.set("TcpExt.ListenOverflows", 0);
  counters.set("Tcp.ActiveOpens", 7);
  counters.set("sockstat.TCP.tw", UINT64_MAX);
  counters.sort();
  EXPECT_EQ(counters.get("TcpExt.ListenOverflows"), 0U);
  EXPECT_EQ(counters.get("Tcp.ActiveOpens"), 7U);
  EXPECT_EQ(counters.get("sockstat.TCP.tw"), UINT64_MAX);
  EXPECT_EQ(counters.get("Tcp.ActiveOpen"), std::nullopt);
  EXPECT_EQ(counters.get("z"), std::nullopt);
  EXPECT_EQ(counters.all().size(), 3U);
}

TEST(Sysctls, HoldOneOrSeveralNumbers) {
  Sysctls sysctls;
  sysctls.set("net.ipv4.tcp_rmem", "4096\t131072\t6291456");
  sysctls.set("net.ipv4.tcp_congestion_control", "cubic");
  EXPECT_EQ(sysctls.number("net.ipv4.tcp_rmem"), 4096U);
  EXPECT_EQ(sysctls.number("net.ipv4.tcp_rmem", 2), 6291456U);
  EXPECT_EQ(sysctls.number("net.ipv4.tcp_rmem", 3), std::nullopt);
  EXPECT_EQ(sysctls.text("net.ipv4.tcp_congestion_control"), "cubic");
  EXPECT_EQ(sysctls.number("net.ipv4.tcp_congestion_control"), std::nullopt);
  EXPECT_EQ(sysctls.text("net.ipv4.none"), std::nullopt);
  EXPECT_EQ(sysctls.number("net.ipv4.none"), std::nullopt);
}

}  // namespace
}  // namespace tcpdx
