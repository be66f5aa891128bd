// The tables of these machines may lie; the last tests ask the kernel.
#include "host/hidden_ports.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <set>

#include "base/file.hpp"

namespace tcpdx::host {
namespace {

class FakePorts : public Ports {
 public:
  Result<PortSet> listed() override {
    if (fails) return fail("the table cannot be read");
    PortSet set;
    for (const uint16_t port : shown) set.set(port);
    return set;
  }
  bool lists_bound() override { return bound_is_listed; }
  int take(uint16_t port) override {
    if (port < refused_below) return EACCES;
    return held.contains(port) ? EADDRINUSE : 0;
  }
  bool answers(uint16_t port) override { return answering.contains(port); }
  void pause() override {
    for (const uint16_t port : released_at_pause) held.erase(port);
    shown.insert(shown_at_pause.begin(), shown_at_pause.end());
  }

  bool fails = false;
  bool bound_is_listed = true;
  uint16_t refused_below = 0;
  std::set<uint16_t> shown;
  std::set<uint16_t> held;
  std::set<uint16_t> answering;
  std::set<uint16_t> released_at_pause;
  std::set<uint16_t> shown_at_pause;
};

TEST(HiddenPorts, AListenerThatTheTablesShowIsNotHidden) {
  FakePorts ports;
  ports.shown = {22, 80};
  ports.held = {22, 80};
  EXPECT_TRUE(find_hidden(ports)->found.empty());
}

TEST(HiddenPorts, AHeldPortThatNoTableShowsIsHidden) {
  FakePorts ports;
  ports.shown = {22};
  ports.held = {22, 31337, 65535};
  ports.answering = {31337};
  const auto sweep = find_hidden(ports);
  ASSERT_TRUE(sweep);
  ASSERT_EQ(sweep->found.size(), 2U);
  EXPECT_EQ(sweep->found[0].port, 31337);
  EXPECT_TRUE(sweep->found[0].answers);
  EXPECT_EQ(sweep->found[1].port, 65535);
  EXPECT_FALSE(sweep->found[1].answers);
}

TEST(HiddenPorts, AConnectionThatBeginsDuringTheSweepIsNotHidden) {
  FakePorts ports;
  ports.held = {40000, 40001};
  ports.shown_at_pause = {40000};     // it was opened after the first listing
  ports.released_at_pause = {40001};  // and this one has ended
  EXPECT_TRUE(find_hidden(ports)->found.empty());
}

TEST(HiddenPorts, BeforeLinux68ASilentHeldPortCannotBeTold) {
  FakePorts ports;
  ports.bound_is_listed = false;
  ports.held = {5000, 5001};
  ports.answering = {5001};
  const auto sweep = find_hidden(ports);
  ASSERT_EQ(sweep->found.size(), 1U);
  EXPECT_EQ(sweep->found[0].port, 5001);  // what answers is no socket that is only bound
  EXPECT_EQ(sweep->undecided, 1U);
}

TEST(HiddenPorts, PortsThatMayNotBeBoundAreCounted) {
  FakePorts ports;
  ports.refused_below = 1024;
  EXPECT_EQ(find_hidden(ports)->refused, 1023U);
}

TEST(HiddenPorts, ATableThatCannotBeReadIsAnError) {
  FakePorts ports;
  ports.fails = true;
  EXPECT_FALSE(find_hidden(ports));
}

// Ports of this machine: one that listens, one that is only bound, one of an outgoing connection.
TEST(HiddenPorts, SocketsOfEveryKindAreNoFalseAlarm) {
  const auto socket_on = [](sockaddr_in& address) {
    Fd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    auto* name = static_cast<sockaddr*>(static_cast<void*>(&address));
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(fd.get(), name, size), 0);
    EXPECT_EQ(::getsockname(fd.get(), name, &size), 0);
    return fd;
  };
  sockaddr_in loopback{};
  loopback.sin_family = AF_INET;
  loopback.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in listening = loopback;
  sockaddr_in bound = loopback;
  sockaddr_in calling = loopback;
  const Fd listener = socket_on(listening);
  ASSERT_EQ(::listen(listener.get(), 4), 0);
  const Fd only_bound = socket_on(bound);
  const Fd caller = socket_on(calling);
  ASSERT_EQ(::connect(caller.get(), static_cast<sockaddr*>(static_cast<void*>(&listening)),
                      sizeof listening),
            0);
  const auto sweep = sweep_hidden("/proc");
  ASSERT_TRUE(sweep) << sweep.error().sentence;
  for (const sockaddr_in& own : {listening, bound, calling}) {
    const uint16_t port = ntohs(own.sin_port);
    EXPECT_TRUE(std::ranges::none_of(sweep->found, [&](const HiddenPort& one) {
      return one.port == port;
    })) << port;
  }
}

}  // namespace
}  // namespace tcpdx::host
