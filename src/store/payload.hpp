// An Observation as plain bytes: what is inside a snapshot, before compression and checksum.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/result.hpp"
#include "model/observation.hpp"

namespace tcpdx::store {

// The same bytes for the same Observation.
std::vector<char> write_payload(const Observation& observation);

// An error for bytes that write_payload never makes from a sound Observation: whoever gets one may
// follow every index in it. The memory it takes is at most a small multiple of the bytes. `version`
// is the format that the bytes were written in, 1 to kSnapshotVersion.
Result<Observation> read_payload(std::span<const char> payload, uint32_t version);

}  // namespace tcpdx::store
