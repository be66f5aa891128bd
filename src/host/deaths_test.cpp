// The kernel's notices of sockets that this test closes on the loopback device, which anybody may
// read.
#include "host/deaths.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <sys/socket.h>

#include <chrono>
#include <cstring>
#include <optional>
#include <thread>
#include <vector>

#include "base/file.hpp"

namespace tcpdx::host {
namespace {

using namespace std::chrono_literals;

std::vector<std::byte> notice(uint16_t type) {
  nlmsghdr header{};
  inet_diag_msg message{};
  header.nlmsg_len = sizeof header + sizeof message;
  header.nlmsg_type = type;
  message.idiag_family = AF_INET;
  message.idiag_state = 7;  // TCP_CLOSE
  message.id.idiag_dport = htons(443);
  std::vector<std::byte> bytes(header.nlmsg_len);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, &message, sizeof message);
  return bytes;
}

size_t count(std::span<const std::byte> bytes) {
  size_t deaths = 0;
  read_deaths(bytes, [&](const DiagMessage&) { ++deaths; });
  return deaths;
}

TEST(deaths, are_read_one_after_the_other) {
  auto bytes = notice(SOCK_DIAG_BY_FAMILY);
  const auto other = notice(NLMSG_DONE);
  bytes.insert(bytes.end(), other.begin(), other.end());
  const auto last = notice(SOCK_DIAG_BY_FAMILY);
  bytes.insert(bytes.end(), last.begin(), last.end());
  EXPECT_EQ(count(bytes), 2U);
}

TEST(deaths, end_where_the_bytes_are_cut) {
  const auto bytes = notice(SOCK_DIAG_BY_FAMILY);
  for (size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(count(std::span(bytes).first(size)), 0U) << size;
  }
}

TEST(deaths, tell_of_a_connection_that_ended) {
  auto deaths = Deaths::open("/proc", "/run/netns");
  ASSERT_TRUE(deaths) << deaths.error().sentence;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  auto* common = static_cast<sockaddr*>(static_cast<void*>(&address));
  Fd listener(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::bind(listener.get(), common, sizeof address), 0);
  ASSERT_EQ(::listen(listener.get(), 1), 0);
  ASSERT_EQ(::getsockname(listener.get(), common, &length), 0);
  Fd client(::socket(AF_INET, SOCK_STREAM, 0));
  ASSERT_EQ(::connect(client.get(), common, sizeof address), 0);
  ASSERT_EQ(::send(client.get(), "hello", 5, 0), 5);
  client.reset();
  listener.reset();  // and with it the end that nobody accepted
  std::optional<DiagMessage> found;
  for (int tries = 0; tries < 100 && !found; ++tries) {
    deaths->poll([&](uint64_t, const DiagMessage& message) {
      if (message.socket.remote.port == ntohs(address.sin_port)) found = message;
    });
    std::this_thread::sleep_for(20ms);
  }
  ASSERT_TRUE(found);
  EXPECT_NE(found->socket.cookie, 0U);
  EXPECT_EQ(known_value(found->info, "bytes_sent"), 5U);
}

}  // namespace
}  // namespace tcpdx::host
