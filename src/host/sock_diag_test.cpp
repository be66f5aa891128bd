// Messages made by hand after linux/inet_diag.h, whole and damaged.
#include "host/sock_diag.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>

#include <array>
#include <cstring>
#include <string>

namespace tcpdx::host {
namespace {

class Message {
 public:
  Message(uint8_t family, uint8_t state) {
    fixed_.idiag_family = family;
    fixed_.idiag_state = state;
    fixed_.idiag_timer = 2;
    fixed_.idiag_retrans = 3;
    fixed_.idiag_expires = 6500;
    fixed_.idiag_rqueue = 11;
    fixed_.idiag_wqueue = 12;
    fixed_.idiag_uid = 33;
    fixed_.idiag_inode = 4242;
    fixed_.id.idiag_sport = htons(443);
    fixed_.id.idiag_dport = htons(50001);
    fixed_.id.idiag_if = 2;
    fixed_.id.idiag_cookie[0] = 0x55667788;
    fixed_.id.idiag_cookie[1] = 0x11223344;
    const char* local = family == AF_INET ? "192.0.2.1" : "2001:db8::1";
    const char* remote = family == AF_INET ? "198.51.100.7" : "2001:db8::2";
    inet_pton(family, local, fixed_.id.idiag_src);
    inet_pton(family, remote, fixed_.id.idiag_dst);
  }

  Message& with(uint16_t type, const void* value, size_t length) {
    const nlattr head{static_cast<uint16_t>(sizeof(nlattr) + length), type};
    add(&head, sizeof head);
    add(value, length);
    return *this;
  }

  std::vector<std::byte> bytes() const {
    std::vector<std::byte> all(sizeof fixed_);
    std::memcpy(all.data(), &fixed_, sizeof fixed_);
    all.insert(all.end(), attributes_.begin(), attributes_.end());
    return all;
  }

 private:
  void add(const void* data, size_t length) {
    const auto* begin = static_cast<const std::byte*>(data);
    attributes_.insert(attributes_.end(), begin, begin + length);
    attributes_.resize(netlink_aligned(attributes_.size()));
  }

  inet_diag_msg fixed_{};
  std::vector<std::byte> attributes_;
};

constexpr uint8_t kEstablished = 1;  // net/tcp_states.h
constexpr uint8_t kTimeWait = 6;
constexpr uint8_t kListen = 10;
constexpr uint8_t kNewSynRecv = 12;

Message established() {
  tcp_info info{};
  info.tcpi_snd_cwnd = 10;
  info.tcpi_rtt = 12345;
  const std::array<uint32_t, SK_MEMINFO_VARS> memory{1, 131072, 2, 16384, 5, 6, 7, 8, 9};
  const uint8_t shutdown = 2;
  const uint32_t mark = 77;
  const uint64_t cgroup = 0x1234567890;
  return Message(AF_INET, kEstablished)
      .with(INET_DIAG_INFO, &info, sizeof info)
      .with(INET_DIAG_SKMEMINFO, memory.data(), sizeof memory)
      .with(INET_DIAG_CONG, "cubic", 6)
      .with(INET_DIAG_SHUTDOWN, &shutdown, sizeof shutdown)
      .with(INET_DIAG_MARK, &mark, sizeof mark)
      .with(INET_DIAG_CGROUP_ID, &cgroup, sizeof cgroup);
}

TEST(SockDiag, ReadsAConnection) {
  const auto bytes = established().bytes();
  DiagMessage message;
  ASSERT_TRUE(read_diag_message(bytes, message));
  const Socket& socket = message.socket;
  EXPECT_EQ(to_string(socket.local), "192.0.2.1:443");
  EXPECT_EQ(to_string(socket.remote), "198.51.100.7:50001");
  EXPECT_EQ(socket.cookie, 0x1122334455667788U);
  EXPECT_EQ(socket.state, tcp::State::established);
  EXPECT_EQ(socket.timer.kind, TimerKind::keepalive);
  EXPECT_EQ(socket.timer.retransmits, 3);
  EXPECT_EQ(socket.timer.expires_ms, 6500U);
  EXPECT_EQ(socket.recv_q, 11U);
  EXPECT_EQ(socket.send_q, 12U);
  EXPECT_EQ(socket.uid, 33U);
  EXPECT_EQ(socket.inode, 4242U);
  EXPECT_EQ(socket.interface, 2U);
  EXPECT_EQ(socket.shutdown, 2);
  EXPECT_EQ(socket.mark, 77U);
  EXPECT_EQ(socket.cgroup_id, 0x1234567890U);
  EXPECT_EQ(message.congestion, "cubic");
  ASSERT_TRUE(message.has_info);
  EXPECT_EQ(message.info.snd_cwnd, 10U);
  EXPECT_EQ(message.info.rtt_us, 12345U);
  EXPECT_EQ(message.info.mem_receive_max, 131072U);
  EXPECT_EQ(message.info.mem_send, 6U);
  EXPECT_EQ(message.info.drops, 9U);
}

TEST(SockDiag, ReadsIPv6AndRequestSockets) {
  DiagMessage message;
  ASSERT_TRUE(read_diag_message(Message(AF_INET6, kNewSynRecv).bytes(), message));
  EXPECT_EQ(to_string(message.socket.local), "[2001:db8::1]:443");
  EXPECT_EQ(message.socket.state, tcp::State::syn_received);
  EXPECT_FALSE(message.has_info);
}

TEST(SockDiag, AListenerHasDropsButNoTcpInfo) {
  tcp_info info{};
  info.tcpi_unacked = 3;  // the kernel puts the length of the accept queue here
  const std::array<uint32_t, SK_MEMINFO_VARS> memory{0, 0, 0, 0, 0, 0, 0, 0, 8};
  const auto bytes = Message(AF_INET, kListen)
                         .with(INET_DIAG_SKMEMINFO, memory.data(), sizeof memory)
                         .with(INET_DIAG_INFO, &info, sizeof info)
                         .bytes();
  DiagMessage message;
  ASSERT_TRUE(read_diag_message(bytes, message));
  EXPECT_TRUE(message.has_info);
  EXPECT_EQ(message.info.drops, 8U);
  EXPECT_EQ(message.info.known_bytes, 0);
  EXPECT_EQ(message.info.unacked, 0U);
}

TEST(SockDiag, KeepsNothingOfTheMessageBefore) {
  DiagMessage message;
  ASSERT_TRUE(read_diag_message(established().bytes(), message));
  ASSERT_TRUE(read_diag_message(Message(AF_INET, kTimeWait).bytes(), message));
  EXPECT_FALSE(message.has_info);
  EXPECT_EQ(message.socket.mark, 0U);
  EXPECT_TRUE(message.congestion.empty());
}

TEST(SockDiag, ShortAndUnknownMessagesAreNoSockets) {
  DiagMessage message;
  std::vector<std::byte> bytes = Message(AF_INET, kEstablished).bytes();
  bytes.pop_back();
  EXPECT_FALSE(read_diag_message(bytes, message));
  EXPECT_FALSE(read_diag_message({}, message));
  EXPECT_FALSE(read_diag_message(Message(AF_UNIX, kEstablished).bytes(), message));
  EXPECT_FALSE(read_diag_message(Message(AF_INET, 99).bytes(), message));
}

TEST(SockDiag, SurvivesEveryCutOfAMessage) {
  const auto bytes = established().bytes();
  for (size_t length = sizeof(inet_diag_msg); length < bytes.size(); ++length) {
    // A copy of its own, so that a read beyond its end is noticed.
    const std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<long>(length));
    DiagMessage message;
    EXPECT_TRUE(read_diag_message(cut, message)) << length;
  }
}

// A kernel whose table changes under the first `interrupted` dumps.
Ask changing_table(int interrupted, int& asked) {
  return [interrupted, &asked](uint16_t, uint16_t, std::span<const std::byte>,
                               const OnMessage& on_message) -> Result<Answer> {
    on_message(established().bytes());
    return Answer{.interrupted = asked++ < interrupted, .refusal = {}};
  };
}

TEST(SockDiag, RepeatsAnInterruptedDumpAndKeepsOnlyTheLast) {
  Look look;
  std::vector<std::string> names{""};
  int asked = 0;
  const auto end = dump_sockets(changing_table(2, asked), {}, 0, look, names);
  ASSERT_TRUE(end.has_value());
  EXPECT_FALSE(end->interrupted);
  EXPECT_EQ(asked, 3);
  EXPECT_EQ(look.sockets.size(), 1U);
  EXPECT_EQ(look.infos.size(), 1U);
}

TEST(SockDiag, SaysSoWhenEveryDumpWasInterrupted) {
  Look look;
  std::vector<std::string> names{""};
  int asked = 0;
  const auto end = dump_sockets(changing_table(1000, asked), {}, 0, look, names);
  ASSERT_TRUE(end.has_value());
  EXPECT_TRUE(end->interrupted);
  EXPECT_EQ(asked, 4) << "one dump and three repeats";
  EXPECT_EQ(look.sockets.size(), 1U);
}

Socket with_cookie(uint64_t cookie, uint32_t uid) {
  Socket socket;
  socket.cookie = cookie;
  socket.uid = uid;
  return socket;
}

std::vector<uint32_t> uids(const std::vector<Socket>& sockets) {
  std::vector<uint32_t> result;
  for (const Socket& socket : sockets) result.push_back(socket.uid);
  return result;
}

TEST(SockDiag, OfADoubledCookieTheLaterStays) {
  std::vector<Socket> sockets{with_cookie(5, 0), with_cookie(5, 1), with_cookie(6, 2),
                              with_cookie(0, 3), with_cookie(5, 4), with_cookie(0, 5),
                              with_cookie(7, 6), with_cookie(6, 7)};
  EXPECT_EQ(drop_duplicates(sockets, 1), 2U);
  EXPECT_EQ(uids(sockets), (std::vector<uint32_t>{0, 3, 4, 5, 6, 7}));
}

TEST(SockDiag, WithoutDoubledCookiesNothingIsDropped) {
  std::vector<Socket> sockets{with_cookie(3, 0), with_cookie(2, 1), with_cookie(1, 2)};
  EXPECT_EQ(drop_duplicates(sockets, 0), 0U);
  EXPECT_EQ(uids(sockets), (std::vector<uint32_t>{0, 1, 2}));
}

}  // namespace
}  // namespace tcpdx::host
