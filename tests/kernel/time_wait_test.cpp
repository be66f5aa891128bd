// A pair of ends that is used again while one side still keeps it in TIME-WAIT (RFC 9293 3.6.1,
// RFC 6191; tcp_timewait_state_process of net/ipv4/tcp_minisocks.c).
#include "kernel/stage.hpp"

namespace tcpdx::kernel_test {
namespace {

class TimeWait : public Stage {};

TEST_F(TimeWait, of_linux_meets_our_reuse) {
  start();
  const LinuxSocket& listener = kernel_listener();
  const Ends ends{{kernel_address(), kKernelPort}, {our_address(), 5555}};
  for (int round = 0; round < 3; ++round) {
    const auto id = endpoint().connect(now(), ends.ours, ends.kernel);
    ASSERT_TRUE(id) << id.error().sentence;
    expect_states_now(ends, State::syn_received, State::syn_sent);
    expect_states(ends, State::established, State::established);
    auto accepted = listener.accept();
    ASSERT_TRUE(accepted.has_value());
    accepted->close();
    expect_states(ends, State::fin_wait_2, State::close_wait);
    ASSERT_TRUE(endpoint().close(now(), *id));
    expect_states(ends, State::time_wait, State::closed);
  }
}

TEST_F(TimeWait, of_ours_meets_the_reuse_of_linux) {
  start();
  const tcp::ListenerId listener = our_listener();
  const Ends ends{{kernel_address(), 6001}, {our_address(), kOurPort}};
  for (int round = 0; round < 3; ++round) {
    LinuxSocket client = LinuxSocket::connecting(ends.ours, {.from = ends.kernel});
    ASSERT_TRUE(static_cast<bool>(client));
    EXPECT_EQ(our_state(ends), round == 0 ? State::closed : State::time_wait);
    expect_states(ends, State::established, State::established);
    const auto accepted = endpoint().accept(now(), listener);
    ASSERT_TRUE(accepted.has_value());
    ASSERT_TRUE(endpoint().close(now(), *accepted));
    expect_states(ends, State::close_wait, State::fin_wait_2);
    client.close();
    expect_states(ends, State::closed, State::time_wait);
  }
}

// Our host restarts and happens to choose an older sequence number: the kernel's TIME-WAIT answers
// with an ACK, our RST ends it (RFC 1337's assassination, net.ipv4.tcp_rfc1337 is 0), and the SYN
// comes again.
TEST_F(TimeWait, of_linux_meets_an_old_sequence_number) {
  tcp::Settings plain;
  plain.timestamps = false;
  start(plain);
  LinuxSocket& listener = kernel_listener();
  const Ends ends{{kernel_address(), kKernelPort}, {our_address(), 5555}};
  const auto first = endpoint().connect(now(), ends.ours, ends.kernel);
  ASSERT_TRUE(first);
  expect_states(ends, State::established, State::established);
  const Seq iss = endpoint().status(*first).value().iss;
  listener.accept()->close();
  expect_states(ends, State::fin_wait_2, State::close_wait);
  ASSERT_TRUE(endpoint().close(now(), *first));
  expect_states(ends, State::time_wait, State::closed);

  // A second of the clock is 250,000 numbers.
  tcp::Secret secret{1, 1};
  while (tcp::initial_sequence_number(ends.ours, ends.kernel, secret, {}) + 10'000'000 > iss) {
    ++secret[0];
  }
  start(plain, secret);
  EXPECT_EQ(kernel_state(ends), State::time_wait);
  const auto second = endpoint().connect(now(), ends.ours, ends.kernel);
  ASSERT_TRUE(second);
  EXPECT_LT(endpoint().status(*second).value().iss - iss, 0);
  expect_states_now(ends, State::time_wait, State::syn_sent);
  EXPECT_TRUE(until([&] { return kernel_state(ends) != State::time_wait; }));
  expect_states_now(ends, State::closed, State::syn_sent);
  expect_states(ends, State::established, State::established);
}

}  // namespace
}  // namespace tcpdx::kernel_test
