// What the tests against the kernel share: a network namespace with a TUN device and our endpoint
// behind it, the kernel's table of sockets, and the comparison of both ends.
//
//     Linux sockets of this process          our endpoint
//     10.0.0.1, fd00::1  ---- TUN "lab" ---- 10.0.0.2, fd00::2
//
// Nothing runs by itself: datagrams of the kernel wait in the device until the test goes on.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "host/netlink.hpp"
#include "kernel/linux_socket.hpp"
#include "lab/peer.hpp"
#include "model/observation.hpp"

namespace tcpdx::kernel_test {

using tcp::State;

inline constexpr tcp::Secret kSecret{0x0123456789abcdef, 0xfedcba9876543210};
inline constexpr uint16_t kOurPort = 7000;
inline constexpr uint16_t kKernelPort = 8000;

IpAddress kernel_address(Family family = Family::v4);
IpAddress our_address(Family family = Family::v4);

// A connection from both sides.
struct Ends {
  SocketAddress kernel;
  SocketAddress ours;
};

struct Pair {
  LinuxSocket linux;
  tcp::ConnectionId ours;
  Ends ends;
};

class Stage : public ::testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  // Makes our end; once in each test.
  void start(const tcp::Settings& settings = {}, const tcp::Secret& secret = kSecret);
  lab::Peer& peer() { return *peer_; }
  tcp::Endpoint& endpoint() { return peer_->endpoint(); }
  tcp::Time now() const { return peer_->now(); }

  // One datagram of the kernel's after the other, until the condition holds; false: in vain. No
  // test asserts how long a thing takes: the limit only ends a test that hangs.
  bool until(const std::function<bool()>& condition, Duration limit = 15s);
  // Lets time pass for both ends.
  void pass(Duration time);

  // The kernel's sockets, TIME-WAIT and half-open ones included.
  std::vector<Socket> kernel_sockets();
  // CLOSED where it knows none.
  State kernel_state(const Ends& ends);
  std::optional<Socket> kernel_socket(const Ends& ends);
  State our_state(const Ends& ends) const;
  // Goes on until both ends are in these states, and fails where they do not come there.
  void expect_states(const Ends& ends, State kernel, State ours);
  // The states at this very moment.
  void expect_states_now(const Ends& ends, State kernel, State ours);
  // Options, sizes and sequence numbers of an open connection, which both ends must see alike.
  void expect_agreement(const Pair& pair);
  uint64_t kernel_counter(std::string_view name);
  static void sysctl(const std::string& name, const std::string& value);

  // Handshakes step by step: the states of both ends are compared after each segment.
  Pair kernel_connects(Family family = Family::v4, const LinuxOptions& options = {});
  Pair we_connect(Family family = Family::v4, const LinuxOptions& listener_options = {});
  // The kernel listens on kKernelPort from the first call on.
  LinuxSocket& kernel_listener(Family family = Family::v4, const LinuxOptions& options = {});
  // We listen on kOurPort from the first call on.
  tcp::ListenerId our_listener(Family family = Family::v4, const tcp::ListenOptions& = {});

  // What our end was told about a connection, oldest first.
  bool was_told(tcp::ConnectionId id, tcp::Notice notice) const;

  std::vector<std::pair<tcp::ConnectionId, tcp::Notice>> notices_;
  std::vector<std::string> forbidden_moves_;

 private:
  std::unique_ptr<lab::Peer> peer_;
  std::optional<host::Netlink> diag_;
  LinuxSocket listener_;
  std::optional<tcp::ListenerId> our_listener_;
};

}  // namespace tcpdx::kernel_test
