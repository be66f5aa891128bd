// ICMP errors about a connection (RFC 9293 3.9.2.2): ours to the kernel, and the kernel's to us,
// who refuses, routes into nothing, or routes over a narrower link.
#include "wire/icmp.hpp"

#include <cstdlib>

#include "kernel/exchange.hpp"

namespace tcpdx::kernel_test {
namespace {

class Icmp : public Stage {
 protected:
  using Bytes = std::vector<std::byte>;

  // Tells the sender of a datagram what became of it.
  void complain(const wire::IcmpCause& cause, const Bytes& offending, Family family = Family::v4) {
    std::array<std::byte, wire::kMaxIcmpErrorSize> error{};
    const size_t size = wire::write_icmp_error(cause, our_address(family), offending, error);
    ASSERT_GT(size, 0U);
    peer().inject(std::span(error).first(size));
  }

  // The next TCP segment of the kernel's, which is lost.
  Bytes catch_segment(Family family = Family::v4) {
    Bytes caught;
    peer().hooks().pass = [&](lab::Direction direction, std::span<const std::byte> datagram) {
      const auto ip = wire::parse_ip(datagram);
      if (direction == lab::Direction::out || !caught.empty() || !ip ||
          ip->header.protocol != wire::kProtocolTcp || ip->header.source.family != family) {
        return true;
      }
      caught.assign(datagram.begin(), datagram.end());
      return false;
    };
    EXPECT_TRUE(until([&] { return !caught.empty(); }));
    peer().hooks().pass = {};
    return caught;
  }

  int error_of_connecting_linux(const wire::IcmpCause& cause, Family family = Family::v4) {
    start();
    const LinuxSocket client = LinuxSocket::connecting({our_address(family), kOurPort});
    const Ends ends{client.local(), {our_address(family), kOurPort}};
    const Bytes syn = catch_segment(family);
    expect_states_now(ends, State::syn_sent, State::closed);
    complain(cause, syn, family);
    expect_states_now(ends, State::closed, State::closed);
    return client.error();
  }

  // Every datagram above `mtu` octets is lost and complained about.
  void narrow_path(uint16_t mtu, const wire::IcmpCause& cause, Family family, size_t mss) {
    start();
    Pair pair = kernel_connects(family);
    std::vector<Bytes> too_big;
    peer().hooks().pass = [&](lab::Direction direction, std::span<const std::byte> datagram) {
      if (direction == lab::Direction::out || datagram.size() <= mtu) return true;
      too_big.emplace_back(datagram.begin(), datagram.end());
      return false;
    };
    Exchange data(0, 500'000);
    EXPECT_TRUE(until([&] {
      for (const Bytes& datagram : std::exchange(too_big, {})) complain(cause, datagram, family);
      data.all(pair, endpoint(), now());
      return data.done();
    }));
    EXPECT_TRUE(data.intact());
    EXPECT_EQ(pair.linux.info().tcpi_snd_mss, mss);
    expect_states_now(pair.ends, State::established, State::established);
  }

  // The one connection of ours that a case opens.
  tcp::ConnectionId connect_to(const SocketAddress& to,
                               const tcp::ConnectionOptions& options = {}) {
    const auto id = endpoint().connect(now(), {our_address(to.addr.family), 5555}, to, options);
    EXPECT_TRUE(id) << id.error().sentence;
    return id.value_or(tcp::ConnectionId{});
  }

  void expect_soft_error(const SocketAddress& to, const tcp::ConnectionOptions& options = {}) {
    const tcp::ConnectionId id = connect_to(to, options);
    EXPECT_TRUE(until([&] { return was_told(id, tcp::Notice::soft_error); }));
    EXPECT_EQ(endpoint().status(id).value().state, State::syn_sent);  // MUST-56
  }
};

using namespace wire;  // the names of ICMP

// icmp_err_convert of net/ipv4/icmp.c; a connecting socket gets every error (tcp_v4_err).
TEST_F(Icmp, port_unreachable_to_a_connecting_linux) {
  EXPECT_EQ(error_of_connecting_linux({icmp4::kUnreachable, icmp4::kPort}), ECONNREFUSED);
}

TEST_F(Icmp, host_unreachable_to_a_connecting_linux) {
  EXPECT_EQ(error_of_connecting_linux({icmp4::kUnreachable, icmp4::kHost}), EHOSTUNREACH);
}

TEST_F(Icmp, port_unreachable_to_a_connecting_linux_ipv6) {
  EXPECT_EQ(error_of_connecting_linux({icmp6::kUnreachable, icmp6::kPort}, Family::v6),
            ECONNREFUSED);
}

// An open connection stays (tcp_v4_err: only a soft error).
TEST_F(Icmp, port_unreachable_to_an_open_linux) {
  start();
  Pair pair = kernel_connects();
  Exchange data(0, 1000);
  data.kernel_sends(pair);
  complain({icmp4::kUnreachable, icmp4::kPort}, catch_segment());
  expect_states_now(pair.ends, State::established, State::established);
  EXPECT_TRUE(until([&] {
    data.all(pair, endpoint(), now());
    return data.done();
  }));
  EXPECT_TRUE(data.intact());
}

// MTU less 20 (IPv4) or 40 (IPv6), 20 of TCP and 12 of timestamps.
TEST_F(Icmp, fragmentation_needed_to_linux) {
  narrow_path(1000, {icmp4::kUnreachable, icmp4::kFragmentationNeeded, 1000}, Family::v4, 948);
}

TEST_F(Icmp, packet_too_big_to_linux) {
  narrow_path(1300, {icmp6::kPacketTooBig, 0, 1300}, Family::v6, 1228);
}

TEST_F(Icmp, net_unreachable_from_linux) {
  start();
  sysctl("ipv4/ip_forward", "1");
  expect_soft_error({ipv4(10, 9, 9, 9), 80});
}

TEST_F(Icmp, no_route_from_linux_ipv6) {
  start();
  sysctl("ipv6/conf/all/forwarding", "1");
  expect_soft_error({parse_address("fd99::9").value(), 80});
}

TEST_F(Icmp, time_exceeded_from_linux) {
  start();
  sysctl("ipv4/ip_forward", "1");
  tcp::ConnectionOptions options;
  options.ttl = 1;
  expect_soft_error({ipv4(10, 0, 0, 3), 80}, options);
}

// SHLD-26, before the connection is synchronized.
TEST_F(Icmp, port_unreachable_from_linux) {
  start();
  ASSERT_EQ(std::system("nft 'table ip t { chain c { type filter hook input priority 0; "
                        "tcp dport 80 reject with icmp type port-unreachable; }; }'"),
            0);
  const tcp::ConnectionId id = connect_to({kernel_address(), 80});
  EXPECT_TRUE(until([&] { return was_told(id, tcp::Notice::aborted); }));
  EXPECT_EQ(our_state({{kernel_address(), 80}, {our_address(), 5555}}), State::closed);
}

// Our end, Linux as router, and a second end of ours behind a link of 1000 octets.
TEST_F(Icmp, fragmentation_needed_from_linux) {
  start();
  sysctl("ipv4/ip_forward", "1");
  auto tun = lab::Tun::open({.name = "far", .addresses = {{ipv4(10, 1, 0, 1), 24}}, .mtu = 1000});
  ASSERT_TRUE(tun) << tun.error().sentence;
  const SocketAddress there{ipv4(10, 1, 0, 2), kOurPort};
  tcp::Settings settings;
  settings.addresses = {there.addr};
  const auto far = std::make_unique<lab::Peer>(std::move(*tun), settings, kSecret);
  const auto listener = far->endpoint().listen(far->now(), there);
  ASSERT_TRUE(listener);
  const tcp::ConnectionId id = connect_to(there);
  std::optional<tcp::ConnectionId> other;
  EXPECT_TRUE(until([&] {
    far->turn();
    other = far->endpoint().accept(far->now(), *listener);
    return other.has_value();
  }));
  ASSERT_TRUE(other.has_value());
  EXPECT_EQ(endpoint().status(id).value().mss, 1448);
  constexpr uint64_t kTotal = 500'000;
  const Pattern pattern(3);
  uint64_t sent = 0;
  uint64_t received = 0;
  Bytes buffer(65536);
  EXPECT_TRUE(until([&] {
    const size_t size = std::min<uint64_t>(10'000, kTotal - sent);
    if (size > 0) sent += endpoint().send(now(), id, pattern.at(sent, size)).value_or(0);
    far->turn();
    const auto got = far->endpoint().receive(far->now(), *other, buffer);
    EXPECT_TRUE(pattern.matches(received, std::span(buffer).first(got.value_or(0))));
    received += got.value_or(0);
    return received == kTotal;
  }));
  EXPECT_EQ(endpoint().status(id).value().mss, 948);
}

}  // namespace
}  // namespace tcpdx::kernel_test
