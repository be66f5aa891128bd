// A reader that stops: the window closes, the sender probes, and all goes on when it reads again
// (RFC 9293 3.8.6.1).
#include "kernel/exchange.hpp"
#include "wire/ip.hpp"

namespace tcpdx::kernel_test {
namespace {

constexpr uint64_t kMore = 1'000'000;
constexpr Duration kClosed = 10s;

class ZeroWindow : public Stage {};

TEST_F(ZeroWindow, of_linux) {
  start();
  Pair pair = we_connect(Family::v4, {.receive_buffer = 16384});
  Exchange data(kMore, 0);
  const auto closed = [&] {
    data.we_send(pair, endpoint(), now());
    const auto status = endpoint().status(pair.ours).value();
    return status.snd_wnd == 0 && status.unacknowledged == 0 && status.unsent > 0;
  };
  ASSERT_TRUE(until(closed));
  uint64_t probes = 0;
  peer().hooks().pass = [&](lab::Direction direction, std::span<const std::byte>) {
    if (direction == lab::Direction::out) ++probes;
    return true;
  };
  pass(kClosed);
  // The first one after an RTO of at least 200 ms, then doubled: 0.2, 0.6, 1.4, 3, 6.2 s.
  EXPECT_GE(probes, 3U);
  EXPECT_EQ(endpoint().status(pair.ours).value().snd_wnd, 0U);
  expect_states_now(pair.ends, State::established, State::established);
  // All window updates are lost: only a probe finds out that the window opened.
  bool probed = false;
  peer().hooks().pass = [&](lab::Direction direction, std::span<const std::byte>) {
    probed = probed || direction == lab::Direction::out;
    return probed;
  };
  EXPECT_TRUE(until(
      [&] {
        data.kernel_reads(pair);
        data.we_send(pair, endpoint(), now());
        return data.done();
      },
      40s));
  EXPECT_TRUE(data.intact());
  expect_states_now(pair.ends, State::established, State::established);
}

TEST_F(ZeroWindow, of_ours) {
  tcp::Settings small;
  small.receive_buffer = 16384;
  start(small);
  Pair pair = kernel_connects();
  Exchange data(0, kMore);
  const auto closed = [&] {
    data.kernel_sends(pair);
    const auto socket = kernel_socket(pair.ends);
    // With a rest too small for a segment Linux persists as well, and fills it by its first probe.
    return socket && socket->timer.kind == TimerKind::persist &&
           pair.linux.info().tcpi_snd_wnd == 0;
  };
  ASSERT_TRUE(until(closed));
  EXPECT_EQ(endpoint().status(pair.ours).value().rcv_wnd, 0U);
  EXPECT_EQ(pair.linux.info().tcpi_snd_wnd, 0U);
  pass(kClosed);
  EXPECT_EQ(pair.linux.info().tcpi_snd_wnd, 0U);
  expect_states_now(pair.ends, State::established, State::established);
  EXPECT_TRUE(until(
      [&] {
        data.we_read(pair, endpoint(), now());
        data.kernel_sends(pair);
        return data.done();
      },
      40s));
  EXPECT_TRUE(data.intact());
  expect_states_now(pair.ends, State::established, State::established);
}

}  // namespace
}  // namespace tcpdx::kernel_test
