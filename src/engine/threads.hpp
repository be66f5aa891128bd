// Runs independent pieces of work on a few threads.
#pragma once

#include "base/runner.hpp"

namespace tcpdx::engine {

// On at most four threads, and no more than the machine has processors: a diagnosis must not take
// a busy machine away from its work.
void run_on_threads(size_t count, const std::function<void(size_t)>& task);

// Each piece on a thread of its own: for pieces that only wait. At most 64 at once.
void run_on_as_many_threads(size_t count, const std::function<void(size_t)>& task);

}  // namespace tcpdx::engine
