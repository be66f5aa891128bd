// Saved Observations: versioned, compressed, checksummed.
//
// File, all numbers little-endian:
//   eight bytes "tcpdx\0ob", u32 format version, u32 zero,
//   u64 size of the payload, u64 size of the zstd frame that holds it,
//   the frame,
//   u64 CRC-64/XZ of everything before it, so that damage to the header is found as well.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/observation.hpp"

namespace tcpdx::store {

std::vector<char> pack(const Observation& observation);
// Errors: not a snapshot, made by a newer tcpdx, truncated, damaged (checksum), or values that no
// tcpdx writes. Never reads beyond the bytes, never asks for more memory than they can justify.
Result<Observation> unpack(std::span<const char> bytes);

Result<void> save(const Observation& observation, const std::string& path);
Result<Observation> load(const std::string& path);
// Whether the regular file begins as a snapshot does, be it whole or cut off. Of anything else
// than a regular file nothing is read, so that a pipe keeps its first octets.
bool is_snapshot(const std::string& path);

}  // namespace tcpdx::store
