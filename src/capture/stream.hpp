// One capture as a Source: its input, unpacked where it is compressed, read by its format.
#pragma once

#include <cstddef>
#include <memory>
#include <string>

#include "base/result.hpp"
#include "capture/frame.hpp"
#include "capture/input.hpp"

namespace tcpdx::capture {

// How much is read at once: large enough that system calls cost nothing, small enough that what
// was read is still in the processor's cache when it is looked at.
constexpr size_t kReadBlock = 256 * size_t{1024};

// `name` is what errors and damage call the capture.
Result<std::unique_ptr<Source>> open_input(std::unique_ptr<Input> input, const std::string& name,
                                           size_t block = kReadBlock);

}  // namespace tcpdx::capture
