// SipHash-2-4: a keyed hash that nobody without the key can predict (Aumasson and Bernstein,
// "SipHash: a fast short-input PRF", 2012). For hash tables of foreign keys, initial sequence
// numbers (RFC 6528 section 3) and SYN cookies.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tcpdx {

// The key's 16 octets as two numbers, each read with its lowest octet first.
uint64_t siphash(const std::array<uint64_t, 2>& key, std::span<const std::byte> message);

}  // namespace tcpdx
