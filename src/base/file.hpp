// Files and descriptors of the operating system, owned and read without surprises.
#pragma once

#include <unistd.h>

#include <cstddef>
#include <span>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace tcpdx {

// A descriptor that is closed with its owner; -1 is none.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }

  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

// The whole file. Files under /proc have no size, so it is read until its end.
// An error names the path and the system's reason; errno is kept in the second form.
Result<std::string> read_file(const std::string& path);
// Relative to a directory descriptor; 0 or the errno of the call that failed. For hot loops.
int read_file_at(int dir, const char* path, std::string& into);

// Written beside the target and renamed over it, so that a reader never sees half a file.
Result<void> write_file(const std::string& path, std::span<const char> bytes);

}  // namespace tcpdx
