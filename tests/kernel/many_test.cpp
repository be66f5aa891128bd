// A thousand connections at once, each with octets of its own both ways, half of them closed first
// by the kernel and half by us.
#include <algorithm>
#include <array>
#include <bit>

#include "kernel/stage.hpp"

namespace tcpdx::kernel_test {
namespace {

constexpr size_t kMany = 1000;
using Word = std::array<std::byte, 4>;

Word word_of(size_t index) { return std::bit_cast<Word>(static_cast<uint32_t>(index)); }

class Many : public Stage {
 protected:
  // While a thousand FINs wait for their turn, some are sent again. The second one's ACK may meet a
  // connection that is gone, whose RST would end the other's TIME-WAIT (RFC 1337, hazard 3): both
  // ends are told not to heed it.
  void start_without_assassination() {
    tcp::Settings settings;
    settings.rfc1337 = true;
    start(settings);
    sysctl("ipv4/tcp_rfc1337", "1");
  }

  // The condition looks at all connections, so it is asked only when nothing waits.
  bool soon(const std::function<bool()>& condition) {
    const tcp::Time end = now() + 20s;
    for (;;) {
      while (peer().turn()) {
      }
      if (condition()) return true;
      if (now() > end) return false;
      peer().wait(5ms);
    }
  }

  // How many connections are in these states at both ends.
  size_t count(const std::vector<Pair>& pairs, State kernel, State ours) {
    std::map<std::pair<SocketAddress, SocketAddress>, State> table;
    for (const Socket& socket : kernel_sockets()) {
      table[{socket.local, socket.remote}] = socket.state;
    }
    return static_cast<size_t>(std::ranges::count_if(pairs, [&](const Pair& pair) {
      const auto found = table.find({pair.ends.kernel, pair.ends.ours});
      return (found == table.end() ? State::closed : found->second) == kernel &&
             our_state(pair.ends) == ours;
    }));
  }

  void exchange(std::vector<Pair>& pairs) {
    for (size_t i = 0; i < pairs.size(); ++i) {
      EXPECT_EQ(pairs[i].linux.send(word_of(i)), sizeof(Word));
      EXPECT_EQ(endpoint().send(now(), pairs[i].ours, word_of(~i)).value_or(0), sizeof(Word));
    }
    EXPECT_TRUE(soon([&] {
      return std::ranges::all_of(pairs, [&](const Pair& pair) {
        return endpoint().readiness(pair.ours).value().readable == sizeof(Word);
      });
    }));
    for (size_t i = 0; i < pairs.size(); ++i) {
      Word word{};
      EXPECT_EQ(endpoint().receive(now(), pairs[i].ours, word).value_or(0), sizeof(Word));
      EXPECT_EQ(word, word_of(i));
      EXPECT_TRUE(soon([&] { return pairs[i].linux.receive(word).size == sizeof(Word); }));
      EXPECT_EQ(word, word_of(~i));
    }
  }

  void all_through(std::vector<Pair>& pairs) {
    EXPECT_TRUE(
        soon([&] { return count(pairs, State::established, State::established) == kMany; }));
    EXPECT_EQ(endpoint().connections(), kMany);
    exchange(pairs);
    const size_t half = kMany / 2;
    for (size_t i = 0; i < kMany; ++i) {
      if (i < half) pairs[i].linux.close();
      if (i >= half) {
        EXPECT_TRUE(endpoint().close(now(), pairs[i].ours));
      }
    }
    EXPECT_TRUE(soon([&] {
      return count(pairs, State::fin_wait_2, State::close_wait) == half &&
             count(pairs, State::close_wait, State::fin_wait_2) == half;
    }));
    for (size_t i = 0; i < kMany; ++i) {
      if (i >= half) pairs[i].linux.close();
      if (i < half) {
        EXPECT_TRUE(endpoint().close(now(), pairs[i].ours));
      }
    }
    EXPECT_TRUE(soon([&] {
      return count(pairs, State::time_wait, State::closed) == half &&
             count(pairs, State::closed, State::time_wait) == half;
    }));
  }
};

TEST_F(Many, thousand_linux_clients) {
  start_without_assassination();
  const tcp::ListenerId listener = our_listener();
  std::vector<Pair> pairs(kMany);
  for (Pair& pair : pairs) {
    pair.linux = LinuxSocket::connecting({our_address(), kOurPort});
    pair.ends = {pair.linux.local(), {our_address(), kOurPort}};
  }
  EXPECT_EQ(count(pairs, State::syn_sent, State::closed), kMany);
  EXPECT_TRUE(soon([&] { return endpoint().status(listener).value().waiting == kMany; }));
  EXPECT_EQ(endpoint().status(listener).value().listen_drops, 0U);
  for (Pair& pair : pairs) {
    EXPECT_TRUE(endpoint().accept(now(), listener));
    pair.ours = endpoint().find(pair.ends.ours, pair.ends.kernel).value();
  }
  all_through(pairs);
}

TEST_F(Many, thousand_of_our_clients) {
  start_without_assassination();
  sysctl("core/somaxconn", "4096");
  sysctl("ipv4/tcp_max_syn_backlog", "4096");
  const LinuxSocket& listener = kernel_listener();
  std::vector<Pair> pairs(kMany);
  std::map<SocketAddress, Pair*> by_end;
  for (Pair& pair : pairs) {
    pair.ours =
        endpoint().connect(now(), {our_address(), 0}, {kernel_address(), kKernelPort}).value();
    pair.ends = {{kernel_address(), kKernelPort}, endpoint().status(pair.ours).value().local};
    by_end[pair.ends.ours] = &pair;
  }
  EXPECT_EQ(by_end.size(), kMany);
  EXPECT_EQ(count(pairs, State::syn_received, State::syn_sent), kMany);
  size_t accepted = 0;
  EXPECT_TRUE(soon([&] {
    while (auto socket = listener.accept()) {
      by_end.at(socket->remote())->linux = std::move(*socket);
      ++accepted;
    }
    return accepted == kMany;
  }));
  all_through(pairs);
}

}  // namespace
}  // namespace tcpdx::kernel_test
