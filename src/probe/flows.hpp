// Ways that part by flow (ECMP, RFC 2992): the way to a host walked by several flows at once, each
// with ports of its own that never change, and what their answers say together.
#pragma once

#include <cstdint>
#include <functional>
#include <vector>

#include "probe/path.hpp"

namespace tcpdx::probe {

struct Flow {
  uint16_t source_port = 0;
  PathResult path;  // with the silent hops behind the last that answered
};

// Pure: the branches of all flows, the one with most flows first, and their hops together.
PathResult join_flows(const std::vector<Flow>& flows);

// UDP from ports that do not change from run to run, so that the same flows go the same ways again.
Result<PathResult> find_flows(const PathOptions& options, const std::function<bool()>& stop);

}  // namespace tcpdx::probe
