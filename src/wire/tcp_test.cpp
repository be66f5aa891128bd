#include "wire/tcp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "wire/octets.hpp"
#include "wire/test_frames.hpp"

namespace tcpdx::wire {
namespace {

using test_frames::bytes;
using Octets = std::vector<uint8_t>;

const IpAddress kOurs = ipv4(192, 0, 2, 1);
const IpAddress kTheirs = ipv4(192, 0, 2, 2);

// The segment of a frame with an IPv4 header of 20 octets.
template <size_t kSize>
std::span<const std::byte> segment(const std::array<uint8_t, kSize>& frame) {
  return bytes(frame).subspan(20);
}

// A header of zeroes around these options, with the data offset that they need.
std::vector<std::byte> with_options(Octets options) {
  options.resize((options.size() + 3) / 4 * 4);
  std::vector<std::byte> header(kTcpHeaderSize + options.size());
  header[12] = static_cast<std::byte>(header.size() / 4 << 4);
  std::ranges::copy(std::as_bytes(std::span(options)), header.begin() + kTcpHeaderSize);
  return header;
}

ParsedTcp options_of(const Octets& options) {
  static std::vector<std::byte> header;  // the result points into it
  header = with_options(options);
  const auto parsed = parse_tcp(header);
  EXPECT_TRUE(parsed.has_value());
  return parsed.value_or(ParsedTcp{});
}

Octets written(const TcpHeader& header, std::span<const std::byte> text = {}) {
  Octets out(kMaxTcpHeaderSize + text.size());
  const auto into = std::as_writable_bytes(std::span(out));
  out.resize(write_tcp(header, text, kOurs, kTheirs, into));
  return out;
}

Octets written_options(const TcpOptions& options) {
  TcpHeader header;
  header.options = options;
  const Octets all = written(header);
  EXPECT_EQ(all.size(), header_size(header));
  EXPECT_EQ(all[12], all.size() / 4 << 4);
  return {all.begin() + kTcpHeaderSize, all.end()};
}

TEST(TcpFlags, StandInTheOrderOfFigure1) {
  // RFC 9293 figure 1, from the highest bit: CWR ECE URG ACK PSH RST SYN FIN.
  EXPECT_EQ(to_octet({.fin = true}), 0x01);
  EXPECT_EQ(to_octet({.syn = true}), 0x02);
  EXPECT_EQ(to_octet({.rst = true}), 0x04);
  EXPECT_EQ(to_octet({.psh = true}), 0x08);
  EXPECT_EQ(to_octet({.ack = true}), 0x10);
  EXPECT_EQ(to_octet({.urg = true}), 0x20);
  EXPECT_EQ(to_octet({.ece = true}), 0x40);
  EXPECT_EQ(to_octet({.cwr = true}), 0x80);
  for (unsigned octet = 0; octet < 256; ++octet) {
    EXPECT_EQ(to_octet(flags_from_octet(static_cast<uint8_t>(octet))), octet);
  }
}

TEST(TcpFlags, AreWrittenAsTcpdumpDoes) {
  EXPECT_EQ(to_string(TcpFlags{.syn = true}), "S");
  EXPECT_EQ(to_string(TcpFlags{.syn = true, .ack = true}), "S.");
  EXPECT_EQ(to_string(TcpFlags{.psh = true, .ack = true}), "P.");
  EXPECT_EQ(to_string(TcpFlags{.fin = true, .ack = true}), "F.");
  EXPECT_EQ(to_string(TcpFlags{.fin = true, .psh = true, .ack = true}), "FP.");
  EXPECT_EQ(to_string(TcpFlags{.rst = true}), "R");
  EXPECT_EQ(to_string(TcpFlags{.ack = true}), ".");
  EXPECT_EQ(to_string(TcpFlags{.syn = true, .ece = true, .cwr = true}), "SEW");
  EXPECT_EQ(to_string(TcpFlags{}), "none");
}

// What tcpdump -vv says of the frames.
TcpHeader syn() {
  TcpHeader header;
  header.source_port = 55226;
  header.destination_port = 80;
  header.seq = {1413096242};
  header.flags.syn = true;
  header.window = 64240;
  header.options.mss = 1460;
  header.options.sack_permitted = true;
  header.options.timestamps = {2389342005, 0};
  header.options.window_scale = 10;
  return header;
}

TcpHeader data() {
  TcpHeader header;
  header.source_port = 8080;
  header.destination_port = 1000;
  header.seq = {729751420};
  header.ack = {2};
  header.flags.psh = true;
  header.flags.ack = true;
  header.window = 64;
  header.options.timestamps = {3984134368, 101};
  return header;
}

TcpHeader two_sacks() {
  TcpHeader header = data();
  header.seq += 5;
  header.flags.psh = false;
  header.options.sack_count = 2;
  header.options.sack_blocks[0] = {{32}, {42}};
  header.options.sack_blocks[1] = {{12}, {22}};
  return header;
}

TEST(ParseTcp, ReadsTheKernelsFrames) {
  const auto first = parse_tcp(segment(test_frames::kSyn4));
  ASSERT_TRUE(first);
  EXPECT_EQ(first->header, syn());
  EXPECT_TRUE(first->text.empty());
  EXPECT_FALSE(first->bad_options);

  const auto second = parse_tcp(segment(test_frames::kData));
  ASSERT_TRUE(second);
  EXPECT_EQ(second->header, data());
  const std::string_view hello = "hello";
  EXPECT_TRUE(std::ranges::equal(second->text, std::as_bytes(std::span(hello))));

  const auto third = parse_tcp(segment(test_frames::kSack2));
  ASSERT_TRUE(third);
  EXPECT_EQ(third->header, two_sacks());
  EXPECT_EQ(third->header.options.sacks().size(), 2U);
}

TEST(WriteTcp, WritesTheKernelsFrames) {
  const auto equals = [](const Octets& ours, std::span<const std::byte> wanted) {
    return std::ranges::equal(std::as_bytes(std::span(ours)), wanted);
  };
  const std::string_view hello = "hello";
  EXPECT_TRUE(equals(written(syn()), segment(test_frames::kSyn4)));
  EXPECT_TRUE(
      equals(written(data(), std::as_bytes(std::span(hello))), segment(test_frames::kData)));
  EXPECT_TRUE(equals(written(two_sacks()), segment(test_frames::kSack2)));

  TcpHeader header = syn();  // over IPv6
  header.source_port = 36614;
  header.seq = {3753108877};
  header.window = 64800;
  header.options.mss = 1440;
  header.options.timestamps = {2247638019, 0};
  Octets out(40);
  EXPECT_EQ(write_tcp(header, {}, *parse_address("2001:db8::1"), *parse_address("2001:db8::2"),
                      std::as_writable_bytes(std::span(out))),
            40U);
  EXPECT_TRUE(equals(out, bytes(test_frames::kSyn6).subspan(40)));
}

TEST(WriteTcp, WritesTheUrgentPointer) {
  TcpHeader header;
  header.flags.urg = true;
  header.urgent = 0x1234;
  const Octets out = written(header);
  EXPECT_EQ(out[13], 0x20);
  EXPECT_EQ(out[18], 0x12);
  EXPECT_EQ(out[19], 0x34);
}

// Each as Linux pads it (net/ipv4/tcp_output.c), in octets of the RFCs that define the options.
TEST(WriteTcp, PadsEachOptionAsLinuxDoes) {
  TcpOptions none;
  EXPECT_EQ(written_options(none), Octets{});
  TcpOptions mss;
  mss.mss = 0x05B4;
  EXPECT_EQ(written_options(mss), (Octets{2, 4, 0x05, 0xB4}));
  TcpOptions scale;
  scale.window_scale = 7;
  EXPECT_EQ(written_options(scale), (Octets{1, 3, 3, 7}));
  TcpOptions permitted;
  permitted.sack_permitted = true;
  EXPECT_EQ(written_options(permitted), (Octets{1, 1, 4, 2}));
  TcpOptions times;
  times.timestamps = {0x01020304, 0x05060708};
  EXPECT_EQ(written_options(times), (Octets{1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8}));
  TcpOptions sack;
  sack.sack_count = 1;
  sack.sack_blocks[0] = {{0x11121314}, {0x21222324}};
  EXPECT_EQ(written_options(sack),
            (Octets{1, 1, 5, 10, 0x11, 0x12, 0x13, 0x14, 0x21, 0x22, 0x23, 0x24}));
}

TEST(WriteTcp, LeavesOutTheBlocksWithoutRoom) {
  TcpOptions options;
  options.sack_count = 4;
  EXPECT_EQ(written_options(options).size(), 36U);  // RFC 2018 section 3: four blocks alone
  options.timestamps.emplace();
  const Octets three = written_options(options);  // and three beside timestamps
  EXPECT_EQ(three.size(), 40U);
  EXPECT_EQ(three[15], 2 + 3 * 8);
}

TEST(ParseTcp, RefusesHeadersThatDoNotFit) {
  std::vector<std::byte> header = with_options({});
  EXPECT_TRUE(parse_tcp(header));
  EXPECT_FALSE(parse_tcp({}));
  EXPECT_FALSE(parse_tcp(std::span(header).first(19)));
  header[12] = std::byte{0x40};  // 16 octets
  EXPECT_FALSE(parse_tcp(header));
  header[12] = std::byte{0x60};  // 24 of 20 octets
  EXPECT_FALSE(parse_tcp(header));
  header.resize(24);
  EXPECT_TRUE(parse_tcp(header));
}

TEST(ParseTcp, ReadsTheLargestHeader) {
  std::vector<std::byte> segment = with_options(Octets(40, 1));
  segment.push_back(std::byte{'x'});
  const auto parsed = parse_tcp(segment);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->text.size(), 1U);
  EXPECT_FALSE(parsed->bad_options);
}

TEST(ParseTcp, IgnoresTheReservedBits) {
  std::vector<std::byte> header = with_options({});
  header[12] |= std::byte{0x0F};  // RFC 9293 3.1: must be ignored in received segments
  const auto parsed = parse_tcp(header);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->header, TcpHeader{});
}

TEST(ParseTcp, ReadsOptionsInAnyOrderAndAlignment) {
  // RFC 9293 MUST-64: an option may begin at any octet.
  const auto parsed = options_of({3, 3, 9, 4, 2, 2, 4,  0x02, 0x18, 1, 8, 10, 0, 0, 0,
                                  1, 0, 0, 0, 2, 5, 10, 0,    0,    0, 3, 0,  0, 0, 4});
  EXPECT_FALSE(parsed.bad_options);
  const TcpOptions& options = parsed.header.options;
  EXPECT_EQ(options.window_scale, 9);
  EXPECT_TRUE(options.sack_permitted);
  EXPECT_EQ(options.mss, 536);
  EXPECT_EQ(options.timestamps, (Timestamps{1, 2}));
  ASSERT_EQ(options.sacks().size(), 1U);
  EXPECT_EQ(options.sacks()[0], (SackBlock{{3}, {4}}));
}

TEST(ParseTcp, StopsAtTheEndOfOptions) {
  const auto parsed = options_of({2, 4, 5, 0xB4, 0, 3, 3, 7});
  EXPECT_EQ(parsed.header.options.mss, 1460);
  EXPECT_FALSE(parsed.header.options.window_scale);
  EXPECT_FALSE(parsed.bad_options);
}

TEST(ParseTcp, PassesOverUnknownOptions) {
  const auto parsed = options_of({254, 4, 0xF9, 0x89, 2, 4, 5, 0xB4, 253, 2});
  EXPECT_EQ(parsed.header.options.mss, 1460);
  EXPECT_FALSE(parsed.bad_options);
}

TEST(ParseTcp, KeepsWhatStandsBeforeAnIllegalLength) {
  const std::vector<Octets> illegal{
      {2, 4, 5, 0xB4, 3, 0, 7, 1},    // length 0
      {2, 4, 5, 0xB4, 254, 1, 7, 1},  // length 1
      {2, 4, 5, 0xB4, 8, 10, 0, 0},   // beyond the end
      {2, 4, 5, 0xB4, 1, 1, 1, 254},  // kind without length
  };
  for (const Octets& options : illegal) {
    const auto parsed = options_of(options);
    EXPECT_TRUE(parsed.bad_options);
    EXPECT_EQ(parsed.header.options.mss, 1460);
    EXPECT_FALSE(parsed.header.options.window_scale);
    EXPECT_FALSE(parsed.header.options.timestamps);
  }
  // Twelve octets as timestamps have them, but not their length.
  EXPECT_TRUE(options_of({1, 1, 8, 11, 0, 0, 0, 1, 0, 0, 0, 2}).bad_options);
}

TEST(ParseTcp, TakesTheLastOfOptionsThatComeTwice) {
  const auto parsed =
      options_of({5, 18, 0, 0,    0, 1, 0, 0,    0, 2, 0, 0, 0, 3, 0, 0, 0, 4,  // SACKs
                  2, 4,  5, 0xB4, 2, 4, 5, 0xA0,                                //
                  5, 10, 0, 0,    0, 5, 0, 0,    0, 6});
  TcpOptions last;
  last.mss = 1440;
  last.sack_count = 1;
  last.sack_blocks[0] = {{5}, {6}};
  EXPECT_EQ(parsed.header.options, last);
}

TEST(ParseTcp, PassesOverKnownOptionsOfAnotherLength) {
  const auto parsed = options_of(
      {2, 3, 5, 3, 4, 7, 7, 4, 3, 0, 5, 2, 5, 9, 0, 0, 0, 0, 0, 0, 0, 8, 4, 0, 0, 2, 4, 5, 0xB4});
  TcpOptions only_mss;
  only_mss.mss = 1460;
  EXPECT_EQ(parsed.header.options, only_mss);
  EXPECT_FALSE(parsed.bad_options);
}

TEST(TcpChecksum, IsRightInTheKernelsFrames) {
  EXPECT_TRUE(tcp_checksum_ok(segment(test_frames::kSyn4), kOurs, kTheirs));
  EXPECT_TRUE(tcp_checksum_ok(segment(test_frames::kData), kOurs, kTheirs));  // odd size
  EXPECT_TRUE(tcp_checksum_ok(bytes(test_frames::kSyn6).subspan(40), *parse_address("2001:db8::1"),
                              *parse_address("2001:db8::2")));
}

TEST(TcpChecksum, SeesEveryFlippedBit) {
  auto frame = test_frames::kData;
  for (size_t bit = 20 * 8; bit < frame.size() * 8; ++bit) {
    frame[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
    EXPECT_FALSE(tcp_checksum_ok(segment(frame), kOurs, kTheirs)) << bit;
    frame[bit / 8] ^= static_cast<uint8_t>(1U << bit % 8);
  }
  EXPECT_FALSE(tcp_checksum_ok(segment(frame), kOurs, ipv4(192, 0, 2, 3)));
  EXPECT_FALSE(tcp_checksum_ok(segment(frame).first(36), kOurs, kTheirs));
}

}  // namespace
}  // namespace tcpdx::wire
