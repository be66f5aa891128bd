// The asker against sockets of this host: what the end of a connection says of the host.
#include "probe/asker_tcp.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <vector>

#include "probe/socket_address.hpp"

namespace tcpdx::probe {
namespace {

// A port of 127.0.0.1 that is served, until this goes.
class Server {
 public:
  Server() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const SystemAddress any = system_address({ipv4(127, 0, 0, 1), 0});
    EXPECT_EQ(::bind(listener_.get(), any.get(), any.size), 0);
    EXPECT_EQ(::listen(listener_.get(), 4), 0);
  }

  SocketAddress address() const {
    sockaddr_storage name{};
    socklen_t size = sizeof name;
    EXPECT_EQ(::getsockname(listener_.get(), reinterpret_cast<sockaddr*>(&name), &size), 0);
    return address_of(name).value_or(SocketAddress{});
  }

  void accept_and_reset() const {
    const Fd accepted(::accept(listener_.get(), nullptr, nullptr));
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    EXPECT_EQ(::setsockopt(accepted.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once), 0);
  }

 private:
  Fd listener_;
};

std::vector<Heard> heard_of(TcpAsker& asker) {
  std::vector<Heard> heard;
  std::vector<pollfd> polls;
  asker.add_polls(polls);
  ::poll(polls.data(), polls.size(), 5000);
  asker.hear(heard);
  return heard;
}

// Whoever looks late finds the connection reset: it was there, so the host is.
TEST(TcpAskerTest, AConnectionThatWasResetSinceIsAnAnswer) {
  const Server server;
  TcpAsker asker({.target = server.address(), .ttl = {}, .source = {}, .interface = {}});
  ASSERT_TRUE(asker.send(7, 0));
  server.accept_and_reset();
  const auto heard = heard_of(asker);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].seq, 7U);
  EXPECT_EQ(heard[0].what, Heard::What::answer);
  EXPECT_EQ(heard[0].from, server.address().addr);
  EXPECT_EQ(heard[0].words, "");
}

TEST(TcpAskerTest, ARefusalIsAnAnswerThatSaysSo) {
  SocketAddress closed;
  {
    const Server server;
    closed = server.address();
  }
  TcpAsker asker({.target = closed, .ttl = {}, .source = {}, .interface = {}});
  ASSERT_TRUE(asker.send(7, 0));
  const auto heard = heard_of(asker);
  ASSERT_EQ(heard.size(), 1U);
  EXPECT_EQ(heard[0].what, Heard::What::answer);
  EXPECT_EQ(heard[0].words, "refused");
}

}  // namespace
}  // namespace tcpdx::probe
