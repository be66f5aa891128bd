// A SYN that nobody has answered yet, in as few octets as it takes to build its record later. A
// flood has millions of them.
#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/address.hpp"
#include "track/report.hpp"

namespace tcpdx::track {

template <Family family>
struct HalfOpen {
  static constexpr size_t kAddressSize = family == Family::v4 ? 4 : 16;

  std::array<uint8_t, kAddressSize> source{};
  std::array<uint8_t, kAddressSize> destination{};
  uint16_t source_port = 0;
  uint16_t destination_port = 0;
  uint32_t iss = 0;
  uint32_t id = 0;                   // of the connection; 0: this place is free
  std::array<uint8_t, 6> time_us{};  // since the stream's start
  std::array<uint8_t, 5> frame{};
  uint8_t ttl = 0;
  uint16_t link = 0;
  uint16_t mss = 0;
  uint16_t window = 0;
  uint8_t options = 0;  // of kHas*, and the window scale in the upper half
  uint8_t ip_octets = 0;

  uint32_t& next_free() { return iss; }
};
inline constexpr uint8_t kHasScale = 1;
inline constexpr uint8_t kHasSack = 2;
inline constexpr uint8_t kHasTimestamps = 4;
inline constexpr uint8_t kHasMss = 8;
inline constexpr unsigned kScaleShift = 4;

using HalfOpen4 = HalfOpen<Family::v4>;
using HalfOpen6 = HalfOpen<Family::v6>;
static_assert(sizeof(HalfOpen4) == 40);
static_assert(sizeof(HalfOpen6) == 64);

// Whether a SYN can be kept in this form: without data, and with nothing that it has no room for.
bool fits_half_open(const Sighting& syn, int64_t stream_start_ns);

template <Family family>
void pack(const Sighting& syn, int64_t stream_start_ns, HalfOpen<family>& into);

// The SYN again, as far as it was kept. Its options point into `options`.
using OptionBytes = std::array<std::byte, 20>;
template <Family family>
Sighting unpack(const HalfOpen<family>& from, int64_t stream_start_ns, OptionBytes& options);

}  // namespace tcpdx::track
