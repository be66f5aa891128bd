// IEEE 802.11 data frames in the clear, and what capturing drivers put before them.
#include "wire/layers.hpp"

namespace tcpdx::wire {
namespace {

// IEEE 802.11 9.2.3 and 9.2.4: the first octet has type and subtype, the second the flags.
constexpr uint8_t kTypeMask = 0x0C;
constexpr uint8_t kData = 0x08;
constexpr uint8_t kNoData = 0x40;  // bits of the subtype
constexpr uint8_t kQos = 0x80;
constexpr uint8_t kBothSystems = 0x03;  // to and from: a fourth address
constexpr uint8_t kProtected = 0x40;
constexpr uint8_t kOrder = 0x80;       // HT control follows QoS control
constexpr uint8_t kAggregated = 0x80;  // of QoS control: A-MSDU

size_t header_size(uint8_t frame, uint8_t flags) {
  size_t size = 24;
  if ((flags & kBothSystems) == kBothSystems) size += 6;
  if ((frame & kQos) == 0) return size;
  return size + 2 + ((flags & kOrder) != 0 ? 4 : 0);
}

bool is_aggregated(const Rest& rest, uint8_t frame, uint8_t flags) {
  if ((frame & kQos) == 0) return false;
  const size_t qos_at = (flags & kBothSystems) == kBothSystems ? 30 : 24;
  return (get8(rest.at(qos_at)) & kAggregated) != 0;
}

// The first of an A-MSDU's frames stands for all: one frame of a capture is one packet.
Layer read_first_subframe(Walk& walk) {
  constexpr size_t kSubframeSize = 14;
  if (!walk.rest.has(kSubframeSize)) return Layer::broken;
  const size_t length = get16(walk.rest.at(12));
  walk.rest.skip(kSubframeSize);
  if (length < walk.rest.wire) walk.rest.limit(length);
  return Layer::llc;
}

// `padded`: the driver let the frame's body begin at a multiple of four octets.
Layer read_frame(Walk& walk, bool padded) {
  if (!walk.rest.has(2)) return Layer::broken;
  const uint8_t frame = get8(walk.rest.at(0));
  const uint8_t flags = get8(walk.rest.at(1));
  if ((frame & kTypeMask) != kData || (frame & kNoData) != 0) return Layer::other;
  if ((flags & kProtected) != 0) return Layer::other;
  const size_t size = header_size(frame, flags);
  const size_t body_at = padded ? (size + 3) / 4 * 4 : size;
  if (!walk.rest.has(body_at)) return Layer::broken;
  const bool aggregated = is_aggregated(walk.rest, frame, flags);
  walk.rest.skip(body_at);
  return aggregated ? read_first_subframe(walk) : Layer::llc;
}

uint32_t little16(const std::byte* at) { return std::byteswap(get16(at)); }
uint32_t little32(const std::byte* at) { return std::byteswap(get32(at)); }

// https://www.radiotap.org: words of bits tell which fields are there. Flags, the second, may stand
// behind a clock of 64 bits.
bool radiotap_says_padded(const Rest& header) {
  constexpr uint32_t kClock = 1U << 0U;
  constexpr uint32_t kFlags = 1U << 1U;
  constexpr uint32_t kMore = 1U << 31U;
  constexpr uint8_t kDataPad = 0x20;
  const uint32_t present = little32(header.at(4));
  size_t at = 8;
  for (uint32_t word = present; (word & kMore) != 0; at += 4) {
    if (!header.has(at + 4)) return false;
    word = little32(header.at(at));
  }
  if ((present & kClock) != 0) at = (at + 7) / 8 * 8 + 8;
  return (present & kFlags) != 0 && header.has(at + 1) && (get8(header.at(at)) & kDataPad) != 0;
}

Layer read_behind(size_t size, Walk& walk) {
  if (!walk.rest.has(size)) return Layer::broken;
  walk.rest.skip(size);
  return read_frame(walk, false);
}

}  // namespace

Layer read_ieee80211(Walk& walk) { return read_frame(walk, false); }

Layer read_radiotap(Walk& walk) {
  constexpr size_t kMinSize = 8;
  if (!walk.rest.has(kMinSize)) return Layer::broken;
  const size_t size = little16(walk.rest.at(2));
  if (size < kMinSize || !walk.rest.has(size)) return Layer::broken;
  const bool padded = radiotap_says_padded({walk.rest.data.first(size), size});
  walk.rest.skip(size);
  return read_frame(walk, padded);
}

Layer read_avs(Walk& walk) {
  constexpr size_t kMinSize = 8;
  if (!walk.rest.has(kMinSize)) return Layer::broken;
  const size_t size = get32(walk.rest.at(4));
  return size < kMinSize ? Layer::broken : read_behind(size, walk);
}

// Some drivers wrote AVS headers under Prism's link type; they begin with their version.
Layer read_prism(Walk& walk) {
  constexpr size_t kPrismSize = 144;
  constexpr uint32_t kAvsVersion = 0x80211000;
  if (!walk.rest.has(4)) return Layer::broken;
  if ((get32(walk.rest.at(0)) & 0xFFFFF000U) == kAvsVersion) return read_avs(walk);
  return read_behind(kPrismSize, walk);
}

}  // namespace tcpdx::wire
