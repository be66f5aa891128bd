// Compressed captures: gzip (RFC 1952) with any number of members, and Zstandard (RFC 8878) with
// any number of frames. What was unpacked before damage is delivered.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "capture/input.hpp"

namespace tcpdx::capture {

enum class Packing { gzip, zstd };

// By the first octets of a file.
std::optional<Packing> packing_of(std::span<const std::byte> head);

// `head` is what was taken from the input already.
std::unique_ptr<Input> unpack(Packing packing, std::vector<std::byte> head,
                              std::unique_ptr<Input> input);

}  // namespace tcpdx::capture
