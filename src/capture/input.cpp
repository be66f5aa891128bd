#include "capture/input.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

namespace tcpdx::capture {
namespace {

// Read by read(2), never mapped: where another program cuts a mapped file short, as a rotating
// capture does, the kernel answers the next look with SIGBUS. The copy of a block that stays in
// the processor's cache costs little beside looking at its packets.
class FileInput final : public Input {
 public:
  explicit FileInput(Fd fd) : fd_(std::move(fd)) {
    struct stat found{};
    if (::fstat(fd_.get(), &found) != 0 || !S_ISREG(found.st_mode)) return;
    progress_.of = static_cast<uint64_t>(found.st_size);
    // Only advice: without it reading is slower on disks.
    static_cast<void>(::posix_fadvise(fd_.get(), 0, 0, POSIX_FADV_SEQUENTIAL));
  }

  size_t read(std::span<std::byte> into) override {
    for (;;) {
      const ssize_t got = ::read(fd_.get(), into.data(), into.size());
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) trouble_ = errno_text(errno);
      if (got <= 0) return 0;
      progress_.done += static_cast<uint64_t>(got);
      return static_cast<size_t>(got);
    }
  }
  std::string trouble() const override { return trouble_; }
  Progress progress() const override { return progress_; }

 private:
  Fd fd_;
  std::string trouble_;
  Progress progress_;
};

class MemoryInput final : public Input {
 public:
  MemoryInput(std::span<const std::byte> octets, size_t at_once)
      : rest_(octets), at_once_(at_once), size_(octets.size()) {}

  size_t read(std::span<std::byte> into) override {
    const size_t size = std::min({into.size(), rest_.size(), at_once_});
    std::ranges::copy(rest_.first(size), into.begin());
    rest_ = rest_.subspan(size);
    return size;
  }
  std::string trouble() const override { return {}; }
  Progress progress() const override { return {size_ - rest_.size(), size_}; }

 private:
  std::span<const std::byte> rest_;
  size_t at_once_;
  size_t size_;
};

}  // namespace

std::unique_ptr<Input> file_input(Fd fd) { return std::make_unique<FileInput>(std::move(fd)); }

std::unique_ptr<Input> memory_input(std::span<const std::byte> octets, size_t at_once) {
  return std::make_unique<MemoryInput>(octets, at_once);
}

}  // namespace tcpdx::capture
