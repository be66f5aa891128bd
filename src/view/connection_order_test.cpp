// Sorting and keeping the first connections.
#include "view/connection_order.hpp"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

namespace tcpdx::view {
namespace {

// Ids 1 to 6, given in the order 2 1 4 3 6 5.
std::vector<Connection> some() {
  struct Row {
    uint64_t id;
    Duration start;
    Duration duration;
    uint64_t sent;
    uint64_t received;
    std::optional<Duration> handshake;
  };
  std::vector<Connection> made;
  for (const Row& row : {Row{2, 10us, 7s, 500, 0, 20ms}, Row{1, 0us, 1s, 100, 100, std::nullopt},
                         Row{4, 5us, 9s, 0, 0, 5ms}, Row{3, 20us, 1s, 0, 900, 0us},
                         Row{6, 30us, 2s, 250, 250, 30ms}, Row{5, 40us, 3s, 1, 0, std::nullopt}}) {
    Connection one;
    one.id = row.id;
    one.start = WallTime(row.start);
    one.duration = row.duration;
    one.side(Party::originator).bytes = row.sent;
    one.side(Party::responder).bytes = row.received;
    one.handshake.server_rtt = row.handshake;
    made.push_back(std::move(one));
  }
  return made;
}

std::string order_by(std::string_view name, size_t limit) {
  const auto key = connection_key(name);
  if (!key) return key.error().sentence;
  FirstConnections first(**key, limit);
  for (Connection& one : some()) first.take(std::move(one));
  std::string ids;
  const uint64_t left_out = first.left_out();
  for (const auto& one : std::move(first).sorted()) ids += std::to_string(one->id);
  EXPECT_EQ(left_out, 6 - ids.size());
  return ids;
}

TEST(ConnectionOrder, SortsByEachKeyAndKeepsTheFirst) {
  EXPECT_EQ(order_by("id", 0), "123456");
  EXPECT_EQ(order_by("start", 0), "142365");
  EXPECT_EQ(order_by("duration", 0), "425613");   // the longest first, equals by id
  EXPECT_EQ(order_by("Bytes", 0), "326154");      // 900, 500 and 500, 200, 1, 0
  EXPECT_EQ(order_by("handshake", 0), "624315");  // not known is last
  for (const std::string_view key : {"id", "start", "duration", "bytes", "handshake"}) {
    const std::string all = order_by(key, 0);
    for (size_t limit = 1; limit <= 7; ++limit) {
      EXPECT_EQ(order_by(key, limit), all.substr(0, limit)) << key;
    }
  }
}

TEST(ConnectionOrder, AnUnknownKeyIsNamedAndTheKnownOnesListed) {
  const std::string error = order_by("colour", 0);
  EXPECT_NE(error.find("'colour'"), std::string::npos);
  EXPECT_NE(error.find("retransmissions"), std::string::npos);
  EXPECT_TRUE(connection_key("zero-windows").has_value());
  EXPECT_NE(describe_connection_keys().find("handshake"), std::string::npos);
}

}  // namespace
}  // namespace tcpdx::view
