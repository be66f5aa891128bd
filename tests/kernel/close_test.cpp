// Every way in which a connection with the kernel ends, with the states of both ends at each step.
#include "kernel/exchange.hpp"

namespace tcpdx::kernel_test {
namespace {

constexpr uint64_t kSome = 200'000;

class Close : public Stage, public ::testing::WithParamInterface<Family> {
 protected:
  bool kernel_reads_end(const Pair& pair) {
    std::array<std::byte, 16> into{};
    return until([&] { return pair.linux.receive(into).end; });
  }
  int kernel_read_error(const Pair& pair) {
    std::array<std::byte, 16> into{};
    int error = 0;
    until([&] { return (error = pair.linux.receive(into).error) != 0; });
    return error;
  }
};

// RFC 9293 Figure 12, the kernel is TCP peer A; we go on sending after its FIN (3.6, half-close).
TEST_P(Close, linux_half_closes) {
  start();
  Pair pair = kernel_connects(GetParam());
  pair.linux.shutdown_sending();
  expect_states_now(pair.ends, State::fin_wait_1, State::established);
  expect_states(pair.ends, State::fin_wait_2, State::close_wait);
  EXPECT_TRUE(was_told(pair.ours, tcp::Notice::peer_closed));
  Exchange data(kSome, 0);
  EXPECT_TRUE(until([&] {
    data.we_send(pair, endpoint(), now());
    data.kernel_reads(pair);
    return data.done();
  }));
  EXPECT_TRUE(data.intact());
  expect_states_now(pair.ends, State::fin_wait_2, State::close_wait);
  ASSERT_TRUE(endpoint().shutdown(now(), pair.ours));
  // The kernel has our FIN; its ACK still waits in the device.
  expect_states_now(pair.ends, State::time_wait, State::last_ack);
  EXPECT_TRUE(kernel_reads_end(pair));
  expect_states(pair.ends, State::time_wait, State::closed);
}

TEST_P(Close, we_half_close) {
  start();
  Pair pair = we_connect(GetParam());
  ASSERT_TRUE(endpoint().shutdown(now(), pair.ours));
  expect_states_now(pair.ends, State::close_wait, State::fin_wait_1);
  expect_states(pair.ends, State::close_wait, State::fin_wait_2);
  EXPECT_TRUE(kernel_reads_end(pair));
  Exchange data(0, kSome);
  EXPECT_TRUE(until([&] {
    data.kernel_sends(pair);
    data.we_read(pair, endpoint(), now());
    return data.done();
  }));
  EXPECT_TRUE(data.intact());
  expect_states_now(pair.ends, State::close_wait, State::fin_wait_2);
  pair.linux.close();
  expect_states_now(pair.ends, State::last_ack, State::fin_wait_2);
  expect_states(pair.ends, State::closed, State::time_wait);
}

// RFC 9293 Figure 13. The kernel's FIN waits in the device while ours goes out.
TEST_P(Close, simultaneous) {
  start();
  Pair pair = kernel_connects(GetParam());
  pair.linux.shutdown_sending();
  ASSERT_TRUE(endpoint().shutdown(now(), pair.ours));
  expect_states_now(pair.ends, State::closing, State::fin_wait_1);
  EXPECT_TRUE(until([&] { return our_state(pair.ends) != State::fin_wait_1; }));
  expect_states_now(pair.ends, State::time_wait, State::closing);
  expect_states(pair.ends, State::time_wait, State::time_wait);
}

TEST_P(Close, linux_resets) {
  start();
  Pair pair = kernel_connects(GetParam());
  pair.linux.reset();
  expect_states_now(pair.ends, State::closed, State::established);
  expect_states(pair.ends, State::closed, State::closed);
  EXPECT_TRUE(until([&] { return was_told(pair.ours, tcp::Notice::reset); }));
}

TEST_P(Close, we_reset) {
  start();
  Pair pair = kernel_connects(GetParam());
  ASSERT_TRUE(endpoint().abort(now(), pair.ours));
  expect_states_now(pair.ends, State::closed, State::closed);
  EXPECT_EQ(kernel_read_error(pair), ECONNRESET);
}

// SHLD-3: a close with unread data says RST; so does Linux (tcp_close, RFC 2525 2.17).
TEST_P(Close, we_close_with_unread_data) {
  start();
  Pair pair = kernel_connects(GetParam());
  Exchange data(0, 100);
  data.kernel_sends(pair);
  EXPECT_TRUE(until([&] { return endpoint().readiness(pair.ours).value().readable == 100; }));
  ASSERT_TRUE(endpoint().close(now(), pair.ours));
  expect_states(pair.ends, State::closed, State::closed);
  EXPECT_EQ(kernel_read_error(pair), ECONNRESET);
}

TEST_P(Close, linux_closes_with_unread_data) {
  start();
  Pair pair = kernel_connects(GetParam());
  Exchange data(100, 0);
  data.we_send(pair, endpoint(), now());
  expect_states_now(pair.ends, State::established, State::established);
  pair.linux.close();
  expect_states(pair.ends, State::closed, State::closed);
  EXPECT_TRUE(until([&] { return was_told(pair.ours, tcp::Notice::reset); }));
}

// RFC 9293 3.10.7.4, first, of SYN-RECEIVED: the kernel's request socket goes with our RST. Our
// user aborts before the SYN,ACK is read, so that it meets no connection.
TEST_P(Close, we_reset_a_half_open_connection) {
  start();
  kernel_listener(GetParam());
  const Ends ends{{kernel_address(GetParam()), kKernelPort}, {our_address(GetParam()), 5555}};
  const auto id = endpoint().connect(now(), ends.ours, ends.kernel);
  ASSERT_TRUE(id);
  expect_states_now(ends, State::syn_received, State::syn_sent);
  ASSERT_TRUE(endpoint().abort(now(), *id));
  expect_states(ends, State::closed, State::closed);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Close, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& tested) {
                           return tested.param == Family::v4 ? "ipv4" : "ipv6";
                         });

}  // namespace
}  // namespace tcpdx::kernel_test
