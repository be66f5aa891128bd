// Frames of any link type. An input holds several, so that fragments meet: the link type, then for
// each frame two octets of length, two of what the capture cut off, and the octets themselves.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>

#include "wire/decode.hpp"
#include "wire/octets.hpp"

namespace {

using tcpdx::wire::Decoder;
using tcpdx::wire::Found;
using tcpdx::wire::Packet;

bool is_within(std::span<const std::byte> part, std::span<const std::byte> all) {
  return part.empty() ||
         (part.data() >= all.data() && part.data() + part.size() <= all.data() + all.size());
}

// What holds of every packet, whatever the octets were.
void check(const Decoder& decoder, const Packet& packet, std::span<const std::byte> frame) {
  if (packet.link >= decoder.links().size()) std::abort();
  if (packet.text.size() > packet.length || packet.options.size() > 40) std::abort();
  if (packet.ip_octets < packet.length) std::abort();
  if (packet.source.family != packet.destination.family) std::abort();
  // Those of fragments point into the decoder.
  if (!packet.reassembled && !is_within(packet.text, frame)) std::abort();
  if (!packet.reassembled && !is_within(packet.options, frame)) std::abort();
  uint8_t sum = 0;
  for (const std::byte octet : packet.text) sum ^= std::to_integer<uint8_t>(octet);
  for (const std::byte octet : packet.options) sum ^= std::to_integer<uint8_t>(octet);
  [[maybe_unused]] volatile uint8_t read = sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  auto rest = std::as_bytes(std::span(data, size));
  if (rest.size() < 2) return 0;
  const uint16_t link_type = tcpdx::wire::get16(rest.data());
  rest = rest.subspan(2);
  Decoder decoder(tcpdx::wire::DecodeOptions{.fragment_memory = 4096});
  for (int64_t second = 0; rest.size() >= 4; second += 5) {
    const size_t length = std::min<size_t>(tcpdx::wire::get16(rest.data()), rest.size() - 4);
    const uint32_t cut = tcpdx::wire::get16(&rest[2]);
    // On the heap of just that size, where the sanitizer sees the first octet read beyond.
    const auto exact = std::make_unique<std::byte[]>(length);
    std::ranges::copy(rest.subspan(4, length), exact.get());
    const std::span<const std::byte> frame(exact.get(), length);
    Packet packet;
    const Found found = decoder.decode(link_type, frame, static_cast<uint32_t>(length) + cut,
                                       second * 1'000'000'000, packet);
    if (found == Found::tcp) check(decoder, packet, frame);
    if (found == Found::icmp_error && decoder.icmp_link() >= decoder.links().size()) std::abort();
    rest = rest.subspan(4 + length);
  }
  return 0;
}
