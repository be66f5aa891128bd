// The format of Wireshark and others (draft-ietf-opsawg-pcapng): sections in either byte order,
// each with interfaces that have their own link type and units of time.
#pragma once

#include <cstddef>
#include <span>

#include "capture/format.hpp"

namespace tcpdx::capture {

bool is_pcapng(std::span<const std::byte> head);
Opened open_pcapng(DamageLog& log);

}  // namespace tcpdx::capture
