// The tcp_info table against linux/tcp.h and against a live loopback connection.
#include "model/socket.hpp"

#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <set>
#include <vector>

#include "base/file.hpp"

namespace tcpdx {
namespace {

struct Connection {
  Fd client;
  Fd server;
};

Connection connect_loopback() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* const generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  const Fd listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  Connection made{Fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)), Fd()};
  if (!listener || !made.client) return made;
  if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0 ||
      ::getsockname(listener.get(), generic, &size) != 0 ||
      ::connect(made.client.get(), generic, size) != 0) {
    return made;
  }
  made.server = Fd(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  return made;
}

std::vector<std::byte> kernel_info(const Fd& fd) {
  std::vector<std::byte> bytes(1024);
  socklen_t size = 1024;
  EXPECT_EQ(::getsockopt(fd.get(), IPPROTO_TCP, TCP_INFO, bytes.data(), &size), 0);
  bytes.resize(size);
  return bytes;
}

TEST(TcpInfo, TableHasEveryFieldOnce) {
  std::set<std::string_view> names;
  std::set<uint16_t> offsets;
  std::set<uint16_t> kernel_offsets;
  for (const TcpInfoField& field : tcp_info_fields()) {
    EXPECT_TRUE(names.insert(field.name).second) << field.name;
    EXPECT_TRUE(offsets.insert(field.offset).second) << field.name;
    EXPECT_TRUE(kernel_offsets.insert(field.kernel_offset).second) << field.name;
    EXPECT_EQ(tcp_info_field(field.name), &field);
  }
  EXPECT_EQ(tcp_info_field("drops"), nullptr);
  EXPECT_EQ(tcp_info_field("rcv_wnd")->kernel_offset, 232);
}

TEST(TcpInfo, AgreesWithTheKernelOnALiveConnection) {
  const Connection made = connect_loopback();
  ASSERT_TRUE(made.server);
  const std::array<char, 3000> data{};
  ASSERT_EQ(::send(made.client.get(), data.data(), data.size(), 0), 3000);
  std::array<char, 3000> got{};
  ASSERT_EQ(::recv(made.server.get(), got.data(), got.size(), MSG_WAITALL), 3000);
  ASSERT_EQ(::send(made.server.get(), data.data(), 1, 0), 1);
  ASSERT_EQ(::recv(made.client.get(), got.data(), 1, MSG_WAITALL), 1);

  const std::vector<std::byte> raw = kernel_info(made.client);
  tcp_info kernel{};
  std::memcpy(&kernel, raw.data(), std::min(raw.size(), sizeof kernel));
  TcpInfo ours;
  read_tcp_info(raw, ours);
  EXPECT_EQ(ours.known_bytes, raw.size());
  EXPECT_EQ(ours.bytes_acked, 3000U + 1);  // the SYN counts: tcp_ack() in net/ipv4/tcp_input.c
  EXPECT_EQ(ours.bytes_received, 1U);
  EXPECT_EQ(ours.bytes_sent, 3000U);
  EXPECT_EQ(ours.snd_mss, kernel.tcpi_snd_mss);
  EXPECT_EQ(ours.rtt_us, kernel.tcpi_rtt);
  EXPECT_EQ(ours.pmtu, kernel.tcpi_pmtu);
  EXPECT_EQ(ours.options, kernel.tcpi_options);
  EXPECT_EQ(ours.snd_cwnd, kernel.tcpi_snd_cwnd);
  EXPECT_EQ(ours.window_scales & 15U, kernel.tcpi_snd_wscale);
  EXPECT_EQ(ours.window_scales >> 4U, kernel.tcpi_rcv_wscale);
  EXPECT_EQ(known_value(ours, "bytes_sent"), 3000U);
}

TEST(TcpInfo, ReceiveWindowIsWhatThePeerMaySend) {
  const Connection made = connect_loopback();
  ASSERT_TRUE(made.server);
  ASSERT_EQ(::send(made.server.get(), "x", 1, 0), 1);
  std::array<char, 1> got{};
  ASSERT_EQ(::recv(made.client.get(), got.data(), 1, MSG_WAITALL), 1);
  TcpInfo client;
  TcpInfo server;
  read_tcp_info(kernel_info(made.client), client);
  read_tcp_info(kernel_info(made.server), server);
  if (!known_value(server, "rcv_wnd")) GTEST_SKIP() << "a kernel before 6.2";
  // What the server has offered is what the client believes, but for the scale's rounding.
  const uint32_t unit = 1U << (client.window_scales & 15U);
  EXPECT_GT(server.rcv_wnd, 0U);
  EXPECT_LT(server.rcv_wnd - client.snd_wnd + unit, 2 * unit);
}

TEST(TcpInfo, ShorterStructureLeavesFieldsUnknown) {
  std::vector<std::byte> bytes(104, std::byte{0xFF});  // Linux 2.6: ends with tcpi_total_retrans
  TcpInfo info;
  info.snd_wnd = 7;
  read_tcp_info(bytes, info);
  EXPECT_EQ(known_value(info, "total_retrans"), 0xFFFFFFFFU);
  EXPECT_EQ(known_value(info, "bytes_acked"), std::nullopt);
  EXPECT_EQ(info.snd_wnd, 0U);
  bytes.resize(103);
  read_tcp_info(bytes, info);
  EXPECT_EQ(known_value(info, "total_retrans"), std::nullopt);
  EXPECT_EQ(known_value(info, "ca_state"), 0xFFU);
  read_tcp_info({}, info);
  for (const TcpInfoField& field : tcp_info_fields()) EXPECT_FALSE(field_known(info, field));
  bytes.assign(100'000, std::byte{1});
  read_tcp_info(bytes, info);
  EXPECT_EQ(known_value(info, "bytes_sent"), 0x0101010101010101U);
}

TEST(Timer, WordsAreThoseOfSs) {
  EXPECT_EQ(to_string(TimerKind::none), "off");
  EXPECT_EQ(to_string(TimerKind::retransmit), "on");
  EXPECT_EQ(to_string(TimerKind::keepalive), "keepalive");
  EXPECT_EQ(to_string(TimerKind::time_wait), "timewait");
  EXPECT_EQ(to_string(TimerKind::persist), "persist");
}

TEST(Socket, StaysSmall) {
  // 100 000 sockets with their TcpInfo must fit 400 bytes each.
  EXPECT_LE(sizeof(Socket), 104U);
  EXPECT_LE(sizeof(TcpInfo), 240U);
}

}  // namespace
}  // namespace tcpdx
