// The octets are those that tcpdump(8) shows of an exchange between two Linux hosts.
#include "wire/arp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace tcpdx::wire {
namespace {

constexpr std::array<uint8_t, kArpSize> kReply{
    0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x02,        // Ethernet, IPv4, lengths, reply
    0x02, 0x00, 0x00, 0x00, 0x00, 0x0b, 10,   1,    0, 2,  // the sender
    0x02, 0x00, 0x00, 0x00, 0x00, 0x0a, 10,   1,    0, 1};

std::vector<std::byte> octets_of(std::span<const uint8_t> numbers) {
  const auto octets = std::as_bytes(numbers);
  return {octets.begin(), octets.end()};
}

TEST(Arp, ReadsAReplyAndWritesItAgain) {
  const auto octets = octets_of(kReply);
  const ArpMessage message = parse_arp(octets).value_or(ArpMessage{});
  EXPECT_EQ(message.operation, ArpOperation::reply);
  EXPECT_EQ(to_string(message.sender_mac), "02:00:00:00:00:0b");
  EXPECT_EQ(message.sender, ipv4(10, 1, 0, 2));
  EXPECT_EQ(to_string(message.target_mac), "02:00:00:00:00:0a");
  EXPECT_EQ(message.target, ipv4(10, 1, 0, 1));
  EXPECT_TRUE(std::ranges::equal(write_arp(message), octets));
}

TEST(Arp, PassesPaddingOver) {
  auto octets = octets_of(kReply);
  octets.resize(46);  // the least that an Ethernet frame carries
  EXPECT_TRUE(parse_arp(octets));
}

TEST(Arp, RefusesWhatIsCutOrOfAnotherKind) {
  const auto whole = octets_of(kReply);
  for (size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(parse_arp(std::span(whole).first(size))) << size;
  }
  for (const size_t at : {1U, 2U, 4U, 5U, 7U}) {  // hardware, protocol, lengths, operation
    auto octets = whole;
    octets[at] = std::byte{9};
    EXPECT_FALSE(parse_arp(octets)) << at;
  }
}

}  // namespace
}  // namespace tcpdx::wire
