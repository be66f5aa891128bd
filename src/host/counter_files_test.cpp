// The kernel's own file formats (net/ipv4/proc.c, net/ipv6/proc.c, net/core/net-procfs.c).
#include "host/counter_files.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

constexpr std::string_view kSnmp =
    "Ip: Forwarding DefaultTTL\n"
    "Ip: 1 64\n"
    "Tcp: RtoAlgorithm MaxConn ActiveOpens InCsumErrors\n"
    "Tcp: 1 -1 18446744073709551615 0\n";

TEST(CounterFiles, ReadsSnmp) {
  Counters counters;
  parse_snmp(kSnmp, counters);
  counters.sort();
  EXPECT_EQ(counters.get("Ip.DefaultTTL"), 64U);
  EXPECT_EQ(counters.get("Tcp.ActiveOpens"), UINT64_MAX);
  EXPECT_EQ(counters.get("Tcp.InCsumErrors"), 0U);
  EXPECT_EQ(counters.get("Tcp.MaxConn"), std::nullopt) << "-1 is no count";
  EXPECT_EQ(counters.get("Tcp.OutRsts"), std::nullopt);
}

TEST(CounterFiles, MoreNamesThanValuesLeaveTheRestUnknown) {
  Counters counters;
  parse_snmp("TcpExt: A B C\nTcpExt: 1 2\nIpExt: D\n", counters);
  counters.sort();
  EXPECT_EQ(counters.get("TcpExt.B"), 2U);
  EXPECT_EQ(counters.get("TcpExt.C"), std::nullopt);
  EXPECT_EQ(counters.all().size(), 2U);
}

TEST(CounterFiles, NamesAndValuesOfDifferentGroupsAreNotMixed) {
  Counters counters;
  parse_snmp("Tcp: A\nUdp: B\nUdp: 7\n", counters);
  ASSERT_EQ(counters.all().size(), 1U);
  EXPECT_EQ(counters.all()[0].first, "Udp.B");
}

TEST(CounterFiles, ReadsSnmp6) {
  Counters counters;
  parse_snmp6("Ip6OutNoRoutes                  \t5\nbroken\nIp6InReceives x\n", counters);
  ASSERT_EQ(counters.all().size(), 1U);
  counters.sort();
  EXPECT_EQ(counters.get("Ip6OutNoRoutes"), 5U);
}

constexpr std::string_view kSockstat =
    "sockets: used 14\n"
    "TCP: inuse 4 orphan 2 tw 3 alloc 9 mem 256\n"
    "UDP: inuse 1 mem 0\n";

TEST(CounterFiles, KeepsWholeMachineSumsOnlyWhereWanted) {
  Counters initial;
  parse_sockstat(kSockstat, "sockstat", true, initial);
  initial.sort();
  EXPECT_EQ(initial.get("sockstat.sockets.used"), 14U);
  EXPECT_EQ(initial.get("sockstat.TCP.inuse"), 4U);
  EXPECT_EQ(initial.get("sockstat.TCP.orphan"), 2U);
  EXPECT_EQ(initial.get("sockstat.TCP.mem"), 256U);
  Counters child;
  parse_sockstat(kSockstat, "sockstat", false, child);
  child.sort();
  EXPECT_EQ(child.get("sockstat.TCP.tw"), 3U);
  EXPECT_EQ(child.get("sockstat.TCP.orphan"), std::nullopt);
  EXPECT_EQ(child.get("sockstat.TCP.alloc"), std::nullopt);
  EXPECT_EQ(child.get("sockstat.TCP.mem"), std::nullopt);
}

TEST(CounterFiles, ReadsSockstat6) {
  Counters counters;
  parse_sockstat("TCP6: inuse 8\n", "sockstat6", false, counters);
  counters.sort();
  EXPECT_EQ(counters.get("sockstat6.TCP6.inuse"), 8U);
}

TEST(CounterFiles, SumsSoftnetOverCpus) {
  const Softnet sum = parse_softnet(
      "00000011 00000001 0000000a 00000000\n000001d8 00000002 00000001 00000000\nbroken\n");
  EXPECT_EQ(sum.processed, 0x11U + 0x1d8U);
  EXPECT_EQ(sum.dropped, 3U);
  EXPECT_EQ(sum.squeezed, 11U);
}

// nf_conntrack_standalone.c, ct_cpu_seq_show: "%08x" per field, two blanks before expect_new.
TEST(CounterFiles, SumsConntrackOverCpus) {
  Counters counters;
  parse_conntrack_stat(
      "entries  clashres found invalid insert_failed drop  expect_new\n"
      "00000007  00000000 00000001 0000000a 00000002 00000000  00000000\n"
      "00000007  00000000 00000003 00000006 00000001 00000000  00000000\n",
      counters);
  counters.sort();
  EXPECT_EQ(counters.get("nf_conntrack.invalid"), 16U);
  EXPECT_EQ(counters.get("nf_conntrack.insert_failed"), 3U);
  EXPECT_EQ(counters.get("nf_conntrack.drop"), 0U);
  EXPECT_EQ(counters.get("nf_conntrack.entries"), std::nullopt) << "no sum: the same on each line";
}

TEST(CounterFiles, DamagedConntrackLinesAreLeftOut) {
  Counters counters;
  parse_conntrack_stat("entries found drop\n", counters);
  parse_conntrack_stat("", counters);
  EXPECT_TRUE(counters.all().empty()) << "no CPU, no value";
  parse_conntrack_stat("entries found drop\n0 2 1\n0 x 1\n", counters);
  counters.sort();
  EXPECT_EQ(counters.get("nf_conntrack.found"), 2U);
  EXPECT_EQ(counters.get("nf_conntrack.drop"), 1U);
}

TEST(CounterFiles, ReadsAWholeTree) {
  const TestFolder own;
  const std::filesystem::path& proc = own.path();
  std::filesystem::create_directories(proc / "thread-self/net");
  std::filesystem::create_directories(proc / "sys/net/netfilter");
  std::ofstream(proc / "thread-self/net/snmp") << kSnmp;
  std::ofstream(proc / "thread-self/net/sockstat") << kSockstat;
  std::ofstream(proc / "sys/net/netfilter/nf_conntrack_count") << "17\n";
  const Counters counters = read_counters(proc, true);
  EXPECT_EQ(counters.get("Ip.Forwarding"), 1U);
  EXPECT_EQ(counters.get("sockstat.TCP.tw"), 3U);
  EXPECT_EQ(counters.get("nf_conntrack.count"), 17U);
  EXPECT_EQ(counters.get("nf_conntrack.max"), std::nullopt) << "no such file";
}

}  // namespace
}  // namespace tcpdx::host
