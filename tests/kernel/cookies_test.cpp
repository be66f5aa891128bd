// SYN cookies (RFC 4987 3.6): of the kernel for our client, and ours for the kernel's.
#include "kernel/exchange.hpp"

namespace tcpdx::kernel_test {
namespace {

constexpr uint64_t kSome = 1'000'000;

class Cookies : public Stage, public ::testing::WithParamInterface<Family> {
 protected:
  void exchange(Pair& pair) {
    Exchange data(kSome, kSome);
    EXPECT_TRUE(until([&] {
      data.all(pair, endpoint(), now());
      return data.done();
    }));
    EXPECT_TRUE(data.intact());
    expect_states_now(pair.ends, State::established, State::established);
  }
};

TEST_P(Cookies, of_linux) {
  start();
  sysctl("ipv4/tcp_syncookies", "2");
  const LinuxSocket& listener = kernel_listener(GetParam());
  Pair pair;
  pair.ends = {{kernel_address(GetParam()), kKernelPort}, {our_address(GetParam()), 5555}};
  const auto id = endpoint().connect(now(), pair.ends.ours, pair.ends.kernel);
  ASSERT_TRUE(id);
  pair.ours = *id;
  // The kernel answered, and keeps nothing.
  expect_states_now(pair.ends, State::closed, State::syn_sent);
  EXPECT_EQ(kernel_counter("TcpExt.SyncookiesSent"), 1U);
  expect_states(pair.ends, State::established, State::established);
  EXPECT_EQ(kernel_counter("TcpExt.SyncookiesRecv"), 1U);
  auto accepted = listener.accept();
  ASSERT_TRUE(accepted.has_value());
  pair.linux = std::move(*accepted);
  expect_agreement(pair);
  exchange(pair);
}

TEST_P(Cookies, of_ours) {
  tcp::Settings settings;
  settings.syn_cookies = tcp::SynCookies::always;
  start(settings);
  const tcp::ListenerId listener = our_listener(GetParam());
  Pair pair;
  pair.linux = LinuxSocket::connecting({our_address(GetParam()), kOurPort});
  pair.ends = {pair.linux.local(), {our_address(GetParam()), kOurPort}};
  EXPECT_TRUE(until([&] { return kernel_state(pair.ends) == State::established; }));
  expect_states_now(pair.ends, State::established, State::closed);
  EXPECT_EQ(endpoint().status(listener).value().cookies_sent, 1U);
  EXPECT_EQ(endpoint().status(listener).value().half_open, 0U);
  expect_states(pair.ends, State::established, State::established);
  EXPECT_EQ(endpoint().status(listener).value().cookies_received, 1U);
  const auto accepted = endpoint().accept(now(), listener);
  ASSERT_TRUE(accepted.has_value());
  pair.ours = *accepted;
  expect_agreement(pair);
  exchange(pair);
}

INSTANTIATE_TEST_SUITE_P(Kernel, Cookies, ::testing::Values(Family::v4, Family::v6),
                         [](const auto& tested) {
                           return tested.param == Family::v4 ? "ipv4" : "ipv6";
                         });

}  // namespace
}  // namespace tcpdx::kernel_test
