// The Internet checksum (RFC 1071): the ones' complement of the ones' complement sum of 16-bit
// words. Sums are taken in the machine's own byte order, which RFC 1071 2(B) allows, 64 bits wide
// (2(C)), and folded at the end.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/address.hpp"

namespace tcpdx::wire {

// `sum` and the words of the bytes; an odd last octet is padded with zero. Of several pieces summed
// one after the other, all but the last must have an even size.
uint64_t add_words(std::span<const std::byte> bytes, uint64_t sum = 0);

// The sum of the pseudo header before a TCP or ICMPv6 message of `size` octets (RFC 9293 3.1,
// RFC 8200 8.1). Both addresses are of one family.
uint64_t pseudo_header_sum(const IpAddress& source, const IpAddress& destination, uint8_t protocol,
                           size_t size);

// The checksum of a sum, as the number that is written with its high octet first. Over bytes that
// already hold their checksum it is 0 when that is right.
uint16_t checksum(uint64_t sum);

}  // namespace tcpdx::wire
