// CRC-64/XZ: the polynomial of ECMA-182, reflected, all bits inverted before and after. It finds
// every single flipped bit and every burst of up to 64 bits.
#pragma once

#include <cstdint>
#include <span>

namespace tcpdx::store {

uint64_t crc64(std::span<const char> bytes);

}  // namespace tcpdx::store
