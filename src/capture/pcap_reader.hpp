// The classic format of tcpdump and libpcap (draft-ietf-opsawg-pcap), with the variants that
// libpcap reads: nanoseconds, lengths in the order of before version 2.3, and the longer record
// headers that a patch to libpcap once wrote on Linux.
#pragma once

#include <cstddef>
#include <span>

#include "base/result.hpp"
#include "capture/format.hpp"

namespace tcpdx::capture {

bool is_pcap(std::span<const std::byte> head);
Result<Opened> open_pcap(std::span<const std::byte> head, DamageLog& log);

}  // namespace tcpdx::capture
