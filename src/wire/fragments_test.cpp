#include "wire/fragments.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "wire/decode_test.hpp"
#include "wire/ip.hpp"

namespace tcpdx::wire {
namespace {

using namespace decode_test;

constexpr int64_t kSecond = 1'000'000'000;

// A segment of 200 octets of text from the kernel's SYN by RFC 9293 3.1, and its datagram's header.
const IpHeader kHeader4{
    .source = ipv4(192, 0, 2, 1), .destination = ipv4(192, 0, 2, 2), .id = 0x1234};
const IpHeader kHeader6{.source = *parse_address("2001:db8::1"),
                        .destination = *parse_address("2001:db8::2"),
                        .id = 0x12345678};

Octets segment(const IpHeader& ip) {
  TcpHeader header;
  header.source_port = 1000;
  header.destination_port = 80;
  header.seq = {77};
  header.flags.ack = true;
  const std::vector<std::byte> text(200, std::byte{'x'});
  Octets out(220);
  write_tcp(header, text, ip.source, ip.destination, std::as_writable_bytes(std::span(out)));
  return out;
}

struct Part {
  size_t from;
  size_t to;
  bool more;
};

Octets fragment(IpHeader header, const Octets& payload, const Part& part) {
  header.fragment_offset = static_cast<uint16_t>(part.from);
  header.more_fragments = part.more;
  Octets out(header_size(header));
  write_ip(header, part.to - part.from, std::as_writable_bytes(std::span(out)));
  out.insert(out.end(), payload.begin() + static_cast<std::ptrdiff_t>(part.from),
             payload.begin() + static_cast<std::ptrdiff_t>(part.to));
  return out;
}

Reading read_parts(Decoder& decoder, const IpHeader& header, const std::vector<Part>& parts) {
  Reading last;
  for (const Part& part : parts) {
    last = read(decoder, kRaw, fragment(header, segment(header), part));
    const bool is_last = &part == &parts.back();
    EXPECT_TRUE(is_last || last.found == Found::fragment);
  }
  return last;
}

void expect_segment(const Reading& reading, uint32_t ip_octets) {
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_TRUE(reading.packet.reassembled);
  EXPECT_EQ(reading.packet.length, 200U);
  EXPECT_EQ(reading.packet.ip_octets, ip_octets);
  EXPECT_EQ(reading.packet.seq.raw, 77U);
  EXPECT_EQ(reading.packet.checksum, Checksum::right);
  EXPECT_EQ(reading.text, Octets(200, 'x'));
}

TEST(Fragments, ComeTogetherInAnyOrder) {
  std::vector<Part> parts{{0, 8, true}, {8, 80, true}, {80, 88, true}, {88, 220, false}};
  const auto by_place = [](const Part& a, const Part& b) { return a.from < b.from; };
  do {
    Decoder decoder;
    expect_segment(read_parts(decoder, kHeader4, parts), 4 * 20 + 220);
    expect_segment(read_parts(decoder, kHeader6, parts), 4 * 48 + 220);
  } while (std::next_permutation(parts.begin(), parts.end(), by_place));
}

TEST(Fragments, AreToldApart) {
  Decoder decoder;
  IpHeader other = kHeader4;
  other.id = 0x1235;
  IpHeader back = kHeader4;
  std::swap(back.source, back.destination);
  for (const IpHeader& header : {kHeader4, other, back, kHeader6}) {
    EXPECT_EQ(read(decoder, kRaw, fragment(header, segment(header), {0, 80, true})).found,
              Found::fragment);
  }
  const Octets tag{0x81, 0x00, 0x00, 0x0A};
  const Octets last = fragment(kHeader4, segment(kHeader4), {80, 220, false});
  EXPECT_EQ(read(decoder, kEthernet, kAddresses + tag + kIpv4Type + last).found, Found::fragment);
  for (const IpHeader& header : {kHeader4, other, back, kHeader6}) {
    EXPECT_EQ(read(decoder, kRaw, fragment(header, segment(header), {80, 220, false})).found,
              Found::tcp);
  }
}

TEST(Fragments, MayComeTwice) {
  Decoder decoder;
  expect_segment(read_parts(decoder, kHeader4,
                            {{0, 80, true},
                             {0, 80, true},
                             {8, 16, true},
                             {80, 160, true},
                             {40, 120, true},
                             {160, 220, false}}),
                 20 + 80 + 20 + 80 + 20 + 60);
  // Captured twice, the second copy begins a datagram that is never complete.
  EXPECT_EQ(read_parts(decoder, kHeader4, {{160, 220, false}}).found, Found::fragment);
}

// RFC 5722 for IPv6; Linux 4.19 and later for IPv4 as well.
TEST(Fragments, ThatOverlapTakeTheDatagramAlong) {
  for (const IpHeader& header : {kHeader4, kHeader6}) {
    Decoder decoder;
    read_parts(decoder, header, {{0, 80, true}});
    EXPECT_EQ(read_parts(decoder, header, {{72, 160, true}}).found, Found::broken);
    EXPECT_EQ(read_parts(decoder, header, {{80, 220, false}}).found, Found::fragment);
    expect_segment(read_parts(decoder, header, {{0, 80, true}}),
                   2U * static_cast<uint32_t>(header_size(kHeader4)) +
                       (header.source.family == Family::v6 ? 56U : 0U) + 220U);
  }
}

TEST(Fragments, ThatContradictTheEndAreRefused) {
  Decoder decoder;
  read_parts(decoder, kHeader4, {{160, 200, false}});
  EXPECT_EQ(read_parts(decoder, kHeader4, {{200, 208, true}}).found, Found::broken);
  read_parts(decoder, kHeader4, {{160, 200, false}});
  EXPECT_EQ(read_parts(decoder, kHeader4, {{200, 208, false}}).found, Found::broken);
  read_parts(decoder, kHeader4, {{160, 200, true}});
  EXPECT_EQ(read_parts(decoder, kHeader4, {{80, 120, false}}).found, Found::broken);
}

TEST(Fragments, OfOddSizesAreCutOrRefused) {
  Decoder decoder;
  EXPECT_EQ(read_parts(decoder, kHeader6, {{0, 81, true}}).found, Found::broken);
  EXPECT_EQ(read_parts(decoder, kHeader4, {{0, 81, true}}).found, Found::fragment);
  const Reading whole = read_parts(decoder, kHeader4, {{80, 220, false}});
  ASSERT_EQ(whole.found, Found::tcp);
  EXPECT_EQ(whole.packet.checksum, Checksum::right);
}

TEST(Fragments, BeyondTheLargestDatagramAreRefused) {
  Decoder decoder;
  IpHeader header = kHeader4;
  header.fragment_offset = 65528;
  Octets frame(20);
  write_ip(header, 8, std::as_writable_bytes(std::span(frame)));
  EXPECT_EQ(read(decoder, kRaw, frame + Octets(8)).found, Found::broken);
}

TEST(Fragments, CutByTheCaptureStillTellOfTheSegment) {
  Decoder decoder;
  const Octets first = fragment(kHeader4, segment(kHeader4), {0, 80, true});
  const Octets last = fragment(kHeader4, segment(kHeader4), {80, 220, false});
  EXPECT_EQ(read(decoder, kRaw, first, 60, first.size()).found, Found::fragment);
  const Reading reading = read(decoder, kRaw, last, 60, last.size());
  ASSERT_EQ(reading.found, Found::tcp);
  EXPECT_EQ(reading.packet.length, 200U);
  EXPECT_EQ(reading.text, Octets(20, 'x'));
  EXPECT_EQ(reading.packet.checksum, Checksum::unknown);
}

TEST(Fragments, AreForgottenInTime) {
  for (const auto& [header, limit] : {std::pair{kHeader4, 30}, std::pair{kHeader6, 60}}) {
    Decoder decoder;
    const Octets first = fragment(header, segment(header), {0, 80, true});
    const Octets last = fragment(header, segment(header), {80, 220, false});
    const auto at = [&decoder](const Octets& frame, int64_t time_ns) {
      return read(decoder, kRaw, frame, frame.size(), frame.size(), time_ns).found;
    };
    EXPECT_EQ(at(first, 0), Found::fragment);
    EXPECT_EQ(at(last, limit * kSecond), Found::tcp);
    EXPECT_EQ(at(first, 0), Found::fragment);
    EXPECT_EQ(at(last, limit * kSecond + 1), Found::fragment);
    EXPECT_EQ(at(first, INT64_MIN), Found::tcp) << "clocks may go back";
    EXPECT_EQ(at(first, INT64_MIN), Found::fragment);
    EXPECT_EQ(at(last, INT64_MAX), Found::fragment);
  }
}

TEST(Fragments, AreKeptWithinTheirMemory) {
  constexpr size_t kMemory = 20000;
  Fragments fragments(kMemory);
  WholeDatagram whole;
  const std::vector<std::byte> data(1000);
  for (uint32_t id = 0; id < 100; ++id) {
    const FragmentKey key{.source = kHeader4.source, .destination = kHeader4.destination, .id = id};
    EXPECT_EQ(fragments.add(key, {.offset = 0, .more = true, .data = data, .size = 1000}, 0, whole),
              Fragments::Result::kept);
    EXPECT_LE(fragments.memory(), kMemory);
  }
  const auto finish = [&](uint32_t id) {
    const FragmentKey key{.source = kHeader4.source, .destination = kHeader4.destination, .id = id};
    return fragments.add(key, {.offset = 1000, .data = data, .size = 8}, 0, whole);
  };
  EXPECT_EQ(finish(99), Fragments::Result::complete);
  EXPECT_EQ(whole.size, 1008U);
  EXPECT_EQ(finish(0), Fragments::Result::kept) << "the oldest went first";
}

TEST(Fragments, OfIpv6HideHeadersInTheFirst) {
  // Destination options in the fragmentable part (RFC 8200 4.5): they are within the first
  // fragment.
  Octets payload{6, 0, 1, 4, 0, 0, 0, 0};
  payload = payload + segment(kHeader6);
  IpHeader header = kHeader6;
  header.protocol = 60;
  Decoder decoder;
  EXPECT_EQ(read(decoder, kRaw, fragment(header, payload, {80, 228, false})).found,
            Found::fragment);
  expect_segment(read(decoder, kRaw, fragment(header, payload, {0, 80, true})), 2 * 48 + 228);
}

}  // namespace
}  // namespace tcpdx::wire
