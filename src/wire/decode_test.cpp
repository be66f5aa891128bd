#include "wire/decode.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "wire/decode_test.hpp"

namespace tcpdx::wire {
namespace {

using namespace decode_test;

TEST(Decode, ReadsEthernet) {
  Decoder decoder;
  const Reading reading = read(decoder, kEthernet, kAddresses + kIpv4Type + kSyn);
  expect_syn4(reading);
  EXPECT_EQ(reading.packet.link, 0U);
  EXPECT_EQ(decoder.links().size(), 1U);
  EXPECT_EQ(decoder.links()[0], LinkPath{});
}

TEST(Decode, ReadsIpv6) {
  const Reading reading = read(kEthernet, kAddresses + kIpv6Type + copy(test_frames::kSyn6));
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.source, parse_address("2001:db8::1"));
  EXPECT_EQ(reading.packet.destination, parse_address("2001:db8::2"));
  EXPECT_EQ(reading.packet.source_port, 36614);
  EXPECT_EQ(reading.packet.ip_octets, 80U);
  EXPECT_EQ(reading.packet.ip_id, 0U);
  EXPECT_EQ(reading.packet.checksum, Checksum::right);
}

TEST(Decode, ReadsText) {
  const Reading reading = read(kRaw, copy(test_frames::kData));
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.length, 5U);
  EXPECT_EQ(reading.text, (Octets{'h', 'e', 'l', 'l', 'o'}));
  EXPECT_TRUE(reading.packet.flags.psh);
  EXPECT_TRUE(reading.packet.flags.ack);
  EXPECT_EQ(reading.packet.ack.raw, 2U);
  EXPECT_EQ(reading.packet.checksum, Checksum::right);
}

TEST(Decode, FindsNothingInUnknownLinkTypes) {
  EXPECT_FALSE(known_link_type(147));
  EXPECT_EQ(link_type_name(147), "link type 147");
  EXPECT_EQ(link_type_name(1), "Ethernet");
  EXPECT_EQ(read(147, kSyn).found, Found::other);
}

TEST(Decode, TellsVlansApart) {
  Decoder decoder;
  const Octets tag10{0x81, 0x00, 0x60, 0x0A};  // priority 3
  const Octets tag20{0x81, 0x00, 0x00, 0x14};
  const Octets service{0x88, 0xA8, 0x00, 0x05};
  const Octets priority{0x81, 0x00, 0xE0, 0x00};
  const auto link = [&](const Octets& tags) {
    const Reading reading = read(decoder, kEthernet, kAddresses + tags + kIpv4Type + kSyn);
    expect_syn4(reading);
    return reading.packet.link;
  };
  EXPECT_EQ(link({}), 0U);
  EXPECT_EQ(link(tag10), 1U);
  EXPECT_EQ(link(tag20), 2U);
  EXPECT_EQ(link(tag10), 1U);
  EXPECT_EQ(link(service + tag10), 3U);
  EXPECT_EQ(link(priority), 0U);
  EXPECT_EQ(link(service + tag10), 3U);
  ASSERT_EQ(decoder.links().size(), 4U);
  EXPECT_EQ(decoder.links()[1].vlans, std::vector<uint16_t>{10});
  EXPECT_EQ(decoder.links()[3].vlans, (std::vector<uint16_t>{5, 10}));
  EXPECT_TRUE(decoder.links()[3].tunnels.empty());
}

// Up to which octet there must be something for which answer.
TEST(Decode, ReadsFramesCutAnywhere) {
  const Octets frame = kAddresses + kIpv4Type + copy(test_frames::kData) + Octets(9);
  const size_t tcp = 14 + 20;
  for (size_t size = 0; size <= frame.size(); ++size) {
    SCOPED_TRACE(size);
    Decoder decoder;
    const Reading reading = read(decoder, kEthernet, frame, size, frame.size());
    if (size < tcp + 14) {
      EXPECT_EQ(reading.found, Found::broken);
      continue;
    }
    ASSERT_EQ(reading.found, Found::tcp);
    const Packet& packet = reading.packet;
    EXPECT_EQ(packet.length, 5U);
    EXPECT_EQ(packet.ip_octets, 57U);
    EXPECT_EQ(packet.window, size < tcp + 16 ? 0 : 64);
    EXPECT_EQ(packet.options_cut, size < tcp + 32);
    EXPECT_EQ(reading.options.size(), size < tcp + 20 ? 0 : std::min<size_t>(size - tcp - 20, 12));
    EXPECT_EQ(reading.text.size(), size < tcp + 32 ? 0 : std::min<size_t>(size - tcp - 32, 5));
    EXPECT_EQ(packet.checksum, size < tcp + 37 ? Checksum::unknown : Checksum::right);
  }
}

TEST(Decode, TellsChecksumsApart) {
  Octets frame = kSyn;
  frame.back() ^= 1;
  EXPECT_EQ(read(kRaw, frame).packet.checksum, Checksum::wrong);
  Decoder without(DecodeOptions{.checksums = false});
  EXPECT_EQ(read(without, kRaw, frame).packet.checksum, Checksum::unknown);
  frame[36] = frame[37] = 0;
  EXPECT_EQ(read(kRaw, frame).packet.checksum, Checksum::wrong);
  // c000 + 0201 + c000 + 0202 + 6 + 40 octets, RFC 9293 3.1.
  frame[36] = 0x84;
  frame[37] = 0x32;
  EXPECT_EQ(read(kRaw, frame).packet.checksum, Checksum::offloaded);
}

TEST(Decode, TakesTheFramesLengthWithoutADatagrams) {
  Octets frame = copy(test_frames::kData);
  frame[2] = frame[3] = 0;
  Decoder decoder;
  const Reading whole = read(decoder, kRaw, frame);
  ASSERT_EQ(whole.found, Found::tcp);
  EXPECT_EQ(whole.packet.length, 5U);
  EXPECT_EQ(whole.packet.ip_octets, 57U);
  EXPECT_EQ(whole.packet.checksum, Checksum::right);
  frame[36] ^= 1;
  const Reading cut = read(decoder, kRaw, frame, frame.size(), 70052);
  ASSERT_EQ(cut.found, Found::tcp);
  EXPECT_EQ(cut.packet.length, 70000U);
  EXPECT_EQ(cut.packet.ip_octets, 70052U);
  EXPECT_EQ(cut.packet.checksum, Checksum::unknown);
}

TEST(Decode, RefusesHeadersThatCannotBe) {
  Octets frame = kSyn;
  frame[32] = 0x40;  // 16 octets of TCP header
  EXPECT_EQ(read(kRaw, frame).found, Found::broken);
  frame[32] = 0xB0;  // 44 of 40
  EXPECT_EQ(read(kRaw, frame).found, Found::broken);
  frame = kSyn;
  frame[0] = 0x44;
  EXPECT_EQ(read(kRaw, frame).found, Found::broken);
  frame[0] = 0x75;
  EXPECT_EQ(read(kRaw, frame).found, Found::broken);
  frame = kSyn;
  frame[9] = 132;  // SCTP
  EXPECT_EQ(read(kRaw, frame).found, Found::other);
}

TEST(Decode, FindsIcmpErrors) {
  Decoder decoder;
  const Octets tag{0x81, 0x00, 0x00, 0x0A};
  const Octets error = copy(test_frames::kTooBig4);
  EXPECT_EQ(read(decoder, kEthernet, kAddresses + tag + kIpv4Type + error).found,
            Found::icmp_error);
  EXPECT_EQ(decoder.icmp_error().reporter, ipv4(192, 0, 2, 1));
  EXPECT_EQ(decoder.icmp_error().cause.mtu, 1280U);
  EXPECT_EQ(decoder.icmp_error().quoted.destination, ipv4(203, 0, 113, 2));
  EXPECT_EQ(decoder.icmp_error().destination_port, 80);
  EXPECT_EQ(decoder.links().at(decoder.icmp_link()).vlans, std::vector<uint16_t>{10});
  EXPECT_EQ(read(decoder, kRaw, copy(test_frames::kUnreachable6)).found, Found::icmp_error);
  EXPECT_EQ(decoder.icmp_link(), 0U);
}

}  // namespace
}  // namespace tcpdx::wire
