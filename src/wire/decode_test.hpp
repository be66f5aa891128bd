// Frames put together for the tests of the decoder, and what it finds in them.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <vector>

#include "wire/decode.hpp"
#include "wire/test_frames.hpp"

namespace tcpdx::wire::decode_test {

using Octets = std::vector<uint8_t>;

inline constexpr uint16_t kEthernet = 1;
inline constexpr uint16_t kRaw = 101;

inline Octets operator+(Octets head, const Octets& tail) {
  head.insert(head.end(), tail.begin(), tail.end());
  return head;
}

template <size_t kSize>
Octets copy(const std::array<uint8_t, kSize>& frame) {
  return {frame.begin(), frame.end()};
}

inline const Octets kAddresses{0x02, 0, 0, 0, 0, 2, 0x02, 0, 0, 0, 0, 1};
inline const Octets kIpv4Type{0x08, 0x00};
inline const Octets kIpv6Type{0x86, 0xDD};
inline const Octets kSyn = copy(test_frames::kSyn4);

// A frame and what was found in it. The decoder is given a copy on the heap of exactly the captured
// size, so that the sanitizer sees the first octet that is read beyond.
struct Reading {
  Found found{};
  Packet packet;
  Octets options;
  Octets text;
};

inline Octets octets(std::span<const std::byte> bytes) {
  Octets out;
  for (const std::byte octet : bytes) out.push_back(std::to_integer<uint8_t>(octet));
  return out;
}

inline Reading read(Decoder& decoder, uint16_t link_type, const Octets& frame, size_t captured,
                    size_t original, int64_t time_ns = 0) {
  const auto exact = std::make_unique<std::byte[]>(captured);
  std::ranges::copy(std::as_bytes(std::span(frame).first(captured)), exact.get());
  Reading reading;
  reading.found = decoder.decode(link_type, {exact.get(), captured},
                                 static_cast<uint32_t>(original), time_ns, reading.packet);
  if (reading.found == Found::tcp) {
    reading.options = octets(reading.packet.options);
    reading.text = octets(reading.packet.text);
  }
  return reading;
}

inline Reading read(Decoder& decoder, uint16_t link_type, const Octets& frame) {
  return read(decoder, link_type, frame, frame.size(), frame.size());
}

inline Reading read(uint16_t link_type, const Octets& frame) {
  Decoder decoder;
  return read(decoder, link_type, frame);
}

// What tcpdump -vv says of the SYN.
inline void expect_syn4(const Reading& reading) {
  ASSERT_EQ(reading.found, Found::tcp);
  const Packet& packet = reading.packet;
  EXPECT_EQ(packet.source, ipv4(192, 0, 2, 1));
  EXPECT_EQ(packet.destination, ipv4(192, 0, 2, 2));
  EXPECT_EQ(packet.source_port, 55226);
  EXPECT_EQ(packet.destination_port, 80);
  EXPECT_EQ(packet.seq.raw, 1413096242U);
  EXPECT_TRUE(packet.flags.syn);
  EXPECT_FALSE(packet.flags.ack);
  EXPECT_EQ(packet.ttl, 64);
  EXPECT_EQ(packet.window, 64240);
  EXPECT_EQ(packet.length, 0U);
  EXPECT_EQ(packet.ip_octets, 60U);
  EXPECT_EQ(packet.ip_id, 7725U);
  EXPECT_EQ(packet.checksum, Checksum::right);
  EXPECT_FALSE(packet.options_cut);
  EXPECT_FALSE(packet.reassembled);
  EXPECT_EQ(reading.options, Octets(kSyn.begin() + 40, kSyn.end()));
  EXPECT_TRUE(reading.text.empty());
}

// The frame ends with the SYN: whatever the capture cuts off, it is found as soon as its header's
// first 14 octets are there, and tells the same.
inline void expect_syn4_cut_anywhere(uint16_t link_type, const Octets& frame) {
  const size_t needed = frame.size() - 40 + 14;
  for (size_t size = 0; size < frame.size(); ++size) {
    SCOPED_TRACE(size);
    Decoder decoder;
    const Reading reading = read(decoder, link_type, frame, size, frame.size());
    ASSERT_EQ(reading.found == Found::tcp, size >= needed);
    if (size < needed) continue;
    EXPECT_EQ(reading.packet.source_port, 55226);
    EXPECT_EQ(reading.packet.length, 0U);
    EXPECT_EQ(reading.packet.ip_octets, 60U);
    EXPECT_TRUE(reading.packet.options_cut);
    EXPECT_EQ(reading.packet.checksum, Checksum::unknown);
  }
}

}  // namespace tcpdx::wire::decode_test
