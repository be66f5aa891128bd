#include "view/connect_text.hpp"

#include <gtest/gtest.h>

#include <sstream>

#include <nlohmann/json.hpp>

namespace tcpdx::view {
namespace {

std::string racing(const std::vector<IpAddress>& addresses) {
  std::ostringstream out;
  write_racing_order(out, addresses);
  return out.str();
}

TEST(ConnectText, TellsTheOrderOfARaceBetweenFamilies) {
  const IpAddress six = parse_address("2001:db8::1").value_or(IpAddress{});
  EXPECT_EQ(racing({six, ipv4(192, 0, 2, 1)}),
            "  clients that race (RFC 8305) try 2001:db8::1, then 192.0.2.1, 250 ms apart\n");
}

TEST(ConnectText, HasNoRaceWithinOneFamily) {
  EXPECT_EQ(racing({ipv4(192, 0, 2, 1), ipv4(192, 0, 2, 2)}), "");
  EXPECT_EQ(racing({}), "");
}

// The order of RFC 8305 4, by hand.
TEST(ConnectText, GivesTheOrderOfTheRaceAsJson) {
  const IpAddress six = parse_address("2001:db8::1").value_or(IpAddress{});
  std::ostringstream out;
  write_attempts_json(out, "name:80", {ipv4(192, 0, 2, 1), ipv4(192, 0, 2, 2), six}, {});
  const auto document = nlohmann::json::parse(out.str());
  EXPECT_EQ(document["race"], (std::vector<std::string>{"192.0.2.1", "2001:db8::1", "192.0.2.2"}));
}

}  // namespace
}  // namespace tcpdx::view
