// How long a connection has been in its state, as far as one look can prove it.
#pragma once

#include "faults/facts.hpp"

namespace tcpdx::faults {

// A lower bound from TCP_INFO, the timer and the kernel's own limits; zero where nothing proves
// more. `info` may be null.
Age age_from_kernel(const Socket& socket, const TcpInfo* info, const Sysctls& sysctls);

// Time since the first SYN after which `repeats` repeats have been sent, at least. Since Linux 6.5
// the first tcp_syn_linear_timeouts repeats follow 1 s apart, then the wait doubles.
Duration syn_repeat_time(unsigned repeats, unsigned linear);

// The retransmission timeout before it was doubled `backoff` times.
Duration base_rto(const TcpInfo& info);

}  // namespace tcpdx::faults
