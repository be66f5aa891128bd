#include "lab/fragments.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "base/address.hpp"
#include "wire/ip.hpp"

namespace tcpdx::lab {
namespace {

std::vector<std::byte> datagram(size_t payload, bool dont_fragment,
                                std::span<const std::byte> options = {}) {
  const wire::IpHeader ip{.source = ipv4(10, 0, 0, 1),
                          .destination = ipv4(10, 0, 0, 2),
                          .protocol = 17,
                          .id = 77,
                          .dont_fragment = dont_fragment,
                          .options = options};
  std::vector<std::byte> bytes(wire::header_size(ip) + payload);
  const size_t start = wire::write_ip(ip, payload, bytes);
  for (size_t i = start; i < bytes.size(); ++i) bytes[i] = std::byte(i);
  return bytes;
}

std::vector<std::vector<std::byte>> cut(const std::vector<std::byte>& whole, size_t mtu) {
  std::vector<std::vector<std::byte>> pieces;
  const bool done = fragment(whole, mtu, [&](std::span<const std::byte> piece) {
    pieces.emplace_back(piece.begin(), piece.end());
  });
  EXPECT_EQ(done, !pieces.empty());
  return pieces;
}

// RFC 791 3.2: offsets in units of eight octets, the last fragment alone without "more".
TEST(Fragments, make_the_whole_again) {
  const auto whole = datagram(1000, false);
  const auto pieces = cut(whole, 300);
  ASSERT_EQ(pieces.size(), 4U);  // 280 octets each
  std::vector<std::byte> together;
  for (size_t i = 0; i < pieces.size(); ++i) {
    const auto parsed = wire::parse_ip(pieces[i]);
    ASSERT_TRUE(parsed);
    EXPECT_LE(pieces[i].size(), 300U);
    EXPECT_TRUE(parsed->checksum_ok);
    EXPECT_EQ(parsed->header.id, 77U);
    EXPECT_EQ(parsed->header.fragment_offset, together.size());
    EXPECT_EQ(parsed->header.more_fragments, i + 1 < pieces.size());
    together.insert(together.end(), parsed->payload.begin(), parsed->payload.end());
  }
  EXPECT_TRUE(std::ranges::equal(together, std::span(whole).subspan(20)));
}

TEST(Fragments, of_a_fragment_go_on_where_it_stood) {
  const auto first = cut(datagram(1000, false), 500);
  const auto pieces = cut(first[0], 100);
  const auto last = wire::parse_ip(pieces.back());
  ASSERT_TRUE(last);
  EXPECT_TRUE(last->header.more_fragments);
  const auto of_second = cut(first[1], 100);
  EXPECT_EQ(wire::parse_ip(of_second[1])->header.fragment_offset, 480U + 80U);
}

TEST(Fragments, leave_what_fits_and_what_may_not_be_cut) {
  const auto small = datagram(100, true);
  EXPECT_EQ(cut(small, 120), (std::vector<std::vector<std::byte>>{small}));
  EXPECT_TRUE(cut(datagram(1000, true), 300).empty());
  EXPECT_TRUE(cut(datagram(1000, false), 27).empty());
  EXPECT_TRUE(cut(std::vector<std::byte>(50), 20).empty());
}

// RFC 791 3.1: record route (7) is in the first fragment alone, the loose source route (131) in
// all.
TEST(Fragments, repeat_the_options_that_are_to_be_copied) {
  const std::vector<std::byte> options{std::byte{7}, std::byte{3}, std::byte{4}, std::byte{131},
                                       std::byte{3}, std::byte{4}, std::byte{0}, std::byte{0}};
  const auto pieces = cut(datagram(100, false, options), 60);
  ASSERT_GT(pieces.size(), 1U);
  const auto later = wire::parse_ip(pieces[1])->header.options;
  ASSERT_EQ(later.size(), 8U);
  EXPECT_EQ(later[0], std::byte{1});
  EXPECT_EQ(later[2], std::byte{1});
  EXPECT_EQ(later[3], std::byte{131});
}

}  // namespace
}  // namespace tcpdx::lab
