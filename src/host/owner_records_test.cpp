// Streams of records as the kernel's iterator hands them over, whole and cut anywhere.
#include "host/owner_records.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "bpf/records.h"

namespace tcpdx::host {
namespace {

owner_record record(uint32_t inode, uint32_t pid, int32_t fd, std::string_view comm = "nginx") {
  owner_record made{.inode = inode, .pid = pid, .fd = fd, .uid = 33, .comm = {}};
  std::ranges::copy(comm, &made.comm[0]);
  return made;
}

std::vector<std::byte> bytes_of(const std::vector<owner_record>& records) {
  std::vector<std::byte> bytes(records.size() * sizeof(owner_record));
  std::memcpy(bytes.data(), records.data(), bytes.size());
  return bytes;
}

OwnerPass taken(const std::vector<std::byte>& bytes, size_t piece) {
  OwnerRecords records;
  for (size_t at = 0; at < bytes.size(); at += piece) {
    records.take(std::span(bytes).subspan(at, std::min(piece, bytes.size() - at)));
  }
  return std::move(records).finish();
}

std::vector<std::string> lines(const OwnerPass& pass) {
  std::vector<std::string> all;
  for (const Owner& owner : pass.owners) {
    const Holder& holder = pass.holders[owner.process];
    all.push_back(
        fmt::format("{} {} {} {} {}", owner.inode, holder.pid, owner.fd, holder.uid, holder.comm));
  }
  return all;
}

TEST(OwnerRecords, SaysTheSameHoweverItIsCut) {
  const std::vector<std::byte> bytes =
      bytes_of({record(7, 10, 3), record(8, 10, 4), record(7, 11, 3, "sshd")});
  const std::vector<std::string> wanted{"7 10 3 33 nginx", "7 11 3 33 sshd", "8 10 4 33 nginx"};
  for (size_t piece = 1; piece <= bytes.size(); ++piece) {
    EXPECT_EQ(lines(taken(bytes, piece)), wanted) << "pieces of " << piece;
  }
}

TEST(OwnerRecords, DropsABeginningWithoutEnd) {
  std::vector<std::byte> bytes = bytes_of({record(7, 10, 3), record(8, 10, 4)});
  for (size_t length = sizeof(owner_record); length < bytes.size(); ++length) {
    std::vector<std::byte> cut(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length));
    EXPECT_EQ(taken(cut, 5).owners.size(), 1U) << length;
  }
  EXPECT_TRUE(taken({}, 1).owners.empty());
}

TEST(OwnerRecords, APidIsOneHolderEvenWhenItComesAgain) {
  const OwnerPass pass =
      taken(bytes_of({record(1, 10, 3), record(2, 11, 3), record(3, 10, 4)}), 64);
  EXPECT_EQ(pass.holders.size(), 2U);
  EXPECT_EQ(pass.owners[2].process, pass.owners[0].process);
}

TEST(OwnerRecords, PassesOverWhatSaysNothing) {
  EXPECT_TRUE(
      taken(bytes_of({record(0, 10, 3), record(7, 0, 3), record(7, 10, -1)}), 64).owners.empty());
}

TEST(OwnerRecords, ANameMayFillItsPlace) {
  const OwnerPass pass = taken(bytes_of({record(7, 10, 3, "0123456789abcdef")}), 64);
  EXPECT_EQ(pass.holders.at(0).comm, "0123456789abcdef");
}

}  // namespace
}  // namespace tcpdx::host
