// Lives of connections without BPF: from the kernel's notices of sockets that end, and from looks
// that tell their owners.
#pragma once

#include "base/result.hpp"
#include "engine/trace.hpp"

namespace tcpdx::engine {

// `lack`: why the kernel's events are not used.
Result<void> trace_deaths(const TraceOptions& options, const Missing& lack, TraceSink& sink);

}  // namespace tcpdx::engine
