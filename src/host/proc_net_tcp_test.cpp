// Rows as net/ipv4/tcp_ipv4.c and net/ipv6/tcp_ipv6.c print them on a little-endian machine.
#include "host/proc_net_tcp.hpp"

#include <gtest/gtest.h>

#include <bit>
#include <cstdio>
#include <fstream>

#include "base/test_folder.hpp"

namespace tcpdx::host {
namespace {

static_assert(std::endian::native == std::endian::little, "the rows below are of such a machine");

constexpr std::string_view kHeading =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
    "inode";
constexpr std::string_view kListen =
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000003 00:00000000 00000000  1000        0 "
    "23456 1 0000000000000000 100 0 0 10 0";
constexpr std::string_view kRetransmitting =
    "  17: 0A00020F:C001 08080808:01BB 01 000001F4:00000000 01:00000014 00000002    33        0 "
    "99 2 0000000000000000 40 4 30 10 -1";
constexpr std::string_view kTimeWait =
    "   2: 0100007F:0050 0100007F:8001 06 00000000:00000000 03:00001770 00000000     0        0 "
    "0 3 0000000000000000";
constexpr std::string_view kIPv6 =
    "   1: B80D0120000000000000000001000000:0016 B80D0120000000000000000002000000:D431 08 "
    "00000000:00000001 00:00000000 00000000     0        0 777 1 0000000000000000 20 4 0 10 -1";

TEST(ProcNetTcp, ReadsAListener) {
  const auto socket = parse_proc_net_tcp_row(kListen, Family::v4);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(to_string(socket->local), "127.0.0.1:8080");
  EXPECT_EQ(socket->state, tcp::State::listen);
  EXPECT_EQ(socket->recv_q, 3U);
  EXPECT_EQ(socket->uid, 1000U);
  EXPECT_EQ(socket->inode, 23456U);
  EXPECT_EQ(socket->timer.kind, TimerKind::none);
}

TEST(ProcNetTcp, ReadsQueuesAndTimers) {
  const auto socket = parse_proc_net_tcp_row(kRetransmitting, Family::v4);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(to_string(socket->remote), "8.8.8.8:443");
  EXPECT_EQ(socket->send_q, 500U);
  EXPECT_EQ(socket->timer.kind, TimerKind::retransmit);
  EXPECT_EQ(socket->timer.expires_ms, 200U);
  EXPECT_EQ(socket->timer.retransmits, 2);
  const auto waiting = parse_proc_net_tcp_row(kTimeWait, Family::v4);
  ASSERT_TRUE(waiting.has_value());
  EXPECT_EQ(waiting->state, tcp::State::time_wait);
  EXPECT_EQ(waiting->timer.expires_ms, 60'000U);
}

TEST(ProcNetTcp, ReadsIPv6) {
  const auto socket = parse_proc_net_tcp_row(kIPv6, Family::v6);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(to_string(socket->local), "[2001:db8::1]:22");
  EXPECT_EQ(to_string(socket->remote), "[2001:db8::2]:54321");
  EXPECT_EQ(socket->state, tcp::State::close_wait);
}

TEST(ProcNetTcp, ATimerThatIsPastExpiresNow) {
  std::string row(kRetransmitting);
  row.replace(row.find("01:00000014"), 11, "01:FFFFFFFE");
  const auto socket = parse_proc_net_tcp_row(row, Family::v4);
  ASSERT_TRUE(socket.has_value());
  EXPECT_EQ(socket->timer.expires_ms, 0U);
}

TEST(ProcNetTcp, HeadingsAndDamagedRowsAreNoSockets) {
  EXPECT_FALSE(parse_proc_net_tcp_row(kHeading, Family::v4));
  EXPECT_FALSE(parse_proc_net_tcp_row("", Family::v4));
  EXPECT_FALSE(parse_proc_net_tcp_row(kIPv6, Family::v4));
  EXPECT_FALSE(parse_proc_net_tcp_row(kListen, Family::v6));
  const size_t needed = kListen.find("23456");
  for (size_t length = 0; length < needed; ++length) {
    EXPECT_FALSE(parse_proc_net_tcp_row(kListen.substr(0, length), Family::v4)) << length;
  }
}

TEST(ProcNetTcp, ReadsTablesLargerThanOnePiece) {
  const TestFolder folder;
  const std::string path = folder / "tcp";
  constexpr size_t kRows = 1000;
  {
    std::ofstream file(path);
    file << kHeading << '\n' << kListen << '\n';
    for (size_t i = 0; i < kRows; ++i) file << kRetransmitting << '\n';
  }
  std::vector<Socket> sockets;
  ASSERT_TRUE(read_proc_net_tcp(path, Family::v4, false, 4, sockets).has_value());
  EXPECT_EQ(sockets.size(), kRows + 1);
  EXPECT_EQ(sockets.back().netns, 4);
  EXPECT_EQ(sockets.back().inode, 99U);
  sockets.clear();
  ASSERT_TRUE(read_proc_net_tcp(path, Family::v4, true, 0, sockets).has_value());
  ASSERT_EQ(sockets.size(), 1U);
  EXPECT_EQ(sockets[0].state, tcp::State::listen);
  std::remove(path.c_str());
  EXPECT_FALSE(read_proc_net_tcp(path, Family::v4, true, 0, sockets).has_value());
}

}  // namespace
}  // namespace tcpdx::host
