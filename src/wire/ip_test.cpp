#include "wire/ip.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "wire/checksum.hpp"
#include "wire/tcp.hpp"
#include "wire/test_frames.hpp"

namespace tcpdx::wire {
namespace {

using test_frames::bytes;
using Octets = std::vector<uint8_t>;

std::span<const std::byte> view(const Octets& octets) { return std::as_bytes(std::span(octets)); }

template <size_t kSize>
Octets copy(const std::array<uint8_t, kSize>& frame) {
  return {frame.begin(), frame.end()};
}

Octets written(const IpHeader& header, size_t payload_size) {
  Octets out(kIpv4HeaderSize + kMaxIpv4OptionsSize);
  out.resize(write_ip(header, payload_size, std::as_writable_bytes(std::span(out))));
  return out;
}

Octets first(std::span<const uint8_t> frame, size_t size) {
  return {frame.begin(), frame.begin() + static_cast<std::ptrdiff_t>(size)};
}

// An IPv6 packet from :: to :: of these extension headers and payload, RFC 8200 sections 3 and 4.
Octets ipv6_packet(uint8_t next, const Octets& rest) {
  Octets packet(kIpv6HeaderSize);
  packet[0] = 0x60;
  packet[5] = static_cast<uint8_t>(rest.size());
  packet[6] = next;
  packet.insert(packet.end(), rest.begin(), rest.end());
  return packet;
}

TEST(ParseIp, ReadsTheKernelsIpv4Frame) {
  const auto parsed = parse_ip(bytes(test_frames::kSyn4));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.source, ipv4(192, 0, 2, 1));
  EXPECT_EQ(parsed->header.destination, ipv4(192, 0, 2, 2));
  EXPECT_EQ(parsed->header.protocol, 6);
  EXPECT_EQ(parsed->header.ttl, 64);
  EXPECT_EQ(parsed->header.traffic_class, 0);
  EXPECT_EQ(parsed->header.id, 7725U);
  EXPECT_TRUE(parsed->header.dont_fragment);
  EXPECT_FALSE(parsed->header.is_fragment());
  EXPECT_TRUE(parsed->header.options.empty());
  EXPECT_EQ(parsed->payload.size(), 40U);
  EXPECT_EQ(parsed->missing, 0U);
  EXPECT_FALSE(parsed->length_unknown);
  EXPECT_TRUE(parsed->checksum_ok);
}

TEST(ParseIp, ReadsTheKernelsIpv6Frame) {
  const auto parsed = parse_ip(bytes(test_frames::kSyn6));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.source, *parse_address("2001:db8::1"));
  EXPECT_EQ(parsed->header.destination, *parse_address("2001:db8::2"));
  EXPECT_EQ(parsed->header.protocol, 6);
  EXPECT_EQ(parsed->header.ttl, 64);
  EXPECT_EQ(parsed->header.traffic_class, 0);
  EXPECT_FALSE(parsed->header.is_fragment());
  EXPECT_EQ(parsed->payload.size(), 40U);
  EXPECT_EQ(parsed->missing, 0U);
}

TEST(WriteIp, WritesTheKernelsHeaders) {
  const IpHeader v4{.source = ipv4(192, 0, 2, 1),
                    .destination = ipv4(192, 0, 2, 2),
                    .id = 7725,
                    .dont_fragment = true};
  EXPECT_EQ(header_size(v4), 20U);
  EXPECT_EQ(written(v4, 40), first(test_frames::kSyn4, 20));

  const IpHeader v6{.source = *parse_address("2001:db8::1"),
                    .destination = *parse_address("2001:db8::2")};
  Octets wanted = first(test_frames::kSyn6, 40);
  wanted[1] = wanted[2] = wanted[3] = 0;  // the kernel's flow label
  EXPECT_EQ(written(v6, 40), wanted);
}

TEST(WriteIp, PlacesTrafficClassAndFragment) {
  // RFC 791 3.1: flags 0 DF MF, then 13 bits of offset in units of 8 octets.
  const IpHeader v4{.source = ipv4(192, 0, 2, 1),
                    .destination = ipv4(192, 0, 2, 2),
                    .traffic_class = 0xB9,
                    .more_fragments = true,
                    .fragment_offset = 1480};
  const Octets four = written(v4, 8);
  EXPECT_EQ(four[1], 0xB9);
  EXPECT_EQ(four[6], 0x20);
  EXPECT_EQ(four[7], 185);

  // RFC 8200 sections 3 and 4.5.
  const IpHeader v6{.source = *parse_address("2001:db8::1"),
                    .destination = *parse_address("2001:db8::2"),
                    .traffic_class = 0xB9,
                    .id = 0x01020304,
                    .more_fragments = true,
                    .fragment_offset = 1448};
  const Octets six = written(v6, 8);
  ASSERT_EQ(six.size(), 48U);
  EXPECT_EQ(first(six, 8), (Octets{0x6B, 0x90, 0, 0, 0, 16, 44, 64}));
  EXPECT_EQ(Octets(six.begin() + 40, six.end()), (Octets{6, 0, 0x05, 0xA9, 1, 2, 3, 4}));
}

TEST(WriteIp, PadsOptions) {
  const Octets option{7, 3, 4};  // an empty record route
  IpHeader header{.source = ipv4(192, 0, 2, 1), .destination = ipv4(192, 0, 2, 2)};
  header.options = view(option);
  const Octets out = written(header, 0);
  ASSERT_EQ(out.size(), 24U);
  EXPECT_EQ(out[0], 0x46);
  EXPECT_EQ(Octets(out.begin() + 20, out.end()), (Octets{7, 3, 4, 0}));
  EXPECT_EQ(checksum(add_words(view(out))), 0);
}

TEST(ParseIp, RefusesIpv4HeadersThatDoNotFit) {
  EXPECT_FALSE(parse_ip({}));
  EXPECT_FALSE(parse_ip(bytes(test_frames::kSyn4).first(19)));
  for (const uint8_t start : Octets{0x44, 0x40, 0x55, 0x05}) {  // too short, not IP
    Octets frame = copy(test_frames::kSyn4);
    frame[0] = start;
    EXPECT_FALSE(parse_ip(view(frame))) << int{start};
  }
  Octets frame = copy(test_frames::kSyn4);
  frame[0] = 0x4F;
  EXPECT_TRUE(parse_ip(view(frame)));             // 60 octets are there
  EXPECT_FALSE(parse_ip(view(frame).first(59)));  // and now they are not
  frame[0] = 0x45;
  frame[3] = 19;  // a total length within the header
  EXPECT_FALSE(parse_ip(view(frame)));
  frame[3] = 20;
  const auto empty = parse_ip(view(frame));
  ASSERT_TRUE(empty);
  EXPECT_TRUE(empty->payload.empty());
}

TEST(ParseIp, CutsPaddingAndCountsWhatIsMissing) {
  Octets frame = copy(test_frames::kSyn4);
  frame.resize(66);
  const auto padded = parse_ip(view(frame));
  ASSERT_TRUE(padded);
  EXPECT_EQ(padded->payload.size(), 40U);

  const auto cut = parse_ip(bytes(test_frames::kSyn4).first(30));
  ASSERT_TRUE(cut);
  EXPECT_EQ(cut->payload.size(), 10U);
  EXPECT_EQ(cut->missing, 30U);

  Octets six = copy(test_frames::kSyn6);
  six.resize(90);
  EXPECT_EQ(parse_ip(view(six))->payload.size(), 40U);
  EXPECT_EQ(parse_ip(view(six).first(70))->missing, 10U);
}

TEST(ParseIp, TakesAllThatIsThereWithoutALength) {
  Octets four = copy(test_frames::kSyn4);
  four[2] = four[3] = 0;
  const auto parsed = parse_ip(view(four));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->length_unknown);
  EXPECT_EQ(parsed->payload.size(), 40U);
  EXPECT_EQ(parsed->missing, 0U);

  Octets six = copy(test_frames::kSyn6);
  six[5] = 0;
  EXPECT_TRUE(parse_ip(view(six))->length_unknown);
  EXPECT_EQ(parse_ip(view(six))->payload.size(), 40U);
  EXPECT_FALSE(parse_ip(view(six).first(40))->length_unknown);  // truly nothing
}

TEST(ParseIp, TellsAWrongHeaderChecksum) {
  Octets frame = copy(test_frames::kSyn4);
  frame[8] = 63;
  const auto parsed = parse_ip(view(frame));
  ASSERT_TRUE(parsed);
  EXPECT_FALSE(parsed->checksum_ok);
}

TEST(ParseIp, PassesOverExtensionHeaders) {
  const Octets packet = ipv6_packet(
      0, {60,  0,  1,   4,  0, 0, 0, 0,                          // hop-by-hop: PadN
          43,  1,  1,   12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,  // destination: 16 octets
          6,   0,  253, 0,  0, 0, 0, 0,                          // routing, none left
          'a', 'b'});
  const auto parsed = parse_ip(view(packet));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.protocol, 6);
  ASSERT_EQ(parsed->payload.size(), 2U);
  EXPECT_EQ(parsed->payload[0], std::byte{'a'});
  // Cut anywhere within the extension headers, there is no payload to be found.
  for (size_t size = 40; size < 72; ++size) {
    EXPECT_FALSE(parse_ip(view(packet).first(size))) << size;
  }
  EXPECT_TRUE(parse_ip(view(packet).first(72)));
}

TEST(ParseIp, StopsAtHeadersThatAreNotPassedOver) {
  const Octets packet = ipv6_packet(51, {6, 4, 0, 0, 0, 0, 0, 0});  // authentication, RFC 4302
  const auto parsed = parse_ip(view(packet));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header.protocol, 51);
  EXPECT_EQ(parsed->payload.size(), 8U);
  EXPECT_EQ(parse_ip(view(ipv6_packet(59, {})))->header.protocol, 59);  // no next header
}

TEST(ParseIp, TellsFragments) {
  const Octets first_part = ipv6_packet(44, {60, 0, 0, 1, 9, 8, 7, 6, 6, 0, 1, 4, 0, 0, 0, 0, 'x'});
  const auto start = parse_ip(view(first_part));
  ASSERT_TRUE(start);
  EXPECT_TRUE(start->header.is_fragment());
  EXPECT_TRUE(start->header.more_fragments);
  EXPECT_EQ(start->header.fragment_offset, 0);
  EXPECT_EQ(start->header.id, 0x09080706U);
  EXPECT_EQ(start->header.protocol, 6);  // behind the destination options
  EXPECT_EQ(start->payload.size(), 1U);

  const Octets later_part = ipv6_packet(44, {60, 0, 0x05, 0xA8, 9, 8, 7, 6, 6, 99});
  const auto end = parse_ip(view(later_part));
  ASSERT_TRUE(end);
  EXPECT_TRUE(end->header.is_fragment());
  EXPECT_FALSE(end->header.more_fragments);
  EXPECT_EQ(end->header.fragment_offset, 1448);
  EXPECT_EQ(end->header.protocol, 60);  // of the whole packet's first part: here is its middle
  EXPECT_EQ(end->payload.size(), 2U);

  Octets four = copy(test_frames::kSyn4);
  four[6] = 0x20;
  four[7] = 185;
  const auto middle = parse_ip(view(four));
  ASSERT_TRUE(middle);
  EXPECT_TRUE(middle->header.more_fragments);
  EXPECT_FALSE(middle->header.dont_fragment);
  EXPECT_EQ(middle->header.fragment_offset, 1480);
}

// The SYN came from 192.0.2.2 over 192.0.2.3 and 192.0.2.4; the kernel answers the same way.
TEST(SourceRoute, LeadsBackAsTheKernelsDoes) {
  const auto received = parse_ip(bytes(test_frames::kRoutedSyn));
  ASSERT_TRUE(received);
  const auto recorded = recorded_route(received->header);
  ASSERT_TRUE(recorded);
  EXPECT_FALSE(recorded->strict);
  ASSERT_EQ(recorded->gateways().size(), 2U);
  EXPECT_EQ(recorded->gateways()[0], ipv4(192, 0, 2, 3));
  EXPECT_EQ(recorded->gateways()[1], ipv4(192, 0, 2, 4));

  const SourceRoute back = return_route(*recorded, received->header.source);
  Octets option(source_route_size(back));
  EXPECT_EQ(
      write_source_route(back, received->header.source, std::as_writable_bytes(std::span(option))),
      option.size());
  IpHeader header{.source = received->header.destination,
                  .destination = back.gateways().front(),
                  .dont_fragment = true};
  header.options = view(option);
  EXPECT_EQ(written(header, 40), first(test_frames::kRoutedSynAck, 32));
  // The kernel's checksum, too, is over the last destination.
  const auto answer = parse_ip(bytes(test_frames::kRoutedSynAck));
  ASSERT_TRUE(answer);
  EXPECT_TRUE(tcp_checksum_ok(answer->payload, ipv4(192, 0, 2, 1), ipv4(192, 0, 2, 2)));
  EXPECT_FALSE(recorded_route(answer->header)) << "that route is not used up";
}

TEST(SourceRoute, LeavesOutTheOriginThatRecordedItself) {
  // RFC 1122 3.2.1.8 (c), case (B): {S, G1, G2}.
  SourceRoute recorded;
  recorded.strict = true;
  recorded.count = 3;
  recorded.hops = {ipv4(192, 0, 2, 2), ipv4(192, 0, 2, 3), ipv4(192, 0, 2, 4)};
  const SourceRoute back = return_route(recorded, ipv4(192, 0, 2, 2));
  EXPECT_TRUE(back.strict);
  ASSERT_EQ(back.gateways().size(), 2U);
  EXPECT_EQ(back.gateways()[0], ipv4(192, 0, 2, 4));
  EXPECT_EQ(back.gateways()[1], ipv4(192, 0, 2, 3));
}

TEST(SourceRoute, IsFoundOnlyWhereItIsWhole) {
  const auto found = [](const Octets& options) {
    IpHeader header;
    header.options = view(options);
    return recorded_route(header);
  };
  const auto strict = found({1, 7, 3, 4, 137, 7, 8, 10, 0, 0, 1});  // behind NOP and record route
  ASSERT_TRUE(strict);
  EXPECT_TRUE(strict->strict);
  EXPECT_EQ(strict->gateways().front(), ipv4(10, 0, 0, 1));
  EXPECT_FALSE(found({}));
  EXPECT_FALSE(found({0, 131, 7, 8, 10, 0, 0, 1}));  // behind the end
  EXPECT_FALSE(found({131, 7, 4, 10, 0, 0, 1}));     // still to be followed
  EXPECT_FALSE(found({131, 7, 7, 10, 0, 0, 1}));     // pointer within an address
  EXPECT_FALSE(found({131, 11, 12, 10, 0, 0, 1}));   // beyond the end
  EXPECT_FALSE(found({131, 6, 8, 10, 0, 0, 1}));     // not whole addresses
  EXPECT_FALSE(found({131, 3, 4}));                  // no address
  EXPECT_FALSE(found({131, 2}));
  EXPECT_FALSE(found({131, 0, 4}));
  EXPECT_FALSE(found({131}));
  Octets full(39);  // nine gateways fill the options
  full[0] = 131;
  full[1] = 39;
  full[2] = 40;
  EXPECT_EQ(found(full)->count, SourceRoute::kMaxHops);
}

}  // namespace
}  // namespace tcpdx::wire
