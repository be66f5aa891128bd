#include "base/order.hpp"

#include <gtest/gtest.h>

#include <string>

namespace tcpdx {
namespace {

using Row = std::pair<int, std::string>;

TEST(SortKeepingOrder, LeavesEqualsInTheirOrder) {
  std::vector<Row> rows{{2, "a"}, {1, "b"}, {2, "c"}, {1, "d"}, {0, "e"}};
  sort_keeping_order(rows, {}, &Row::first);
  EXPECT_EQ(rows, (std::vector<Row>{{0, "e"}, {1, "b"}, {1, "d"}, {2, "a"}, {2, "c"}}));
  sort_keeping_order(rows, std::greater{}, &Row::first);
  EXPECT_EQ(rows, (std::vector<Row>{{2, "a"}, {2, "c"}, {1, "b"}, {1, "d"}, {0, "e"}}));
}

TEST(SortKeepingOrder, SortsNothing) {
  std::vector<Row> rows;
  sort_keeping_order(rows, {}, &Row::first);
  EXPECT_TRUE(rows.empty());
}

}  // namespace
}  // namespace tcpdx
