#include "track/half_open.hpp"

#include <algorithm>

#include "wire/octets.hpp"
#include "wire/tcp.hpp"

namespace tcpdx::track {
namespace {

constexpr int64_t kMaxUs = (int64_t{1} << 48U) - 1;
constexpr uint64_t kMaxFrame = (uint64_t{1} << 40U) - 1;

// Numbers of any count of octets, the lowest first.
template <size_t size>
void put(std::array<uint8_t, size>& at, uint64_t number) {
  for (uint8_t& octet : at) {
    octet = static_cast<uint8_t>(number & 0xffU);
    number >>= 8U;
  }
}
template <size_t size>
uint64_t get(const std::array<uint8_t, size>& at) {
  uint64_t number = 0;
  for (size_t i = size; i > 0; --i) number = number << 8U | at[i - 1];
  return number;
}

template <Family family>
IpAddress address_of(const std::array<uint8_t, HalfOpen<family>::kAddressSize>& octets) {
  IpAddress address;
  address.family = family;
  std::memcpy(address.bytes.data(), octets.data(), octets.size());
  return address;
}

// Options as Linux lays them out; what counts is what they say.
size_t write_options(uint8_t has, uint16_t mss, uint8_t scale, OptionBytes& out) {
  size_t at = 0;
  const auto octet = [&](uint8_t value) { out[at++] = std::byte{value}; };
  if ((has & kHasMss) != 0) {
    octet(2);
    octet(4);
    octet(static_cast<uint8_t>(mss >> 8U));
    octet(static_cast<uint8_t>(mss & 0xffU));
  }
  if ((has & kHasScale) != 0) {
    octet(3);
    octet(3);
    octet(scale);
  }
  if ((has & kHasSack) != 0) {
    octet(4);
    octet(2);
  }
  if ((has & kHasTimestamps) != 0) {
    octet(8);
    octet(10);
    for (int i = 0; i < 8; ++i) octet(0);
  }
  return at;
}

}  // namespace

bool fits_half_open(const Sighting& syn, int64_t stream_start_ns) {
  const int64_t us = (syn.time_ns - stream_start_ns) / 1000;
  return syn.packet.length == 0 && syn.packet.link <= UINT16_MAX &&
         syn.packet.ip_octets <= UINT8_MAX && syn.time_ns >= stream_start_ns && us <= kMaxUs &&
         syn.frame <= kMaxFrame && syn.packet.checksum != wire::Checksum::wrong;
}

template <Family family>
void pack(const Sighting& syn, int64_t stream_start_ns, HalfOpen<family>& into) {
  const wire::Packet& packet = syn.packet;
  std::memcpy(into.source.data(), packet.source.bytes.data(), into.source.size());
  std::memcpy(into.destination.data(), packet.destination.bytes.data(), into.destination.size());
  into.source_port = packet.source_port;
  into.destination_port = packet.destination_port;
  into.iss = packet.seq.raw;
  put(into.time_us, static_cast<uint64_t>(syn.time_ns - stream_start_ns) / 1000);
  put(into.frame, syn.frame);
  into.ttl = packet.ttl;
  into.link = static_cast<uint16_t>(packet.link);
  into.ip_octets = static_cast<uint8_t>(packet.ip_octets);
  into.window = packet.window;
  wire::TcpOptions options;
  static_cast<void>(wire::parse_tcp_options(packet.options, options));
  into.options = 0;
  if (options.mss) into.options |= kHasMss;
  if (options.window_scale) into.options |= kHasScale;
  if (options.sack_permitted) into.options |= kHasSack;
  if (options.timestamps) into.options |= kHasTimestamps;
  into.mss = options.mss.value_or(0);
  // RFC 7323 2.3: above 14 means 14.
  const unsigned scale = std::min<unsigned>(options.window_scale.value_or(0), 14);
  into.options |= static_cast<uint8_t>(scale << kScaleShift);
}

template <Family family>
Sighting unpack(const HalfOpen<family>& from, int64_t stream_start_ns, OptionBytes& options) {
  Sighting syn;
  syn.frame = get(from.frame);
  syn.time_ns = stream_start_ns + static_cast<int64_t>(get(from.time_us)) * 1000;
  wire::Packet& packet = syn.packet;
  packet.source = address_of<family>(from.source);
  packet.destination = address_of<family>(from.destination);
  packet.source_port = from.source_port;
  packet.destination_port = from.destination_port;
  packet.link = from.link;
  packet.seq = Seq{from.iss};
  packet.flags.syn = true;
  packet.ttl = from.ttl;
  packet.ip_octets = from.ip_octets;
  packet.window = from.window;
  packet.options = std::span(options).first(
      write_options(from.options, from.mss, from.options >> kScaleShift, options));
  return syn;
}

template void pack(const Sighting&, int64_t, HalfOpen4&);
template void pack(const Sighting&, int64_t, HalfOpen6&);
template Sighting unpack(const HalfOpen4&, int64_t, OptionBytes&);
template Sighting unpack(const HalfOpen6&, int64_t, OptionBytes&);

}  // namespace tcpdx::track
