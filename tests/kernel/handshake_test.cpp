// Opening with the kernel in every way: active, passive, simultaneous, refused, by cookies.
#include "kernel/stage.hpp"

namespace tcpdx::kernel_test {
namespace {

class Handshake : public Stage, public ::testing::WithParamInterface<Family> {};

TEST_P(Handshake, linux_client_to_our_server) {
  start();
  kernel_connects(GetParam());
}

TEST_P(Handshake, our_client_to_linux_server) {
  start();
  we_connect(GetParam());
}

// A SYN to a port on which nobody listens is answered with RST (RFC 9293 3.5.2, group 1).
TEST_P(Handshake, we_refuse_linux) {
  start();
  const LinuxSocket client = LinuxSocket::connecting({our_address(GetParam()), 4444});
  const Ends ends{client.local(), {our_address(GetParam()), 4444}};
  expect_states_now(ends, State::syn_sent, State::closed);
  expect_states(ends, State::closed, State::closed);
  EXPECT_EQ(client.error(), ECONNREFUSED);
}

TEST_P(Handshake, linux_refuses_us) {
  start();
  const SocketAddress to{kernel_address(GetParam()), 4444};
  const auto id = endpoint().connect(now(), {our_address(GetParam()), 5555}, to);
  ASSERT_TRUE(id);
  const Ends ends{to, {our_address(GetParam()), 5555}};
  expect_states_now(ends, State::closed, State::syn_sent);
  expect_states(ends, State::closed, State::closed);
  EXPECT_TRUE(until([&] { return was_told(*id, tcp::Notice::refused); }));
}

// RFC 9293 Figure 7. The kernel's SYN waits in the device while ours goes out.
TEST_P(Handshake, simultaneous_open) {
  start();
  const Ends ends{{kernel_address(GetParam()), 6001}, {our_address(GetParam()), 6002}};
  Pair pair;
  pair.ends = ends;
  pair.linux = LinuxSocket::connecting(ends.ours, {.from = ends.kernel});
  expect_states_now(ends, State::syn_sent, State::closed);
  const auto id = endpoint().connect(now(), ends.ours, ends.kernel);
  ASSERT_TRUE(id);
  pair.ours = *id;
  // Our SYN reached the kernel; its SYN still waits.
  expect_states_now(ends, State::syn_received, State::syn_sent);
  EXPECT_TRUE(until([&] { return our_state(ends) != State::syn_sent; }));
  EXPECT_EQ(our_state(ends), State::syn_received);
  expect_states(ends, State::established, State::established);
  expect_agreement(pair);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Handshake, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& tested) {
                           return tested.param == Family::v4 ? "ipv4" : "ipv6";
                         });

}  // namespace
}  // namespace tcpdx::kernel_test
