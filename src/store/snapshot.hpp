// Saved Observations: versioned, compressed, checksummed.
//
// File: the eight bytes "tcpdx\0ob", a little-endian u32 format version, a u32 of zero, a u64 size
// of the unpacked payload, a u64 checksum (XXH64) of the payload, then the payload as one zstd frame.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "model/observation.hpp"

namespace tcpdx::store {

inline constexpr uint32_t kSnapshotVersion = 1;

std::vector<char> pack(const Observation& observation);
// Errors: not a snapshot, made by a newer tcpdx, truncated, damaged (checksum), or values that no
// tcpdx writes. Never reads beyond the bytes, never asks for more memory than they can justify.
Result<Observation> unpack(std::span<const char> bytes);

Result<void> save(const Observation& observation, const std::string& path);
Result<Observation> load(const std::string& path);

}  // namespace tcpdx::store
