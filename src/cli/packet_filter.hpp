// A filter asked of packets as they pass: by the kernel as far as it can, then once more behind the
// tracker, which knows states and has put fragments together.
#pragma once

#include <string>

#include "model/filter.hpp"
#include "track/report.hpp"

namespace tcpdx::cli {

// In the words of pcap-filter(7): segments that may match, later fragments of any segment (they
// have no ports), and ICMP errors about TCP (the segment that they quote is not the kernel's to
// read). With `tunnels` everything that may hold a segment inside too.
std::string kernel_filter(const Filter& filter, bool tunnels);

// `src` is the sender; `state` asks for either end's state after the packet. An ICMP error matches
// as the segment that it quotes.
bool matches(const Filter& filter, const track::PacketReport& report);

}  // namespace tcpdx::cli
