#include "lab/path.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "lab/datagram.hpp"
#include "wire/checksum.hpp"
#include "wire/icmp.hpp"
#include "wire/octets.hpp"

namespace tcpdx::lab {
namespace {

constexpr uint8_t kUdp = 17;
const IpAddress kMe = parse_address("10.9.0.1").value();
const IpAddress kMe6 = parse_address("fd09::1").value();
const IpAddress kTarget = parse_address("10.9.9.9").value();
const IpAddress kTarget6 = parse_address("fd09:9::9").value();

// Three routers 1, 2 and 3 ms away and a target at 4 ms.
PathSettings three_hops() {
  PathSettings settings;
  for (int i = 1; i <= 3; ++i) {
    Hop& hop = settings.hops.emplace_back();
    hop.addresses = {parse_address("10.9." + std::to_string(i) + ".1").value(),
                     parse_address("fd09:" + std::to_string(i) + "::1").value()};
    hop.away = i * 1ms;
  }
  settings.target.addresses = {kTarget, kTarget6};
  settings.target.away = 4ms;
  settings.target.open_ports = {443};
  return settings;
}

std::vector<std::byte> probe(uint8_t protocol, uint8_t ttl, size_t payload, bool v6 = false) {
  const wire::IpHeader ip{.source = v6 ? kMe6 : kMe,
                          .destination = v6 ? kTarget6 : kTarget,
                          .protocol = protocol,
                          .ttl = ttl,
                          .dont_fragment = !v6};
  std::vector<std::byte> datagram(wire::header_size(ip) + payload);
  wire::write_ip(ip, payload, datagram);
  for (size_t i = 0; i < payload; ++i) {
    datagram[datagram.size() - payload + i] = std::byte{static_cast<uint8_t>(i)};
  }
  return datagram;
}

std::vector<std::byte> echo_request(uint8_t ttl) {
  auto datagram = probe(wire::kProtocolIcmp, ttl, 32);
  const auto message = std::span(datagram).subspan(wire::kIpv4HeaderSize);
  wire::put8(message.data(), 8);
  wire::put8(&message[1], 0);
  wire::put16(&message[2], 0);
  wire::put16(&message[2], wire::checksum(wire::add_words(message)));
  return datagram;
}

std::vector<std::byte> syn(uint16_t port, uint8_t ttl, bool v6 = false) {
  tcp::Packet packet{.source = v6 ? kMe6 : kMe,
                     .destination = v6 ? kTarget6 : kTarget,
                     .header = {.source_port = 40000,
                                .destination_port = port,
                                .seq = Seq{1000},
                                .ack = {},
                                .flags = {.syn = true},
                                .window = 65535,
                                .urgent = 0,
                                .options = {.mss = 1460}},
                     .text = {},
                     .ttl = ttl,
                     .traffic_class = 0,
                     .source_route = {}};
  std::vector<std::byte> out(200);
  out.resize(write_datagram(packet, 1, out));
  return out;
}

struct Answer {
  tcp::Time at{};
  std::vector<std::byte> datagram;

  wire::ParsedIp ip() const { return wire::parse_ip(datagram).value(); }
  uint8_t type() const { return wire::get8(ip().payload.data()); }
  uint8_t code() const { return wire::get8(ip().payload.data() + 1); }
};

std::optional<Answer> ask(Path& path, const std::vector<std::byte>& datagram, tcp::Time now = 0ms) {
  path.put(now, datagram);
  std::optional<Answer> answer;
  while (const auto next = path.next()) {
    path.release(*next, [&](std::span<const std::byte> out) {
      EXPECT_FALSE(answer) << "two answers";
      answer = Answer{.at = *next, .datagram = {out.begin(), out.end()}};
    });
  }
  return answer;
}

TEST(Path, tells_of_a_ttl_that_ran_out_where_it_did) {
  Path path(three_hops());
  for (uint8_t ttl = 1; ttl <= 3; ++ttl) {
    for (const bool v6 : {false, true}) {
      const auto sent = probe(kUdp, ttl, 64, v6);
      const auto answer = ask(path, sent);
      ASSERT_TRUE(answer) << int{ttl};
      EXPECT_EQ(answer->at, ttl * 2ms);
      EXPECT_EQ(answer->ip().header.source, three_hops().hops[ttl - 1U].addresses[v6 ? 1 : 0]);
      EXPECT_EQ(answer->type(), v6 ? wire::icmp6::kTimeExceeded : wire::icmp4::kTimeExceeded);
      EXPECT_TRUE(wire::icmp_checksum_ok(answer->ip()));
      // What it quotes is what was sent, but for TTL and checksum.
      const auto quoted = answer->ip().payload.subspan(8);
      ASSERT_EQ(quoted.size(), sent.size());
      EXPECT_TRUE(
          std::ranges::equal(quoted.subspan(v6 ? 40 : 20), std::span(sent).subspan(v6 ? 40 : 20)));
    }
  }
}

TEST(Path, lets_the_target_answer_beyond_its_routers) {
  Path path(three_hops());
  const auto echo = ask(path, echo_request(4));
  ASSERT_TRUE(echo);
  EXPECT_EQ(echo->at, 8ms);
  EXPECT_EQ(echo->type(), 0);
  EXPECT_TRUE(wire::icmp_checksum_ok(echo->ip()));
  const auto udp = ask(path, probe(kUdp, 9, 20));
  ASSERT_TRUE(udp);
  EXPECT_EQ(udp->type(), wire::icmp4::kUnreachable);
  EXPECT_EQ(udp->code(), wire::icmp4::kPort);
  EXPECT_EQ(path.reached_target(), 2U);
}

TEST(Path, opens_and_refuses_as_a_tcp_does) {
  Path path(three_hops());
  for (const bool v6 : {false, true}) {
    for (const uint16_t port : {uint16_t{443}, uint16_t{80}}) {
      const auto answer = ask(path, syn(port, 64, v6));
      ASSERT_TRUE(answer);
      const auto ip = answer->ip();
      EXPECT_TRUE(wire::tcp_checksum_ok(ip.payload, ip.header.source, ip.header.destination));
      const auto tcp = wire::parse_tcp(ip.payload);
      ASSERT_TRUE(tcp);
      EXPECT_EQ(to_string(tcp->header.flags), port == 443 ? "S." : "R.");
      EXPECT_EQ(tcp->header.ack, Seq{1001});
    }
  }
  ask(path, syn(443, 3));  // does not come so far
  ask(path, echo_request(64));
  EXPECT_EQ(path.syns_at_target(), 4U);
  EXPECT_EQ(path.reached_target(), 5U);
}

TEST(Path, keeps_silent_where_told) {
  PathSettings settings = three_hops();
  settings.hops[1].silent = true;
  settings.target.silent = true;
  Path path(settings);
  EXPECT_TRUE(ask(path, probe(kUdp, 1, 8)));
  EXPECT_FALSE(ask(path, probe(kUdp, 2, 8)));
  EXPECT_TRUE(ask(path, probe(kUdp, 3, 8)));
  EXPECT_FALSE(ask(path, syn(443, 64)));
  EXPECT_EQ(path.reached_target(), 1U);
}

// Six at once, then one a second.
TEST(Path, limits_errors_as_linux_does) {
  PathSettings settings = three_hops();
  settings.hops[0].rate = 1;
  Path path(settings);
  int answered = 0;
  for (int i = 0; i < 20; ++i) answered += ask(path, probe(kUdp, 1, 8), 0ms) ? 1 : 0;
  EXPECT_EQ(answered, 6);
  EXPECT_TRUE(ask(path, probe(kUdp, 1, 8), 1100ms));
  EXPECT_FALSE(ask(path, probe(kUdp, 1, 8), 1200ms));
}

TEST(Path, tells_or_hides_what_is_too_large) {
  PathSettings settings = three_hops();
  settings.hops[1].mtu = 1400;
  Path path(settings);
  const auto told = ask(path, probe(kUdp, 64, 1400));
  ASSERT_TRUE(told);
  EXPECT_EQ(told->ip().header.source, settings.hops[1].addresses[0]);
  EXPECT_EQ(told->type(), wire::icmp4::kUnreachable);
  EXPECT_EQ(told->code(), wire::icmp4::kFragmentationNeeded);
  EXPECT_EQ(wire::get16(told->ip().payload.data() + 6), 1400);
  const auto told6 = ask(path, probe(kUdp, 64, 1400, true));
  ASSERT_TRUE(told6);
  EXPECT_EQ(told6->type(), wire::icmp6::kPacketTooBig);
  EXPECT_EQ(wire::get32(told6->ip().payload.data() + 4), 1400U);
  EXPECT_TRUE(ask(path, probe(kUdp, 64, 1380)));  // 1400 with its header

  settings.hops[1].hides_mtu = true;
  Path hole(settings);
  EXPECT_FALSE(ask(hole, probe(kUdp, 64, 1400)));
}

TEST(Path, quotes_as_little_as_told) {
  PathSettings settings = three_hops();
  settings.hops[0].quote = 8;
  Path path(settings);
  const auto answer = ask(path, probe(kUdp, 1, 64));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->ip().payload.size(), 8U + 20U + 8U);
}

// RFC 4884 and RFC 4950: 128 octets of quotation, 32 words; version 2; one object of class 1,
// type 1.
TEST(Path, tells_labels) {
  PathSettings settings = three_hops();
  settings.hops[0].labels = {16001, 24};
  Path path(settings);
  const auto answer = ask(path, probe(kUdp, 1, 64));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(wire::icmp_checksum_ok(answer->ip()));
  const auto message = answer->ip().payload;
  EXPECT_EQ(wire::get8(&message[5]), 32);
  const auto extension = message.subspan(8 + 128);
  ASSERT_EQ(extension.size(), 4U + 4U + 8U);
  EXPECT_EQ(wire::get8(extension.data()), 0x20);
  EXPECT_EQ(wire::checksum(wire::add_words(extension)), 0);
  EXPECT_EQ(wire::get32(&extension[8]), 16001U << 12U | 1U);
  EXPECT_EQ(wire::get32(&extension[12]), 24U << 12U | 1U << 8U | 1U);
}

TEST(Path, clamps_the_mss_of_syns) {
  PathSettings settings = three_hops();
  settings.hops[1].clamp_mss = 1300;
  Path path(settings);
  const auto before = ask(path, syn(443, 2));
  const auto behind = ask(path, syn(443, 3));
  ASSERT_TRUE(before && behind);
  const auto mss_of = [](const Answer& answer) {
    const auto segment = answer.ip().payload.subspan(8 + 20);
    EXPECT_TRUE(wire::tcp_checksum_ok(segment, kMe, kTarget));
    return wire::parse_tcp(segment)->header.options.mss;
  };
  EXPECT_EQ(mss_of(*before), 1460);
  EXPECT_EQ(mss_of(*behind), 1300);
}

TEST(Path, loses_in_both_directions) {
  PathSettings settings = three_hops();
  settings.hops[0].loss = 0.2;
  Path path(settings);
  int answered = 0;
  for (int i = 0; i < 1000; ++i) answered += ask(path, echo_request(64)) ? 1 : 0;
  EXPECT_NEAR(answered, 640, 60);  // 0.8 squared; the deviation is 15
}

TEST(Path, survives_what_is_no_datagram) {
  Path path(three_hops());
  const auto whole = syn(443, 64);
  for (size_t size = 0; size < whole.size(); ++size) {
    path.put(0ms, std::span(whole).first(size));
  }
  EXPECT_FALSE(path.next());
}

}  // namespace
}  // namespace tcpdx::lab
