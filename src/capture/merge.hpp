// Several captures as one stream.
#pragma once

#include <memory>
#include <vector>

#include "capture/frame.hpp"

namespace tcpdx::capture {

// In the order of time; of equal times the earlier part is first, and within one part the order
// stays as it is, whatever its times say. Frames and interfaces are counted anew. Damage keeps the
// frame numbers of its own file, whose name it has.
std::unique_ptr<Source> merge(std::vector<std::unique_ptr<Source>> parts);

}  // namespace tcpdx::capture
