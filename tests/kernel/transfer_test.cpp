// Data both ways at once over one connection: whole, in order, once, on a good path and a bad one.
#include "kernel/exchange.hpp"

namespace tcpdx::kernel_test {
namespace {

constexpr uint64_t kMegabyte = 1'000'000;

class Transfer : public Stage {
 protected:
  // The limit only ends what hangs.
  void exchange(Pair& pair, uint64_t octets_each_way) {
    Exchange data(octets_each_way, octets_each_way);
    const tcp::Time end = now() + 100s;
    uint64_t turns = 0;
    while (!data.done() && data.intact() && now() < end && !HasFailure()) {
      data.all(pair, endpoint(), now());
      if (!peer().turn()) peer().wait(5ms);
      if (++turns % 1024 == 0) {
        expect_states_now(pair.ends, State::established, State::established);
        expect_agreement(pair);
      }
    }
    EXPECT_TRUE(data.intact());
    EXPECT_EQ(data.to_kernel().received, octets_each_way);
    EXPECT_EQ(data.to_us().received, octets_each_way);
    expect_states_now(pair.ends, State::established, State::established);
  }

  void close_both(Pair& pair) {
    pair.linux.close();
    expect_states(pair.ends, State::fin_wait_2, State::close_wait);
    EXPECT_TRUE(endpoint().close(now(), pair.ours));
    expect_states(pair.ends, State::time_wait, State::closed);
  }

  void bad_path() {
    const lab::Impairment bad{.loss = 0.01, .duplication = 0.01, .reordering = 0.01};
    peer().impair(lab::Direction::in, bad);
    lab::Impairment other = bad;
    other.seed = 2;
    peer().impair(lab::Direction::out, other);
  }
};

TEST_F(Transfer, hundred_megabytes_each_way_linux_client) {
  start();
  Pair pair = kernel_connects();
  exchange(pair, 100 * kMegabyte);
  close_both(pair);
}

TEST_F(Transfer, hundred_megabytes_each_way_our_client) {
  start();
  Pair pair = we_connect();
  exchange(pair, 100 * kMegabyte);
  close_both(pair);
}

TEST_F(Transfer, hundred_megabytes_each_way_on_a_bad_path) {
  start();
  Pair pair = kernel_connects();
  bad_path();
  exchange(pair, 100 * kMegabyte);
  peer().impair(lab::Direction::in, {});
  peer().impair(lab::Direction::out, {});
  close_both(pair);
}

TEST_F(Transfer, over_ipv6) {
  start();
  Pair pair = kernel_connects(Family::v6);
  exchange(pair, 10 * kMegabyte);
  close_both(pair);
}

TEST_F(Transfer, over_ipv6_on_a_bad_path) {
  start();
  Pair pair = we_connect(Family::v6);
  bad_path();
  exchange(pair, 10 * kMegabyte);
}

// Without timestamps, window scaling and SACK, as an RFC 9293 TCP without extensions.
TEST_F(Transfer, without_options_on_a_bad_path) {
  tcp::Settings plain;
  plain.timestamps = plain.window_scaling = plain.sack = false;
  start(plain);
  Pair pair = kernel_connects();
  bad_path();
  exchange(pair, 5 * kMegabyte);
}

}  // namespace
}  // namespace tcpdx::kernel_test
