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
  frame[37] = 0x0A;  // and without the length, as Windows leaves large sends to the card
  EXPECT_EQ(read(kRaw, frame).packet.checksum, Checksum::offloaded);
}

TEST(Decode, JudgesNoChecksumOverAnotherDestination) {
  // The kernel's answer goes to a gateway first; the other segment's route is used up.
  const Reading back = read(kRaw, copy(test_frames::kRoutedSynAck));
  ASSERT_EQ(back.found, Found::tcp);
  EXPECT_EQ(back.packet.source_port, 8080);
  EXPECT_EQ(back.packet.checksum, Checksum::unknown);
  EXPECT_EQ(read(kRaw, copy(test_frames::kRoutedSyn)).packet.checksum, Checksum::right);
}

// Of the kernel's SYN over IPv6, extension headers by RFC 8200 4 between its header and TCP's.
Octets with_extensions(uint8_t next, const Octets& extensions) {
  Octets frame = copy(test_frames::kSyn6);
  frame.insert(frame.begin() + 40, extensions.begin(), extensions.end());
  frame[5] = static_cast<uint8_t>(frame[5] + extensions.size());
  frame[6] = next;
  return frame;
}

TEST(Decode, PassesOverExtensionHeaders) {
  const Octets all{60, 0, 1,   4,  0, 0, 0, 0,                            // hop-by-hop: PadN
                   43, 1, 1,   12, 0, 0, 0, 0, 0, 0,  0,  0, 0, 0, 0, 0,  // destination
                   44, 0, 253, 0,  0, 0, 0, 0,                            // routing, none left
                   51, 0, 0,   0,  1, 2, 3, 4,                            // the only fragment
                   6,  4, 0,   0,  0, 0, 0, 1, 0, 0,  0,  1,              // authentication
                   1,  2, 3,   4,  5, 6, 7, 8, 9, 10, 11, 12};
  const Octets frame = with_extensions(0, all);
  const Reading reading = read(kRaw, frame);
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.source_port, 36614);
  EXPECT_EQ(reading.packet.ip_octets, 80U + all.size());
  EXPECT_EQ(reading.packet.ip_id, 0x01020304U);
  EXPECT_EQ(reading.packet.checksum, Checksum::right);
  EXPECT_FALSE(reading.packet.reassembled);
  Decoder decoder;
  for (size_t size = 0; size < frame.size(); ++size) {
    const Found found = read(decoder, kRaw, frame, size, frame.size()).found;
    EXPECT_EQ(found, size < 40 + all.size() + 14 ? Found::broken : Found::tcp) << size;
  }
}

TEST(Decode, JudgesNoChecksumOnTheWayAlongARoute) {
  const Octets route{6, 2, 4, 1, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8,
                     0, 0, 0, 0, 0, 0, 0, 0, 0,    0,    0,    9};  // RFC 8754, one left
  EXPECT_EQ(read(kRaw, with_extensions(43, route)).packet.checksum, Checksum::right);
  Octets frame = with_extensions(43, route);
  frame[39] = 7;  // the gateway's address
  EXPECT_EQ(read(kRaw, frame).packet.checksum, Checksum::unknown);
}

TEST(Decode, ReadsJumbograms) {
  // RFC 2675 2: 100000 octets of payload, of which 68 are captured.
  Octets frame = with_extensions(0, {6, 0, 0xC2, 4, 0x00, 0x01, 0x86, 0xA0});
  frame[4] = frame[5] = 0;
  Decoder decoder;
  const Reading reading = read(decoder, kRaw, frame, frame.size(), 200000);
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.ip_octets, 100040U);
  EXPECT_EQ(reading.packet.length, 100000U - 8 - 40);
  // Linux leaves the option out for its own packets of that size: the frame's length has to do.
  frame = copy(test_frames::kSyn6);
  frame[4] = frame[5] = 0;
  const Reading big = read(decoder, kRaw, frame, frame.size(), 100080);
  ASSERT_EQ(big.found, Found::tcp);
  EXPECT_EQ(big.packet.length, 100000U);
  EXPECT_EQ(big.packet.ip_octets, 100080U);
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
