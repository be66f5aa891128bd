// Owners in any order, more or fewer than there are sockets.
#include "host/owner_join.hpp"

#include <gtest/gtest.h>

namespace tcpdx::host {
namespace {

Look look_of(std::initializer_list<uint32_t> inodes, std::vector<Owner> owners) {
  Look look;
  for (const uint32_t inode : inodes) look.sockets.emplace_back().inode = inode;
  look.owners = std::move(owners);
  return look;
}

std::vector<int> fds_of(const Look& look, size_t socket) {
  std::vector<int> fds;
  for (const Owner& owner : owners_of(look, look.sockets[socket])) fds.push_back(owner.fd);
  return fds;
}

TEST(OwnerJoin, EachSocketHasItsOwnersInOrder) {
  Look look =
      look_of({30, 0, 10, 20}, {{20, 1, 5}, {10, 2, 4}, {30, 0, 9}, {10, 0, 7}, {10, 0, 3}});
  join_owners(look);
  EXPECT_EQ(fds_of(look, 0), (std::vector<int>{9}));
  EXPECT_EQ(fds_of(look, 1), (std::vector<int>{}));
  EXPECT_EQ(fds_of(look, 2), (std::vector<int>{3, 7, 4})) << "by process, then descriptor";
  EXPECT_EQ(fds_of(look, 3), (std::vector<int>{5}));
}

// The threads of a process whose leader has ended show the same descriptors once each.
TEST(OwnerJoin, ADescriptorMetTwiceIsOne) {
  Look look = look_of({10}, {{10, 0, 3}, {10, 0, 3}, {10, 0, 3}});
  join_owners(look);
  EXPECT_EQ(fds_of(look, 0), (std::vector<int>{3}));
}

TEST(OwnerJoin, DropsWhatBelongsToNoSocketOfTheLook) {
  Look look = look_of({10, 0}, {{11, 0, 3}, {10, 0, 4}, {9, 0, 5}, {0, 0, 6}});
  join_owners(look);
  EXPECT_EQ(look.owners.size(), 1U);
  EXPECT_EQ(fds_of(look, 0), (std::vector<int>{4}));
  EXPECT_EQ(look.sockets[1].first_owner, kNoIndex);
}

// Subflows of Multipath TCP have the inode of the socket that the program holds.
TEST(OwnerJoin, SocketsWithOneInodeShareItsOwners) {
  Look look = look_of({10, 10}, {{10, 0, 3}});
  join_owners(look);
  EXPECT_EQ(fds_of(look, 0), (std::vector<int>{3}));
  EXPECT_EQ(fds_of(look, 1), (std::vector<int>{3}));
}

TEST(OwnerJoin, JoinsAgainWhenOwnersWereTakenOut) {
  Look look = look_of({10, 20}, {{10, 0, 3}, {20, 1, 4}});
  join_owners(look);
  look.owners.erase(look.owners.begin());
  join_owners(look);
  EXPECT_EQ(look.sockets[0].first_owner, kNoIndex);
  EXPECT_EQ(look.sockets[0].owner_count, 0);
  EXPECT_EQ(fds_of(look, 1), (std::vector<int>{4}));
}

TEST(OwnerJoin, NothingAtAll) {
  Look look;
  join_owners(look);
  EXPECT_TRUE(look.owners.empty());
}

}  // namespace
}  // namespace tcpdx::host
