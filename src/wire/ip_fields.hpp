// Numbers of the IP headers that both the parser of whole datagrams and the decoder of frames need.
#pragma once

#include <cstddef>
#include <cstdint>

namespace tcpdx::wire {

// RFC 791 3.1.
inline constexpr uint16_t kDontFragment = 0x4000;
inline constexpr uint16_t kMoreFragments4 = 0x2000;
inline constexpr uint16_t kOffsetMask4 = 0x1FFF;  // in units of 8 octets

// RFC 8200 4.1 and 4.5.
inline constexpr uint8_t kHopByHop = 0;
inline constexpr uint8_t kRouting = 43;
inline constexpr uint8_t kFragment = 44;
inline constexpr uint8_t kDestinationOptions = 60;
inline constexpr size_t kFragmentSize = 8;
inline constexpr uint16_t kMoreFragments6 = 0x0001;
inline constexpr uint16_t kOffsetMask6 = 0xFFF8;

}  // namespace tcpdx::wire
