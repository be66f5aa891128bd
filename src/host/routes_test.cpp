// Messages made by hand after linux/rtnetlink.h and linux/neighbour.h.
#include "host/routes.hpp"

#include <gtest/gtest.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <array>
#include <cstring>

namespace tcpdx::host {
namespace {

template <class Fixed>
std::vector<std::byte> message_of(const Fixed& fixed) {
  std::vector<std::byte> bytes(netlink_aligned(sizeof fixed));
  std::memcpy(bytes.data(), &fixed, sizeof fixed);
  return bytes;
}

void add(std::vector<std::byte>& bytes, uint16_t type, std::span<const std::byte> value) {
  const nlattr head{static_cast<uint16_t>(sizeof(nlattr) + value.size()), type};
  const auto first = std::as_bytes(std::span(&head, 1));
  bytes.insert(bytes.end(), first.begin(), first.end());
  bytes.insert(bytes.end(), value.begin(), value.end());
  bytes.resize(netlink_aligned(bytes.size()));
}

constexpr std::array<uint8_t, 4> kGateway{192, 0, 2, 1};
constexpr uint32_t kInterface = 2;

TEST(Routes, ReadsGatewayAndInterface) {
  auto bytes = message_of(rtmsg{});
  add(bytes, RTA_GATEWAY, std::as_bytes(std::span(kGateway)));
  add(bytes, RTA_OIF, std::as_bytes(std::span(&kInterface, 1)));
  const auto route = parse_route_message(bytes);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->gateway, ipv4(192, 0, 2, 1));
  EXPECT_EQ(route->interface, kInterface);
}

TEST(Routes, ReadsAGatewayOfTheOtherFamily) {
  std::array<uint8_t, 18> via{AF_INET6, 0, 0xfe, 0x80};  // struct rtvia: family, address
  via.back() = 1;
  auto bytes = message_of(rtmsg{});
  add(bytes, RTA_VIA, std::as_bytes(std::span(via)));
  const auto route = parse_route_message(bytes);
  ASSERT_TRUE(route.has_value());
  EXPECT_EQ(route->gateway, parse_address("fe80::1"));
}

TEST(Routes, ReadsNeighbours) {
  ndmsg fixed{};
  fixed.ndm_ifindex = kInterface;
  fixed.ndm_state = NUD_FAILED;
  auto bytes = message_of(fixed);
  EXPECT_FALSE(parse_neighbour_message(bytes)) << "an entry without an address";
  add(bytes, NDA_DST, std::as_bytes(std::span(kGateway)));
  const auto neighbour = parse_neighbour_message(bytes);
  ASSERT_TRUE(neighbour.has_value());
  EXPECT_EQ(neighbour->address, ipv4(192, 0, 2, 1));
  EXPECT_EQ(neighbour->interface, kInterface);
  EXPECT_EQ(neighbour->state, NeighbourState::failed);
}

TEST(Routes, ShortMessagesAreNothing) {
  const std::vector<std::byte> bytes(4);
  EXPECT_FALSE(parse_route_message(bytes));
  EXPECT_FALSE(parse_neighbour_message(bytes));
}

TEST(Routes, AsksTheKernelForTheWayToLoopback) {
  const std::array<RouteQuestion, 1> questions{RouteQuestion{ipv4(127, 0, 0, 1), {}, 0, 0}};
  const auto routes = ask_routes(questions, 3);
  ASSERT_TRUE(routes.has_value()) << routes.error().sentence;
  ASSERT_EQ(routes->size(), 1U);
  const Route& route = routes->front();
  EXPECT_EQ(route.netns, 3);
  EXPECT_EQ(route.error, 0);
  EXPECT_EQ(route.interface, "lo");
  EXPECT_EQ(route.gateway, std::nullopt);
}

}  // namespace
}  // namespace tcpdx::host
