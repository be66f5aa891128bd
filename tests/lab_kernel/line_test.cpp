// What a line in user space does to the kernel's TCP and UDP, against what was declared. All tests
// have this scene; only what the line does differs:
//
//     left  10.99.1.1, fd99:1::1 ══ line ══ 10.99.1.2, fd99:1::2  right
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <random>

#include "lab_kernel/ends.hpp"

namespace tcpdx::lab_kernel_test {
namespace {

using lab::Impairment;
using lab::Service;

constexpr uint16_t kPort = 80;
constexpr std::array kFamilies{Family::v4, Family::v6};

lab::Topology line(const Impairment& there, const Impairment& back, const lab::Server& server) {
  lab::Topology topology = lab::chain({"left", "right"});
  topology.links[0].ends[0].sends = there;
  topology.links[0].ends[1].sends = back;
  topology.hosts[1].servers = {server};
  return topology;
}

// How many of the first `count` draws of that seed are below the probability: what Impairment says
// of its chance, written once more.
uint64_t draws_below(double probability, uint64_t seed, uint64_t count) {
  std::mt19937_64 random(seed);
  uint64_t below = 0;
  for (uint64_t i = 0; i < count; ++i) {
    if (static_cast<double>(random() >> 11U) / static_cast<double>(1ULL << 53U) < probability) {
      ++below;
    }
  }
  return below;
}

TEST(Line, round_trips_take_at_least_both_delays) {
  auto testbed = bring_up(line({.delay = 30ms}, {.delay = 20ms, .jitter = 5ms},
                               {.port = kPort, .service = Service::hold}));
  for (const Family family : kFamilies) {
    const auto socket = connect(testbed, "left", {right_end(1, family), kPort});
    ASSERT_TRUE(testbed.until([&] { return is_connected(socket); }, 15s));
    EXPECT_GE(socket.info().tcpi_rtt, 50'000U);
    EXPECT_EQ(socket.info().tcpi_total_retrans, 0U);
  }
}

TEST(Line, loses_those_datagrams_that_its_seed_says) {
  constexpr double kLoss = 0.25;
  constexpr uint32_t kCount = 400;
  auto testbed = bring_up(line({.loss = kLoss, .seed = 11}, {}, {.port = kPort}));
  const auto left = UdpSocket::bound(testbed, "left", Family::v4, 0);
  const auto right = UdpSocket::bound(testbed, "right", Family::v4, 9);
  for (uint32_t i = 0; i < kCount; ++i) left.send(i, 100, {right_end(1), 9});
  ASSERT_TRUE(testbed.until([&] { return testbed.link(0)->counts(0).put == kCount; }, 15s));
  std::vector<uint32_t> wanted;
  for (uint32_t i = 0; i < kCount; ++i) {
    if (draws_below(kLoss, 11, i + 1) == draws_below(kLoss, 11, i)) wanted.push_back(i);
  }
  EXPECT_EQ(right.receive(), wanted);
}

TEST(Line, loss_is_mended_by_tcp_and_counted) {
  constexpr uint64_t kOctets = 400'000;
  auto testbed = bring_up(line({.loss = 0.03, .delay = 2ms, .seed = 5},
                               {.loss = 0.03, .delay = 2ms, .seed = 6},
                               {.port = kPort, .service = Service::source, .octets = kOctets}));
  const auto socket = connect(testbed, "left", {right_end(1), kPort});
  EXPECT_EQ(drain(testbed, socket), kOctets);
  for (const size_t end : {size_t{0}, size_t{1}}) {
    const lab::LineCounts& counts = testbed.link(0)->counts(end);
    EXPECT_EQ(counts.lost, draws_below(0.03, end == 0 ? 5 : 6, counts.put));
  }
  EXPECT_GT(testbed.link(0)->counts(1).lost, 0U);
  EXPECT_GT(socket.info().tcpi_rcv_ooopack, 0U);
}

TEST(Line, doubles_and_reorders_without_losing_any) {
  constexpr uint32_t kCount = 200;
  auto testbed = bring_up(
      line({.duplication = 0.2, .reordering = 0.2, .held_back = 20ms, .seed = 3}, {}, {.port = 1}));
  const auto left = UdpSocket::bound(testbed, "left", Family::v6, 0);
  const auto right = UdpSocket::bound(testbed, "right", Family::v6, 9);
  for (uint32_t i = 0; i < kCount; ++i) left.send(i, 100, {right_end(1, Family::v6), 9});
  const auto& counts = testbed.link(0)->counts(0);
  ASSERT_TRUE(testbed.until(
      [&] { return counts.put == kCount && counts.released == kCount + counts.doubled; }, 15s));
  auto come = right.receive();
  EXPECT_EQ(come.size(), kCount + counts.doubled);
  EXPECT_GT(counts.doubled, 0U);
  EXPECT_GT(counts.held_back, 0U);
  EXPECT_FALSE(std::ranges::is_sorted(come));
  std::ranges::sort(come);
  const auto [rest, end] = std::ranges::unique(come);
  EXPECT_EQ(rest - come.begin(), kCount);
}

// One is being sent and five wait: of 50 at once 44 find the queue full.
TEST(Line, a_queue_holds_as_many_as_told) {
  auto testbed = bring_up(line({.rate = 100, .queue_length = 5}, {}, {.port = kPort}));
  const auto left = UdpSocket::bound(testbed, "left", Family::v4, 0);
  for (uint32_t i = 0; i < 50; ++i) left.send(i, 1000, {right_end(1), 9});
  const auto& counts = testbed.link(0)->counts(0);
  ASSERT_TRUE(testbed.until([&] { return counts.put == 50; }, 15s));
  EXPECT_EQ(counts.overflowed, 44U);
}

// Nothing is faster than the line; and the kernel fills it. Half of the rate is left for a machine
// that is busy with other work.
TEST(Line, a_transfer_goes_at_the_line_s_rate) {
  constexpr uint64_t kRate = 400'000;
  constexpr uint64_t kOctets = 600'000;
  auto testbed = bring_up(line({}, {.delay = 5ms, .rate = kRate, .queue = 30'000},
                               {.port = kPort, .service = Service::source, .octets = kOctets}));
  const auto socket = connect(testbed, "left", {right_end(1), kPort});
  const tcp::Time begin = testbed.now();
  EXPECT_EQ(drain(testbed, socket), kOctets);
  const double rate = static_cast<double>(testbed.link(0)->counts(1).octets_released) /
                      seconds(testbed.now() - begin);
  EXPECT_LE(rate / static_cast<double>(kRate), 1.02);
  EXPECT_GE(rate / static_cast<double>(kRate), 0.5);
}

TEST(Line, the_kernel_learns_the_mtu_that_is_told) {
  constexpr uint64_t kOctets = 100'000;
  for (const Family family : kFamilies) {
    auto testbed = bring_up(line({.delay = 2ms, .mtu = 1400, .tells_mtu = true}, {},
                                 {.port = kPort, .service = Service::discard}));
    const auto socket = connect(testbed, "left", {right_end(1, family), kPort});
    ASSERT_TRUE(testbed.until([&] { return is_connected(socket); }, 15s));
    EXPECT_EQ(socket.info().tcpi_pmtu, 1500U);
    const std::vector<std::byte> text(kOctets);
    size_t sent = 0;
    ASSERT_TRUE(testbed.until(
        [&] {
          sent += socket.send(std::span(text).subspan(sent));
          return socket.info().tcpi_bytes_acked >= kOctets;
        },
        30s));
    EXPECT_EQ(socket.info().tcpi_pmtu, 1400U);
    EXPECT_GT(testbed.link(0)->counts(0).too_large, 0U);
  }
}

// The other direction only: the handshake and what the client sends pass, the answer never comes,
// and nobody says why.
TEST(Line, an_mtu_that_is_not_told_is_a_black_hole) {
  for (const Family family : kFamilies) {
    auto testbed = bring_up(line({.delay = 1ms}, {.delay = 1ms, .mtu = 1400},
                                 {.port = kPort, .service = Service::reply, .octets = 2800}));
    const auto socket = connect(testbed, "left", {right_end(1, family), kPort});
    ASSERT_TRUE(testbed.until([&] { return is_connected(socket); }, 15s));
    const std::vector<std::byte> question(1400);
    EXPECT_EQ(socket.send(question), question.size());
    const auto& back = testbed.link(0)->counts(1);
    ASSERT_TRUE(testbed.until([&] { return back.too_large >= 3; }, 30s));  // sent again
    EXPECT_EQ(socket.info().tcpi_bytes_acked, question.size() + 1);        // and the SYN
    std::vector<std::byte> buffer(4096);
    EXPECT_EQ(socket.receive(buffer).size, 0U);

    // Smaller segments would pass.
    testbed.link(0)->impair(1, {.delay = 1ms});
    EXPECT_EQ(drain(testbed, socket), 2800U);
  }
}

TEST(Line, cuts_what_may_be_cut) {
  auto testbed = bring_up(line({.mtu = 600}, {}, {.port = kPort}));
  const auto left = UdpSocket::bound(testbed, "left", Family::v4, 0);
  const auto right = UdpSocket::bound(testbed, "right", Family::v4, 9);
  const int never = IP_PMTUDISC_DONT;
  ::setsockopt(left.fd(), IPPROTO_IP, IP_MTU_DISCOVER, &never, sizeof never);
  left.send(7, 3000, {right_end(1), 9});
  std::vector<uint32_t> come;
  ASSERT_TRUE(testbed.until([&] { return !(come = right.receive()).empty(); }, 15s));
  EXPECT_EQ(come, std::vector<uint32_t>{7});
  EXPECT_EQ(testbed.link(0)->counts(0).too_large, 0U);
  EXPECT_GE(testbed.link(0)->counts(0).released, 6U);
}

}  // namespace
}  // namespace tcpdx::lab_kernel_test
