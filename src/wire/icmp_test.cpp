#include "wire/icmp.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "wire/tcp.hpp"
#include "wire/test_frames.hpp"

namespace tcpdx::wire {
namespace {

using test_frames::bytes;
using Octets = std::vector<uint8_t>;

std::optional<IcmpError> parse(std::span<const std::byte> datagram) {
  const auto parsed = parse_ip(datagram);
  return parsed ? parse_icmp_error(*parsed) : std::nullopt;
}

template <size_t kSize>
std::optional<IcmpError> parse(const std::array<uint8_t, kSize>& frame) {
  return parse(bytes(frame));
}

void expect_syn_from_40000(const std::optional<IcmpError>& error, std::string_view reporter,
                           std::string_view source, std::string_view destination) {
  ASSERT_TRUE(error);
  EXPECT_EQ(to_string(error->reporter), reporter);
  EXPECT_EQ(to_string(error->quoted.source), source);
  EXPECT_EQ(to_string(error->quoted.destination), destination);
  EXPECT_EQ(error->source_port, 40000);
  EXPECT_EQ(error->destination_port, 80);
  EXPECT_EQ(error->seq, Seq{0x11223344});
}

TEST(ParseIcmpError, ReadsTheKernelsIpv4Errors) {
  const auto exceeded = parse(test_frames::kTimeExceeded4);
  expect_syn_from_40000(exceeded, "192.0.2.1", "192.0.2.2", "203.0.113.2");
  EXPECT_EQ(exceeded->cause, (IcmpCause{11, 0}));
  EXPECT_EQ(exceeded->quoted.ttl, 1);
  const auto unreachable = parse(test_frames::kUnreachable4);
  expect_syn_from_40000(unreachable, "192.0.2.1", "192.0.2.2", "198.51.100.2");
  EXPECT_EQ(unreachable->cause, (IcmpCause{icmp4::kUnreachable, icmp4::kHost}));
  const auto too_big = parse(test_frames::kTooBig4);
  expect_syn_from_40000(too_big, "192.0.2.1", "192.0.2.2", "203.0.113.2");
  EXPECT_EQ(too_big->cause, (IcmpCause{3, 4, 1280}));
}

TEST(ParseIcmpError, ReadsTheKernelsIpv6Errors) {
  const auto exceeded = parse(test_frames::kTimeExceeded6);
  expect_syn_from_40000(exceeded, "2001:db8::1", "2001:db8::2", "2001:db8:1::2");
  EXPECT_EQ(exceeded->cause, (IcmpCause{3, 0}));
  const auto unreachable = parse(test_frames::kUnreachable6);
  expect_syn_from_40000(unreachable, "2001:db8::1", "2001:db8::2", "2001:db8:2::2");
  EXPECT_EQ(unreachable->cause, (IcmpCause{icmp6::kUnreachable, icmp6::kNoRoute}));
  const auto too_big = parse(test_frames::kTooBig6);
  expect_syn_from_40000(too_big, "2001:db8::1", "2001:db8::2", "2001:db8:1::2");
  EXPECT_EQ(too_big->cause, (IcmpCause{2, 0, 1280}));
}

TEST(ParseIcmpError, KnowsNoMtuFromOldRouters) {
  auto frame = test_frames::kTooBig4;
  frame[26] = frame[27] = 0;
  const auto error = parse(frame);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->cause.code, icmp4::kFragmentationNeeded);
  EXPECT_FALSE(error->cause.mtu);
}

TEST(ParseIcmpError, NeedsEightOctetsOfTheSegment) {
  const auto frame = bytes(test_frames::kTimeExceeded4);
  EXPECT_TRUE(parse(frame.first(20 + 8 + 20 + 8)));  // what RFC 792 asks for
  for (size_t size = 0; size < 20 + 8 + 20 + 8; ++size) {
    EXPECT_FALSE(parse(frame.first(size))) << size;
  }
}

TEST(ParseIcmpError, PassesByAllElse) {
  const auto changed = [](size_t at, uint8_t octet) {
    auto frame = test_frames::kTimeExceeded4;
    frame[at] = octet;
    return parse(frame);
  };
  EXPECT_FALSE(changed(20, 0));     // echo reply
  EXPECT_FALSE(changed(20, 8));     // echo
  EXPECT_FALSE(changed(20, 5));     // redirect
  EXPECT_TRUE(changed(20, 4));      // source quench: MUST-55 asks to discard it, so it is told
  EXPECT_FALSE(changed(9, 58));     // ICMPv6 in IPv4
  EXPECT_FALSE(changed(7, 1));      // a later fragment of the error
  EXPECT_FALSE(changed(28, 0x65));  // an IPv6 packet quoted
  EXPECT_FALSE(changed(37, 17));    // about UDP
  EXPECT_FALSE(changed(35, 1));     // about a later fragment
  auto echo = test_frames::kTimeExceeded6;
  echo[40] = 128;
  EXPECT_FALSE(parse(echo));
  EXPECT_FALSE(parse(test_frames::kSyn4));
}

TEST(IcmpChecksum, IsRightInTheKernelsFrames) {
  EXPECT_TRUE(icmp_checksum_ok(*parse_ip(bytes(test_frames::kTimeExceeded4))));
  EXPECT_TRUE(icmp_checksum_ok(*parse_ip(bytes(test_frames::kTimeExceeded6))));
  auto frame = test_frames::kTimeExceeded6;
  frame.back() ^= 1;
  EXPECT_FALSE(icmp_checksum_ok(*parse_ip(bytes(frame))));
}

Octets error_about(std::span<const std::byte> offending, const IcmpCause& cause,
                   std::string_view reporter) {
  Octets out(kMaxIcmpErrorSize);
  out.resize(write_icmp_error(cause, *parse_address(reporter), offending,
                              std::as_writable_bytes(std::span(out))));
  return out;
}

// `ours` begins with the kernel's frame, but for what the kernel numbers or labels: the id and
// checksum of the IPv4 header, the flow label.
template <size_t kSize>
void expect_as_kernel(Octets ours, const std::array<uint8_t, kSize>& frame) {
  ASSERT_GE(ours.size(), kSize);
  const std::vector<size_t> numbered =
      frame[0] == 0x45 ? std::vector<size_t>{4, 5, 10, 11} : std::vector<size_t>{1, 2, 3};
  for (const size_t at : numbered) ours[at] = frame[at];
  ours.resize(kSize);
  EXPECT_EQ(ours, Octets(frame.begin(), frame.end()));
}

TEST(WriteIcmpError, WritesTheKernelsErrors) {
  const auto quoted4 = bytes(test_frames::kTimeExceeded4).subspan(28);
  expect_as_kernel(error_about(quoted4, {icmp4::kTimeExceeded, 0}, "192.0.2.1"),
                   test_frames::kTimeExceeded4);
  const auto unreachable = bytes(test_frames::kUnreachable4).subspan(28);
  expect_as_kernel(error_about(unreachable, {icmp4::kUnreachable, icmp4::kHost}, "192.0.2.1"),
                   test_frames::kUnreachable4);
  const auto quoted6 = bytes(test_frames::kTimeExceeded6).subspan(48);
  expect_as_kernel(error_about(quoted6, {icmp6::kTimeExceeded, 0}, "2001:db8::1"),
                   test_frames::kTimeExceeded6);
}

TEST(WriteIcmpError, QuotesAsMuchAsTheKernel) {
  // The kernel was given a header of 40 octets (60 in IPv6) and then 1400 (1300) times 'x'.
  const auto large = [](std::span<const std::byte> header, size_t text) {
    std::vector<std::byte> datagram(header.begin(), header.end());
    datagram.insert(datagram.end(), text, std::byte{'x'});
    return datagram;
  };
  const auto four = large(bytes(test_frames::kTooBig4).subspan(28), 1400);
  const Octets error4 =
      error_about(four, {icmp4::kUnreachable, icmp4::kFragmentationNeeded, 1280}, "192.0.2.1");
  EXPECT_EQ(error4.size(), 576U);
  expect_as_kernel(error4, test_frames::kTooBig4);

  const auto six = large(bytes(test_frames::kTooBig6).subspan(48), 1300);
  const Octets error6 = error_about(six, {icmp6::kPacketTooBig, 0, 1280}, "2001:db8::1");
  EXPECT_EQ(error6.size(), 1280U);
  expect_as_kernel(error6, test_frames::kTooBig6);
}

TEST(WriteIcmpError, NeedsADatagramOfItsFamily) {
  EXPECT_TRUE(error_about(bytes(test_frames::kSyn6), {3, 0}, "192.0.2.1").empty());
  EXPECT_TRUE(error_about(bytes(test_frames::kSyn4).first(19), {3, 0}, "192.0.2.1").empty());
}

}  // namespace
}  // namespace tcpdx::wire
