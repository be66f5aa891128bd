// Values worked out by hand from the definitions of the columns, and from sysstat's.
#include "view/rate_columns.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/text.hpp"
#include "view/counter_texts.hpp"
#include "view/test_readings.hpp"

namespace tcpdx::view {
namespace {

std::optional<double> value(std::string_view column, const CounterReading& before,
                            const CounterReading& now) {
  const RateColumn* const found = find_rate_column(column);
  if (found == nullptr) {
    ADD_FAILURE() << "no column " << column;
    return std::nullopt;
  }
  const auto quotient = found->of(*found, {&before, &now});
  return quotient ? value_of(*quotient) : std::nullopt;
}

TEST(RateColumns, DivideByTheTimeThatReallyPassed) {
  const CounterReading before = reading(1, 0s, {{"Tcp.ActiveOpens", 100}});
  const CounterReading now = reading(1, 2500ms, {{"Tcp.ActiveOpens", 150}});
  EXPECT_EQ(value("act/s", before, now), 20.0);
}

TEST(RateColumns, ACounterThatWentDownIsNotKnown) {
  const CounterReading before = reading(1, 0s, {{"Tcp.OutRsts", 100}});
  const CounterReading now = reading(1, 1s, {{"Tcp.OutRsts", 3}});
  EXPECT_EQ(value("OutRsts", before, now), std::nullopt);
}

// faults.md rule 7: (RetransSegs - TCPSynRetrans) / TCPOrigDataSent. An inbound SYN flood repeats
// SYN,ACKs and loses no data.
TEST(RateColumns, RetransmissionsAreOfDataAlone) {
  const CounterReading before = reading(
      1, 0s, {{"Tcp.RetransSegs", 0}, {"TcpExt.TCPSynRetrans", 0}, {"TcpExt.TCPOrigDataSent", 0}});
  const CounterReading flood = reading(
      1, 1s,
      {{"Tcp.RetransSegs", 258}, {"TcpExt.TCPSynRetrans", 258}, {"TcpExt.TCPOrigDataSent", 1000}});
  EXPECT_EQ(value("retransmission", before, flood), 0.0);
  const CounterReading loss = reading(
      1, 1s,
      {{"Tcp.RetransSegs", 268}, {"TcpExt.TCPSynRetrans", 258}, {"TcpExt.TCPOrigDataSent", 1000}});
  EXPECT_EQ(value("retransmission", before, loss), 0.01);
  const CounterReading read_in_between = reading(
      1, 1s,
      {{"Tcp.RetransSegs", 257}, {"TcpExt.TCPSynRetrans", 258}, {"TcpExt.TCPOrigDataSent", 1000}});
  EXPECT_EQ(value("retransmission", before, read_in_between), 0.0) << "never negative";
}

TEST(RateColumns, AShareOfNothingIsNotKnown) {
  const CounterReading one = reading(
      1, 0s, {{"Tcp.RetransSegs", 5}, {"TcpExt.TCPSynRetrans", 5}, {"TcpExt.TCPOrigDataSent", 9}});
  CounterReading later = one;
  later.at = 1s;
  EXPECT_EQ(value("retransmission", one, later), std::nullopt);
}

TEST(RateColumns, SocketsOfBothFamiliesAreOneNumber) {
  const CounterReading now =
      reading(1, 1s, {{"sockstat.TCP.inuse", 4}, {"sockstat6.TCP6.inuse", 3}});
  EXPECT_EQ(value("sockets", now, now), 7.0);
  const CounterReading without_ipv6 = reading(1, 1s, {{"sockstat.TCP.inuse", 4}});
  EXPECT_EQ(value("sockets", without_ipv6, without_ipv6), 4.0);
  const CounterReading nothing = reading(1, 1s, {{"sockstat6.TCP6.inuse", 3}});
  EXPECT_EQ(value("sockets", nothing, nothing), std::nullopt);
}

// Without the limits it is another namespace than the initial one.
TEST(RateColumns, WholeMachineSharesNeedTheirLimits) {
  CounterReading now = reading(1, 1s, {{"sockstat.TCP.mem", 50}, {"sockstat.TCP.orphan", 3}});
  EXPECT_EQ(value("memory", now, now), std::nullopt);
  EXPECT_EQ(value("orphans_used", now, now), std::nullopt);
  now.memory_limit = 200;
  now.orphan_limit = 30;
  EXPECT_EQ(value("mem%", now, now), 0.25);
  EXPECT_EQ(value("orphan%", now, now), 0.1);
  EXPECT_EQ(value("memory_pages", now, now), 50.0);
}

TEST(RateColumns, ConntrackIsHeldAgainstItsLimit) {
  const CounterReading now =
      reading(1, 1s, {{"nf_conntrack.count", 300}, {"nf_conntrack.max", 1200}});
  EXPECT_EQ(value("ct%", now, now), 0.25);
  const CounterReading no_tracking = reading(1, 1s, {{"nf_conntrack.max", 1200}});
  EXPECT_EQ(value("ct%", no_tracking, no_tracking), std::nullopt);
}

TEST(RateColumns, EachHasANameOfItsOwnAndATextForEachCounter) {
  std::set<std::string> names;
  for (const std::span<const RateColumn> columns : {rate_columns(), sar_columns()}) {
    for (const RateColumn& column : columns) {
      EXPECT_FALSE(column.asks().empty()) << column.name;
      EXPECT_NE(column.of, nullptr) << column.name;
      if (columns.data() == rate_columns().data()) {
        EXPECT_TRUE(names.insert(lower(column.name)).second) << column.name;
        EXPECT_EQ(find_rate_column(column.name), &column);
        EXPECT_EQ(find_rate_column(column.title), &column);
      }
      for (const std::string_view counter : column.asks()) {
        EXPECT_NE(find_counter_text(counter), nullptr) << counter;
      }
    }
  }
}

TEST(RateColumns, AreFoundByNameTitleAndCounter) {
  for (const std::string_view word :
       {"ListenOverflows", "listenoverflows", "TcpExt.ListenOverflows", "tcpext.LISTENOVERFLOWS"}) {
    ASSERT_NE(find_rate_column(word), nullptr) << word;
    EXPECT_EQ(find_rate_column(word)->counters[0], "TcpExt.ListenOverflows");
  }
  EXPECT_EQ(find_rate_column("atmptf/s")->counters[0], "Tcp.AttemptFails") << "sar's name";
  EXPECT_EQ(find_rate_column("colour"), nullptr);
  EXPECT_EQ(find_rate_column(""), nullptr);
}

TEST(RateColumns, AnyCounterMayBeAColumn) {
  Counters known;
  known.set("TcpExt.TCPHPHits", 4);
  known.set("sockstat.UDP.mem", 7);
  known.sort();
  const auto columns = parse_rate_columns("tw, tcphphits,sockstat.UDP.mem", known);
  ASSERT_TRUE(columns.has_value()) << columns.error().sentence;
  ASSERT_EQ(columns->size(), 3U);
  EXPECT_EQ(columns->at(0).name, "time_wait");
  EXPECT_EQ(columns->at(1).counters[0], "TcpExt.TCPHPHits");
  EXPECT_EQ(columns->at(1).kind, RateKind::per_second);
  EXPECT_EQ(columns->at(2).kind, RateKind::now) << "a level has no rate";
  const auto wrong = parse_rate_columns("tw,colo\x1b[2Jur", known);
  ASSERT_FALSE(wrong.has_value());
  EXPECT_EQ(wrong.error().sentence.find('\x1b'), std::string::npos);
  EXPECT_FALSE(parse_rate_columns("tw,", known).has_value());
}

// sysstat, pr_stats.c: the headings of print_net_sock_stats, print_net_tcp_stats ...
TEST(RateColumns, SarsAreInItsOrder) {
  std::string titles;
  for (const RateColumn& column : sar_columns()) titles += std::string(column.title) + ' ';
  EXPECT_EQ(titles,
            "totsck tcpsck udpsck rawsck ip-frag tcp-tw tcp6sck udp6sck raw6sck ip6-frag active/s "
            "passive/s iseg/s oseg/s atmptf/s estres/s retrans/s isegerr/s orsts/s ");
}

TEST(RateColumns, QuietIsWhereNothingRises) {
  const CounterReading before = reading(1, 0s, {{"Tcp.InSegs", 5}, {"softnet.processed", 1}});
  const CounterReading still = reading(1, 1s, {{"Tcp.InSegs", 5}, {"softnet.processed", 900}});
  EXPECT_TRUE(is_quiet({&before, &still})) << "softnet is of the whole machine";
  const CounterReading busy = reading(1, 1s, {{"Tcp.InSegs", 6}, {"softnet.processed", 900}});
  EXPECT_FALSE(is_quiet({&before, &busy}));
}

}  // namespace
}  // namespace tcpdx::view
