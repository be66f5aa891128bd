// The format of Sun's snoop, version 2 (RFC 1761).
#pragma once

#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "capture/format.hpp"

namespace tcpdx::capture {

bool is_snoop(std::span<const std::byte> head);
Result<Opened> open_snoop(std::span<const std::byte> head, DamageLog& log);

}  // namespace tcpdx::capture
