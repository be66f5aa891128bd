// Who carries out independent pieces of work. Only the engine has threads; the parts that could use
// them are handed a Runner.
#pragma once

#include <cstddef>
#include <functional>

namespace tcpdx {

// Calls task(0) ... task(count - 1), in any order, perhaps at the same time, and returns when all
// are done.
using Runner = std::function<void(size_t count, const std::function<void(size_t)>& task)>;

inline void run_in_turn(size_t count, const std::function<void(size_t)>& task) {
  for (size_t i = 0; i < count; ++i) task(i);
}

}  // namespace tcpdx
