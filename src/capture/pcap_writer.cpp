#include "capture/pcap_writer.hpp"

#include <array>
#include <cstdint>

namespace tcpdx::capture {
namespace {

constexpr uint32_t kMagicMicroseconds = 0xA1B2C3D4;
constexpr uint32_t kVersion = 2 | 4U << 16;  // 2.4: two 16-bit numbers
constexpr uint32_t kSnapLength = 262144;     // as tcpdump(8); above any IP packet
constexpr uint32_t kLinkTypeRaw = 101;

// A file may be in either byte order, told by the magic number; with one order on every machine
// equal packets make equal files.
template <size_t kCount>
void put_numbers(std::ostream& out, const std::array<uint32_t, kCount>& numbers) {
  std::array<char, 4 * kCount> octets{};
  for (size_t i = 0; i < octets.size(); ++i) {
    octets[i] = static_cast<char>(numbers[i / 4] >> (8 * (i % 4)) & 0xFF);
  }
  out.write(octets.data(), octets.size());
}

}  // namespace

PcapWriter::PcapWriter(std::ostream& out) : out_(out) {
  put_numbers<6>(out_, {kMagicMicroseconds, kVersion, 0, 0, kSnapLength, kLinkTypeRaw});
}

void PcapWriter::write(Duration since_epoch, std::span<const std::byte> packet) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since_epoch);
  const auto size = static_cast<uint32_t>(packet.size());
  put_numbers<4>(out_, {static_cast<uint32_t>(seconds.count()),
                        static_cast<uint32_t>((since_epoch - seconds).count()), size, size});
  out_.write(reinterpret_cast<const char*>(packet.data()),
             static_cast<std::streamsize>(packet.size()));
}

}  // namespace tcpdx::capture
