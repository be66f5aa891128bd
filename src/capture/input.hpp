// Where the octets of a capture come from: a file, a pipe or memory.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

#include "base/file.hpp"
#include "capture/frame.hpp"

namespace tcpdx::capture {

class Input {
 public:
  Input() = default;
  Input(const Input&) = delete;
  Input& operator=(const Input&) = delete;
  virtual ~Input() = default;

  // Fills the front of `into`, which is not empty, and returns how much; 0 at the end. What is
  // there is handed over at once: a pipe is not waited for when it has given something.
  virtual size_t read(std::span<std::byte> into) = 0;
  // Why the end came before its time; empty when it did not.
  virtual std::string trouble() const = 0;
  virtual Progress progress() const = 0;
};

std::unique_ptr<Input> file_input(Fd fd);
// At most `at_once` octets with each call, as a pipe may do. The octets must outlive the input.
std::unique_ptr<Input> memory_input(std::span<const std::byte> octets, size_t at_once);

}  // namespace tcpdx::capture
